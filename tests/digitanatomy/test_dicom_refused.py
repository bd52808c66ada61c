"""DICOM files that cannot be used: one line that names the file, why and what to do, and not the patient."""

from __future__ import annotations

import io
import sys
import tracemalloc
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.data import get_testdata_file
from pydicom.encaps import encapsulate
from pydicom.uid import JPEG2000Lossless, JPEGBaseline8Bit, JPEGLosslessSV1, RLELossless

from digitanatomy.image_files import ImageFileError, Pixels, read_pixels
from tests.dicom_files import dicom, table

GREY = np.arange(256, dtype=np.uint8).reshape(16, 16)


def read(content: bytes, name: str = "a.dcm") -> Pixels:
    return read_pixels(io.BytesIO(content), name)


def refusal(content: bytes, name: str = "a.dcm") -> str:
    """Why it is refused; empty where it is read."""
    try:
        values = read(content, name).values
    except ImageFileError as error:
        return str(error)
    assert values.dtype == np.float32
    assert 0 <= values.min() <= values.max() <= 1
    return ""


def compressed(frame: bytes, syntax: str, **tags: Any) -> bytes:
    """A file of 16 x 16 pixels whose pixel data are this frame."""
    data = pydicom.dcmread(io.BytesIO(dicom(GREY, **tags)))
    data.file_meta.TransferSyntaxUID = syntax
    data.PixelData = encapsulate([frame])
    data["PixelData"].VR = "OB"
    buffer = io.BytesIO()
    data.save_as(buffer)
    return buffer.getvalue()


def coded(kind: str, side: int = 16) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.resize(GREY, (side, side))).save(buffer, kind)
    return buffer.getvalue()


def file(name: str) -> bytes:
    return Path(str(get_testdata_file(f"{name}.dcm", download=False))).read_bytes()


def deflated(content: bytes) -> bytes:
    data = pydicom.dcmread(io.BytesIO(content))
    data.file_meta.TransferSyntaxUID = pydicom.uid.DeflatedExplicitVRLittleEndian
    buffer = io.BytesIO()
    data.save_as(buffer)
    return buffer.getvalue()


