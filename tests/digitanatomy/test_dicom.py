"""DICOM files as pixels: every step of the standard's grey pipeline against values worked out by hand."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pydicom.data import get_testdata_file
from pydicom.uid import ExplicitVRBigEndian, ImplicitVRLittleEndian

from digitanatomy.dicom_grey import windowed
from digitanatomy.image_files import Pixels, read_pixels
from tests.dicom_files import dicom, table

BASE = np.array([0, 10, 20, 30, 40, 50, 60, 100])


def ramp(kind: str = "uint16") -> np.ndarray:
    """(8, 8): every row is ``BASE``."""
    return np.tile(BASE, (8, 1)).astype(kind)


def read(pixels: np.ndarray, channels: int = 1, **tags: Any) -> Pixels:
    return read_pixels(io.BytesIO(dicom(pixels, **tags)), "a.dcm", channels)


def of_pydicom(name: str, channels: int = 1) -> np.ndarray:
    """The pixels of one of pydicom's own test files."""
    path = Path(str(get_testdata_file(name, download=False)))
    with path.open("rb") as file:
        return read_pixels(file, path, channels).values


WINDOW: dict[str, Any] = {"WindowCenter": 30.5, "WindowWidth": 41}  # black up to 10, white from 50 on
SHADES = [0, 0, 0.25, 0.5, 0.75, 1, 1, 1]
LUT = [0, 0, 100, 200, 255]  # of the values 10, 11, 12, 13, 14

