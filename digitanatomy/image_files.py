"""Image files: the one reader of the kit. Glyphs, X-rays, folders and uploads are all read by it.

Colour becomes luminance where grey is wanted, transparency is laid on black, 16 bits are divided by 65,535, the
camera's orientation is applied. Pillow decodes only the formats that are named here: for others it may start external
programs (Ghostscript for PostScript), and a file's name says nothing of its content. DICOM files are read by
``digitanatomy.dicom`` where pydicom is installed.
"""

from __future__ import annotations

import io
import warnings
from importlib.util import find_spec
from pathlib import PurePath
from typing import NamedTuple

import numpy as np

#: Endings of files that are taken for images in a folder.
SUFFIXES = (
    *(".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".bmp", ".tif", ".tiff", ".webp", ".gif"),
    *(".pbm", ".pgm", ".ppm", ".pnm"),
)
DICOM_SUFFIXES = (".dcm", ".dicom")  #: taken for images, too, where pydicom is installed
DICOM_INSTALL = 'pip install "squidlib[dicom]"'
FORMATS = ("PNG", "JPEG", "BMP", "TIFF", "WEBP", "GIF", "PPM")
DICOM_HEAD, DICOM_MARK = 132, b"DICM"  #: the mark ends the first so many bytes of a DICOM file
LEAST_SIDE = 8  #: pixels; smaller images hold nothing to judge
MOST_PIXELS = 20_000_000  #: decoding more takes hundreds of megabytes
FEW_LEVELS = 1 / 8  #: share of the 16-bit range; an image that uses less was probably not rescaled
_SIXTEEN_BIT = ("I;16", "I;16L", "I;16B", "I;16N", "I")
_SMALLER = (2, 4, 8)  #: the sizes at which JPEG can be decoded: a half, a quarter, an eighth


class ImageFileError(ValueError):
    """A file that cannot be used. The text says what was expected, what came and what to do."""


def has_dicom() -> bool:
    """Whether pydicom is installed, so that DICOM files can be read."""
    return find_spec("pydicom") is not None


def is_image(path: PurePath) -> bool:
    """Whether a file's ending says that it is an image that can be read here."""
    ending = path.suffix.lower()
    return ending in SUFFIXES or (ending in DICOM_SUFFIXES and has_dicom())


def endings() -> str:
    """What ``is_image`` accepts, as a list in a text."""
    return ", ".join((*SUFFIXES, *DICOM_SUFFIXES) if has_dicom() else SUFFIXES)


class Pixels(NamedTuple):
    """values: (H, W), or (H, W, 3) in colour, in 0..1. notes: what is worth knowing, in a few words each."""

    values: np.ndarray
    notes: tuple[str, ...]


def read_pixels(stream: io.BytesIO | io.BufferedReader, name: object, channels: int = 1) -> Pixels:
    """The pixels of an open image file.

    Args:
        name: what errors call it.
        channels: 1 for grey, 3 for colour.

    Raises:
        ImageFileError: where it is empty, no image, broken, too small, too large or holds values that are no grey.
    """
    from PIL import Image, UnidentifiedImageError

    head = stream.read(DICOM_HEAD)
    if not head:
        raise ImageFileError(f"{name}: the file is empty; save the image again")
    stream.seek(0)
    if head[-4:] == DICOM_MARK or str(name).lower().endswith(DICOM_SUFFIXES):
        from digitanatomy.dicom import read_dicom

        return read_dicom(stream, name, channels)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what Pillow can read in spite of a flaw is not worth a line
            with Image.open(stream, formats=FORMATS) as file:
                values, notes = _decoded(file, name, channels)
    except ImageFileError:
        raise
    except UnidentifiedImageError as error:
        raise ImageFileError(f"{name}: not an image that can be read ({endings()} expected)") from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ImageFileError(f"{name}: far too many pixels to decode safely; scale it down first") from error
    except MemoryError as error:
        raise ImageFileError(f"{name}: not enough memory to decode it; scale it down first") from error
    except Exception as error:  # decoders raise whatever a broken file leads them to
        said = " ".join(str(error).split()) or type(error).__name__
        raise ImageFileError(f"{name}: the image is damaged ({said}); save it again") from error
    if not np.isfinite(values).all() or values.min() < 0 or values.max() > 1:
        raise ImageFileError(f"{name}: floating-point pixels must be finite and lie in 0..1; rescale them")
    return Pixels(values, notes)


def check_size(name: object, width: int, height: int, decodes_smaller: bool = False) -> None:
    """Refuse an image of too few or too many pixels before it is decoded.

    Raises:
        ImageFileError: where a side is shorter than ``LEAST_SIDE``, or there are more pixels than ``MOST_PIXELS``,
            unless the decoder makes fewer of them.
    """
    if min(width, height) < LEAST_SIDE:
        raise ImageFileError(f"{name}: at least {LEAST_SIDE} pixels a side expected, got {width}x{height}")
    if width * height > MOST_PIXELS and not decodes_smaller:
        raise ImageFileError(
            f"{name}: at most {MOST_PIXELS // 10**6} megapixels expected, got {width}x{height}; scale it down first"
        )


def scaled(values: np.ndarray, height: int, width: int) -> np.ndarray:
    """Pixels (H, W) or (H, W, 3) scaled to another size, bilinear with antialiasing, in 0..1."""
    from PIL import Image

    def one(plane: np.ndarray) -> np.ndarray:
        image = Image.fromarray(np.ascontiguousarray(plane, dtype=np.float32))
        return np.asarray(image.resize((width, height), Image.Resampling.BILINEAR, reducing_gap=None))

    found = one(values) if values.ndim == 2 else np.stack([one(values[..., i]) for i in range(3)], axis=-1)
    return found.clip(0, 1)


def _decoded(file, name: object, channels: int) -> tuple[np.ndarray, tuple[str, ...]]:  # type: ignore[no-untyped-def]
    """Pixels and notes of an open Pillow image (its types are imported lazily)."""
    from PIL import ImageOps

    width, height = file.size
    check_size(name, width, height, width * height > MOST_PIXELS and _decodes_smaller(file))
    frames = getattr(file, "n_frames", 1)
    notes: tuple[str, ...] = (f"only the first of {frames} pictures in the file is read",) if frames > 1 else ()
    image = ImageOps.exif_transpose(file)
    values = _values(image, channels)
    if image.mode in _SIXTEEN_BIT and 0 < values.max() - values.min() < FEW_LEVELS:
        used = 100 * float(values.max() - values.min())
        notes += (f"uses {used:.1f} % of the 16-bit range; rescale it if it was made with fewer bits",)
    return values, notes


def _decodes_smaller(file) -> bool:  # type: ignore[no-untyped-def]
    """Have a JPEG file decoded at the largest of ``_SMALLER`` that is not too large; False where there is none.

    A progressive one is kept whole in memory while it is decoded, at whatever size; so it is not.
    """
    width, height = file.size
    if file.format not in ("JPEG", "MPO") or file.info.get("progressive"):
        return False
    for factor in _SMALLER:
        if width * height <= MOST_PIXELS * factor**2:
            file.draft(None, (width // factor, height // factor))
            return bool(file.size[0] * file.size[1] <= MOST_PIXELS)
    return False


def _values(image, channels: int) -> np.ndarray:  # type: ignore[no-untyped-def]
    from PIL import Image

    if image.mode == "F" or image.mode in _SIXTEEN_BIT:
        grey = np.asarray(image, dtype=np.float32) / np.float32(1 if image.mode == "F" else 65535)
        return grey if channels == 1 else np.repeat(grey[..., None], 3, axis=-1)
    if "A" in image.getbands() or "transparency" in image.info:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, (0, 0, 0, 255)), image)
    return np.asarray(image.convert("L" if channels == 1 else "RGB"), dtype=np.float32) / 255