SIXTEEN = GREY.astype(np.uint16)
BAD: dict[str, tuple[bytes, str]] = {
    "no mark": (GREY.tobytes(), "not a DICOM file (the mark DICM after 128 bytes is missing)"),
    "a PNG by another name": (coded("PNG"), "not a DICOM file"),
    "no image": (file("rtplan"), "holds no image"),
    "no pixel data": (dicom(GREY, PixelData=b""), "holds no pixel data"),
    "frames": (dicom(GREY, NumberOfFrames=2), "one image expected, got 2 frames; export the one to judge"),
    "palette": (file("examples_palette"), "grey or RGB expected, got PALETTE COLOR of 1 samples a pixel; save it as"),
    "an unknown kind": (dicom(GREY, PhotometricInterpretation="NOBODY"), "got an unknown kind of 1 samples a pixel"),
    "one bit": (file("liver_1frame"), "2 to 16 bits a sample, the lowest of 8 or 16, expected, got 1 of 1"),
    "32 bits": (file("rtdose_1frame"), "2 to 16 bits a sample, the lowest of 8 or 16, expected, got 32 of 32"),
    "high bits": (dicom(SIXTEEN, BitsStored=12, HighBit=15), "the lowest of 8 or 16, expected, got 12 of 16"),
    "deflated": (deflated(dicom(GREY)), "deflated DICOM is not read (it can swell without bound); save it uncompr"),
    "JPEG lossless": (compressed(b"none", JPEGLosslessSV1), "which is not decoded here; save it uncompressed (gdcm"),
    "JPEG-LS": (file("MR_small_jpeg_ls_lossless"), "compressed as JPEG-LS Lossless Image Compression, which is not"),
    "JPEG of 12 bits": (file("JPEG-lossy"), "that cannot be decoded here"),
    "another coding": (compressed(b"none", "1.2.3.4"), "compressed as 1.2.3.4, which is not decoded here"),
    "cut": (file("MR_truncated"), "the DICOM file is damaged"),
    "small": (file("SC_rgb_small_odd"), "at least 8 pixels a side expected, got 3x3"),
    "no window": (dicom(SIXTEEN, WindowCenter=5, WindowWidth=0), "a window of at least one grey value expected, got"),
    "another window": (dicom(SIXTEEN, WindowCenter=5, WindowWidth=9, VOILUTFunction="X"), "LINEAR, LINEAR_EXACT or"),
    "slope": (dicom(SIXTEEN, RescaleSlope=0, RescaleIntercept=1), "a finite rescale slope other than 0"),
    "bits of a table": (dicom(SIXTEEN, VOILUTSequence=table(0, 32, [0, 1])), "a lookup table of 8 to 16 bits"),
    "larger JPEG": (compressed(coded("JPEG", 32), JPEGBaseline8Bit), "the compressed image is not 16x16 as its header"),
    "larger JPEG 2000": (compressed(coded("JPEG2000", 32), JPEG2000Lossless), "the compressed image is not 16x16 as"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_used_is_refused_in_one_line(case: str) -> None:
    content, text = BAD[case]
    said = refusal(content)
    assert text in said
    assert said.startswith("a.dcm: ")
    assert said.isprintable()
    assert "Nobody" not in said


@pytest.mark.parametrize("name", ["a.dcm", "A.DICOM", "looks like.png"])
def test_without_pydicom_a_file_is_refused_with_what_to_install(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert read(dicom(GREY), name).values.shape == (16, 16)  # the content tells what it is
    monkeypatch.setitem(sys.modules, "pydicom", None)
    said = refusal(dicom(GREY), name)
    assert said == f'{name}: DICOM files need pydicom: pip install "squidlib[dicom]"'


def test_far_too_many_pixels_are_refused_before_they_are_decoded() -> None:
    said = refusal(dicom(GREY, Rows=5000, Columns=5000))
    assert "at most 20 megapixels expected, got 5000x5000; scale it down first" in said


def test_a_file_beyond_all_bounds_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("digitanatomy.dicom.MOST_BYTES", 2**10)
    assert "at most 0 MiB expected in a DICOM file" in refusal(dicom(np.zeros((64, 64), np.uint8)))


def test_runs_that_swell_are_refused_before_they_are_unpacked() -> None:
    run = bytes([129, 7])  # 128 times the same byte
    good = bytes([1, 0, 0, 0, 64]) + bytes(59) + run * 2
    assert read(compressed(good, RLELossless)).values == pytest.approx(7 / 255)
    bomb = bytes([1, 0, 0, 0, 64]) + bytes(59) + run * 500_000  # 64 megabytes from one
    content = compressed(bomb, RLELossless)
    tracemalloc.start()
    said = refusal(content)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert "the compressed image is not 16x16 as its header says" in said
    assert most < 2e7


def test_a_deflated_file_is_not_inflated(monkeypatch: pytest.MonkeyPatch) -> None:
    def inflated(*_: object) -> bytes:
        raise AssertionError("inflated")

    monkeypatch.setattr(zlib, "decompress", inflated)
    assert "deflated DICOM is not read" in refusal(file("image_dfl"))


def test_what_a_damaged_file_holds_is_not_quoted() -> None:
    content = dicom(SIXTEEN, RescaleSlope="12345678", RescaleIntercept="0")
    said = refusal(content.replace(b"12345678", b"Nobody^T"))
    assert said == "a.dcm: the DICOM file is damaged (ValueError); export it again"


@pytest.mark.parametrize("seed", range(6))
def test_hundreds_of_damaged_files_are_read_or_refused_in_a_line(seed: int) -> None:
    random = np.random.default_rng(seed)
    whole = [
        dicom(GREY),
        dicom(SIXTEEN, VOILUTSequence=table(3, 12, [1, 2, 3]), BitsStored=12),
        dicom(SIXTEEN, WindowCenter=100, WindowWidth=50, RescaleSlope=2, RescaleIntercept=-5, PixelPaddingValue=3),
        compressed(coded("JPEG"), JPEGBaseline8Bit),
        compressed(coded("JPEG2000"), JPEG2000Lossless),
        compressed(bytes([1, 0, 0, 0, 64]) + bytes(59) + bytes([129, 7]) * 2, RLELossless),
    ][seed]
    refused = 0
    for number in range(150):
        content = bytearray(whole)
        for _ in range(random.integers(1, 6)):
            content[int(random.integers(132, len(content)))] ^= 1 << int(random.integers(0, 8))
        cut = content[: random.integers(1, len(content) + 1)] if number % 3 == 0 else content
        said = refusal(bytes(cut))
        refused += bool(said)
        assert said == "" or said.startswith("a.dcm: ")
        assert said.isprintable()
        assert "Nobody" not in said
    assert 5 < refused < 145
