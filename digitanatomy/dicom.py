"""DICOM files: the part of the kit's one reader of images that needs pydicom (extra ``[dicom]``).

Only the tags that make the picture are kept, and of the patient's only PatientID where ``patient_id`` is asked for it;
names, dates and private tags are skipped over. Every bound is checked before pixels are decoded, so that a small file
cannot take much memory: no deflated data set (it can swell a thousandfold), one frame, ``MOST_PIXELS``, and a
compressed frame has to say the same size as the header. How stored values become grey: ``digitanatomy.dicom_grey``.
"""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from digitanatomy.dicom_grey import DisplayError, display_grey
from digitanatomy.image_files import (
    DICOM_HEAD,
    DICOM_INSTALL,
    DICOM_MARK,
    ImageFileError,
    Pixels,
    check_size,
    has_dicom,
)

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

Stream = io.BytesIO | io.BufferedReader

MOST_BYTES = 2**28  #: of a file; 20 megapixels in colour of 16 bits are half of it
UNCOMPRESS = "save it uncompressed (gdcmconv --raw, or dcmdjpeg of DCMTK) or as PNG"
GREY, COLOUR = ("MONOCHROME1", "MONOCHROME2"), ("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT")
_OTHERS = ("PALETTE COLOR", "HSV", "ARGB", "CMYK", "YBR_PARTIAL_422", "YBR_PARTIAL_420", "XYB")  #: known, not read
_LUMINANCE = np.array([299, 587, 114], dtype=np.float32) / 1000  #: ITU-R 601-2, as Pillow makes grey of colour
_DEFLATED, _RLE = "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.5"
_CODED = ("JPEG2000",)
_META = 2  #: the group of tags that says how the rest is written
_SHAPE = ["Rows", "Columns", "SamplesPerPixel", "PhotometricInterpretation", "PlanarConfiguration", "NumberOfFrames"]
_BITS = ["BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation"]
_PADDING = ["PixelPaddingValue", "PixelPaddingRangeLimit"]
_DISPLAY = ["ModalityLUTSequence", "RescaleSlope", "RescaleIntercept"]
_DISPLAY += ["VOILUTSequence", "WindowCenter", "WindowWidth", "VOILUTFunction"]
_PIXELS = ["PixelData", "FloatPixelData", "DoubleFloatPixelData"]


def read_dicom(stream: Stream, name: object, channels: int = 1) -> Pixels:
    """The image of an open DICOM file, as a viewer shows it first: values (H, W) or (H, W, 3) in 0..1.

    Args:
        name: what errors call it.
        channels: 1 for grey, 3 for colour.

    Raises:
        ImageFileError: where pydicom is missing, the file is damaged, too large or no DICOM, or it holds no image, more
            than one, palette colours, or what cannot be decoded here.
    """
    try:
        with _quiet():
            header = _dataset(stream, name, [*_SHAPE, *_BITS], pixels=False)
            _check_kind(header, name)
            image = _dataset(stream, name, [*_SHAPE, *_BITS, *_PADDING, *_DISPLAY, *_PIXELS], pixels=True)
            stored = _decoded(image, name)
            return _shown(stored, image, channels)
    except ImageFileError:
        raise
    except DisplayError as error:
        raise ImageFileError(f"{name}: {error}; export it again or save it as PNG") from error
    except MemoryError as error:
        raise ImageFileError(f"{name}: not enough memory to decode it; scale it down first") from error
    except Exception as error:  # whatever a broken file leads to; the text may quote the file, so it is not shown
        raise ImageFileError(f"{name}: the DICOM file is damaged ({type(error).__name__}); export it again") from None


def patient_id(stream: Stream) -> str | None:
    """The PatientID of an open DICOM file; None where it has none or cannot be read. Not to be shown or written."""
    try:
        with _quiet():
            found = _dataset(stream, "", ["PatientID"], pixels=False).get("PatientID")
    except Exception:  # the reader of the image says what is wrong with the file
        return None
    return str(found or "").strip() or None


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep pydicom's remarks on flaws that it reads past from warnings and logs: they quote the file."""
    logger = logging.getLogger("pydicom")
    before = logger.propagate
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logger.propagate = False
        try:
            yield
        finally:
            logger.propagate = before


def _dataset(stream: Stream, name: object, tags: list[str], pixels: bool) -> Dataset:
    """The wanted tags of a file. Nothing else of it is kept."""
    if not has_dicom():
        raise ImageFileError(f"{name}: DICOM files need pydicom: {DICOM_INSTALL}")
    import pydicom
    from pydicom.filereader import read_dataset

    if stream.seek(0, io.SEEK_END) > MOST_BYTES:
        raise ImageFileError(f"{name}: at most {MOST_BYTES // 2**20} MiB expected in a DICOM file of one image")
    stream.seek(0)
    if stream.read(DICOM_HEAD)[-4:] != DICOM_MARK:
        raise ImageFileError(f"{name}: not a DICOM file (the mark DICM after 128 bytes is missing); export it again")
    meta = read_dataset(stream, False, True, stop_when=lambda tag, *_: tag.group != _META)
    if str(meta.get("TransferSyntaxUID", "")) == _DEFLATED:
        raise ImageFileError(f"{name}: deflated DICOM is not read (it can swell without bound); {UNCOMPRESS}")
    stream.seek(0)
    return pydicom.dcmread(stream, stop_before_pixels=not pixels, specific_tags=list(tags))