CASES: dict[str, tuple[str, dict[str, Any], list[float]]] = {
    "8 bits as they are": ("uint8", {}, [value / 255 for value in BASE]),
    "7 of 8 bits": ("uint8", {"BitsStored": 7}, [value / 127 for value in BASE]),
    "8 bits signed": ("int8", {}, [(value + 128) / 255 for value in BASE]),
    "a window": ("uint16", WINDOW, SHADES),
    "a window of 8 bits": ("uint8", WINDOW, SHADES),
    "12 bits": ("uint16", {"BitsStored": 12, **WINDOW}, SHADES),
    "the first of two windows": ("uint16", {"WindowCenter": [30.5, 5], "WindowWidth": [41, 2]}, SHADES),
    "inverted": ("uint16", {"PhotometricInterpretation": "MONOCHROME1", **WINDOW}, [1 - shade for shade in SHADES]),
    "big endian": ("uint16", {"syntax": ExplicitVRBigEndian, **WINDOW}, SHADES),
    "implicit": ("uint16", {"syntax": ImplicitVRLittleEndian, **WINDOW}, SHADES),
    "slope and intercept": (
        "uint16",
        {"RescaleSlope": 2, "RescaleIntercept": -1000, "WindowCenter": -939.5, "WindowWidth": 81},
        [0, 0, 0.25, 0.5, 0.75, 1, 1, 1],
    ),
    "an exact window": (
        "uint16",
        {"WindowCenter": 30, "WindowWidth": 40, "VOILUTFunction": "LINEAR_EXACT"},
        SHADES,
    ),
    "a table": ("uint16", {"VOILUTSequence": table(10, 8, [51 * i for i in range(6)])}, [0, 0, 1, 1, 1, 1, 1, 1]),
    "a table before a window": (
        "uint16",
        {"VOILUTSequence": table(10, 8, [0, 255]), **WINDOW},
        [0, 0, 1, 1, 1, 1, 1, 1],
    ),
    "a modality table": (
        "uint16",
        {"ModalityLUTSequence": table(0, 16, list(range(0, 202, 2))), "WindowCenter": 60.5, "WindowWidth": 81},
        [0, 0, 0.25, 0.5, 0.75, 1, 1, 1],
    ),
    "padding is black": ("uint16", {"PixelPaddingValue": 100, **WINDOW}, [*SHADES[:7], 0]),
    "padding is black in MONOCHROME1, too": (
        "uint16",
        {"PixelPaddingValue": 60, "PixelPaddingRangeLimit": 100, "PhotometricInterpretation": "MONOCHROME1", **WINDOW},
        [1, 1, 0.75, 0.5, 0.25, 0, 0, 0],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_stored_values_become_the_grey_that_the_standard_says(case: str) -> None:
    kind, tags, expected = CASES[case]
    values, notes = read(ramp(kind), **tags)
    assert (values.shape, values.dtype, notes) == ((8, 8), np.float32, ())
    assert values == pytest.approx(np.tile(expected, (8, 1)), abs=1e-6)


def test_signed_values_are_read_as_signed_whatever_stands_in_the_unused_bits() -> None:
    stored = np.full((8, 8), -100, dtype=np.int16)
    stored[0] = 100
    dirty = (stored.view(np.uint16) & 0x0FFF).view(np.int16)  # the upper four bits say nothing of the sign
    tags = {"BitsStored": 12, "WindowCenter": 0.5, "WindowWidth": 401}
    for pixels in (stored, dirty):
        values = read(pixels, **tags).values
        assert (values[0] == pytest.approx(0.75), values[1] == pytest.approx(0.25)) == (True, True)


def test_a_sigmoid_window_is_the_standards() -> None:
    values = windowed(np.array([-1e6, 0.0, 25.0, 50.0, 1e6]), 25.0, 100.0, "SIGMOID")
    assert values == pytest.approx([0, 1 / (1 + np.e), 0.5, np.e / (1 + np.e), 1], abs=1e-6)


def test_without_a_window_the_percentiles_are_black_and_white_and_that_is_said() -> None:
    stored = np.arange(10_000, dtype=np.uint16).reshape(100, 100)
    values, notes = read(stored, BitsStored=14)
    assert notes == ("no window in the file; black and white are its percentiles 0.5 and 99.5",)
    low, high = 49.995, 9949.005  # of the numbers 0 to 9999
    assert values.ravel() == pytest.approx(((stored.ravel() - low) / (high - low)).clip(0, 1), abs=1e-5)
    stored[:90] = 60_000
    padded = read(stored, PixelPaddingValue=60_000).values
    assert (padded[:90].max(), padded[90:].max()) == (0, 1)
    assert padded[95, 0] == pytest.approx(0.5, abs=0.01)


def test_an_image_without_contrast_is_black_and_few_pixels_count_where_they_are_all_there_is() -> None:
    flat = np.full((40, 40), 7, dtype=np.uint16)
    assert read(flat).values.max() == 0
    flat[0, 0] = 9
    values = read(flat).values
    assert (values[0, 0], values.sum()) == (1, 1)


def test_colour_is_read_as_pillow_reads_it() -> None:
    colour = np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    assert read(colour, 3).values == pytest.approx(colour / 255, abs=1e-6)
    grey = np.asarray(Image.fromarray(colour).convert("L")) / 255
    assert read(colour).values == pytest.approx(grey, abs=0.6 / 255)
    planes = np.ascontiguousarray(np.moveaxis(colour, -1, 0)).reshape(16, 16, 3)
    assert read(planes, 3, PlanarConfiguration=1).values == pytest.approx(colour / 255, abs=1e-6)


def test_luminance_and_chrominance_become_colour() -> None:
    ybr = np.tile(np.array([76, 85, 255], dtype=np.uint8), (8, 8, 1))  # ITU-R BT.601: full red
    assert read(ybr, 3, PhotometricInterpretation="YBR_FULL").values[0, 0] == pytest.approx([1, 0, 0], abs=0.01)


def test_grey_where_colour_is_wanted_is_grey_three_times() -> None:
    values = read(ramp("uint8"), 3).values
    assert values.shape == (8, 8, 3)
    assert (values == values[..., :1]).all()


@pytest.mark.parametrize("name", ["MR_small_RLE", "MR_small_bigendian", "MR_small_implicit", "MR_small_jp2klossless"])
def test_one_picture_in_every_coding_has_the_same_pixels(name: str) -> None:
    assert (of_pydicom(f"{name}.dcm") == of_pydicom("MR_small.dcm")).all()


def test_the_window_of_a_scan_is_taken() -> None:
    """MR_small.dcm: window 1600 at 600, so -200 is black; the pixel of value 905 is (905 - 599.5) / 1599 + 0.5."""
    values = of_pydicom("MR_small.dcm")
    assert values[0, 0] == pytest.approx((905 - 599.5) / 1599 + 0.5, abs=1e-6)


@pytest.mark.parametrize(
    "name", ["SC_rgb_rle.dcm", "SC_rgb_rle_16bit.dcm", "SC_rgb_jpeg_dcmtk.dcm", "SC_ybr_full_422_uncompressed.dcm"]
)
def test_the_colours_of_one_card_are_the_same_in_every_coding(name: str) -> None:
    """The card of DCMTK and GDCM: rows of ten pixels in red, green, blue, ... as their documentation says."""
    values = of_pydicom(name, 3)
    assert values.shape == (100, 100, 3)
    assert values[5, 50] == pytest.approx([1, 0, 0], abs=0.02)
    assert values[25, 50] == pytest.approx([0, 1, 0], abs=0.02)
    assert values[45, 50] == pytest.approx([0, 0, 1], abs=0.02)