def _check_kind(header: Dataset, name: object) -> None:
    """Refuse what is no image of one frame in grey or colour, before its pixels are read."""
    if not header.get("Rows") or not header.get("Columns"):
        raise ImageFileError(f"{name}: this DICOM file holds no image; name the files with pixel data")
    check_size(name, int(header.Columns), int(header.Rows))
    frames = int(header.get("NumberOfFrames") or 1)
    if frames > 1:
        raise ImageFileError(f"{name}: one image expected, got {frames} frames; export the one to judge")
    kind, samples = str(header.get("PhotometricInterpretation", "")), int(header.get("SamplesPerPixel", 1))
    if (kind, samples) not in {*((grey, 1) for grey in GREY), *((colour, 3) for colour in COLOUR)}:
        known = kind if kind in (*GREY, *COLOUR, *_OTHERS) else "an unknown kind"  # a damaged file may say anything
        raise ImageFileError(f"{name}: grey or RGB expected, got {known} of {samples} samples a pixel; save it as PNG")
    allocated, bits = int(header.BitsAllocated), int(header.BitsStored)
    if allocated not in (8, 16) or not 1 < bits <= allocated or int(header.get("HighBit", bits - 1)) != bits - 1:
        raise ImageFileError(
            f"{name}: 2 to 16 bits a sample, the lowest of 8 or 16, expected, got {bits} of {allocated}; save it as PNG"
        )


def _decoded(image: Dataset, name: object) -> np.ndarray:
    """Stored values (H, W) or (H, W, 3), colour as RGB."""
    from pydicom.pixels import get_decoder

    if not image.get("PixelData"):
        raise ImageFileError(f"{name}: this DICOM file holds no pixel data of 8 or 16 bits; export it with its image")
    syntax = image.file_meta.get("TransferSyntaxUID")
    if syntax is None:
        raise ImageFileError(f"{name}: no TransferSyntaxUID says how the pixels are coded; {UNCOMPRESS}")
    try:
        decoder = get_decoder(syntax)
        available = decoder.is_available
    except NotImplementedError:
        available = False
    if not available:
        coding = syntax.name[:64] if syntax.is_valid else "an unknown coding"
        raise ImageFileError(f"{name}: compressed as {coding}, which is not decoded here; {UNCOMPRESS}")
    if syntax.is_encapsulated:
        _check_frame(image, str(syntax), name)
    try:
        return decoder.as_array(image, index=0)[0]
    except RuntimeError as error:  # all decoders failed; their texts are about coding
        said = " ".join(str(error).split())[-120:]
        raise ImageFileError(f"{name}: {syntax.name} that cannot be decoded here ({said}); {UNCOMPRESS}") from None


def _check_frame(image: Dataset, syntax: str, name: object) -> None:
    """Refuse a compressed frame that would swell beyond what the header says."""
    from PIL import Image
    from pydicom.encaps import get_frame

    frame = get_frame(image.PixelData, 0, number_of_frames=1)
    width, height = int(image.Columns), int(image.Rows)
    if syntax == _RLE:
        if _rle_length(frame[64:], 2 * width * height * int(image.SamplesPerPixel) * int(image.BitsAllocated) // 8):
            return
    elif frame[:2] == b"\xff\xd8":
        if _jpeg_size(frame) == (width, height):
            return
    else:
        with contextlib.suppress(Image.DecompressionBombError), Image.open(io.BytesIO(frame), formats=_CODED) as coded:
            if coded.size == (width, height):
                return
    raise ImageFileError(f"{name}: the compressed image is not {width}x{height} as its header says; {UNCOMPRESS}")


def _jpeg_size(frame: bytes) -> tuple[int, int] | None:
    """Width and height that a JPEG or JPEG-LS stream says."""
    place = 2
    while place + 9 <= len(frame) and frame[place] == 0xFF:
        marker = frame[place + 1]
        if marker == 0xF7 or (0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC)):
            height, width = int.from_bytes(frame[place + 5 : place + 7]), int.from_bytes(frame[place + 7 : place + 9])
            return width, height
        place += 1 if marker == 0xFF else 2 + int.from_bytes(frame[place + 2 : place + 4])
    return None


def _rle_length(packed: bytes, limit: int) -> bool:
    """Whether run-length coded bytes unpack to at most ``limit`` bytes."""
    place = length = 0
    while place < len(packed) and length <= limit:
        count = packed[place]
        length += 257 - count if count > 128 else count + 1 if count < 128 else 0
        place += 2 if count > 128 else count + 2 if count < 128 else 1
    return length <= limit


def _shown(stored: np.ndarray, image: Dataset, channels: int) -> Pixels:
    if stored.ndim == 2:
        grey, notes = display_grey(stored, image)
        return Pixels(grey if channels == 1 else np.repeat(grey[..., None], 3, axis=-1), notes)
    colour = stored.astype(np.float32) / np.float32(2 ** int(image.BitsStored) - 1)
    colour = colour.clip(0, 1)
    return Pixels((colour @ _LUMINANCE).clip(0, 1) if channels == 1 else colour, ())
