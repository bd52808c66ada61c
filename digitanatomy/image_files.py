"""Image files: the one reader and the one lister of the kit. Glyphs, X-rays, folders and uploads are all read by it.

Colour becomes luminance where grey is wanted, transparency is laid on black, 16 bits are divided by 65,535, the
camera's orientation is applied. Pillow decodes only the formats that are named here: for others it may start external
programs (Ghostscript for PostScript), and a file's name says nothing of its content.
"""

from __future__ import annotations

import io
import os
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

#: Endings of files that are taken for images in a folder.
SUFFIXES = (".png", ".jpg", ".jpeg", ".jfif", ".bmp", ".tif", ".tiff", ".webp", ".gif", ".pgm", ".ppm")
FORMATS = ("PNG", "JPEG", "BMP", "TIFF", "WEBP", "GIF", "PPM")
MASK_FOLDERS = ("masks", "ground_truth")  #: they lie beside images and show where these are abnormal
MAP_MARK = ("Software", "squid score")  #: text in the PNG files of anomaly maps, which are no images to judge
_HEAD = 200  #: bytes of a PNG file within which its first text stands
LEAST_SIDE = 8  #: pixels; smaller images hold nothing to judge
MOST_PIXELS = 20_000_000  #: decoding more takes hundreds of megabytes
FEW_LEVELS = 1 / 8  #: share of the 16-bit range; an image that uses less was probably not rescaled
_SIXTEEN_BIT = ("I;16", "I;16L", "I;16B", "I;16N", "I")
_SYSTEM_FILES = ("thumbs.db", "desktop.ini")  # put there by Windows
_MAP = "anomaly maps of squid score"
_HINTS = {".dcm": "save them as PNG first", ".dicom": "save them as PNG first", ".nii": "save slices as PNG first"}


class ImageFileError(ValueError):
    """A file that cannot be used. The text says what was expected, what came and what to do."""


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

    if not stream.read(1):
        raise ImageFileError(f"{name}: the file is empty; save the image again")
    stream.seek(0)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what Pillow can read in spite of a flaw is not worth a line
            with Image.open(stream, formats=FORMATS) as file:
                values, notes = _decoded(file, name, channels)
    except ImageFileError:
        raise
    except UnidentifiedImageError as error:
        raise ImageFileError(f"{name}: not an image that can be read ({', '.join(SUFFIXES)} expected)") from error
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


def scaled(values: np.ndarray, height: int, width: int) -> np.ndarray:
    """Pixels (H, W) or (H, W, 3) scaled to another size, bilinear with antialiasing, in 0..1."""
    from PIL import Image

    def one(plane: np.ndarray) -> np.ndarray:
        image = Image.fromarray(np.ascontiguousarray(plane, dtype=np.float32))
        return np.asarray(image.resize((width, height), Image.Resampling.BILINEAR, reducing_gap=None))

    found = one(values) if values.ndim == 2 else np.stack([one(values[..., i]) for i in range(3)], axis=-1)
    return found.clip(0, 1)


class FoundImages(NamedTuple):
    """files: the images, in order. passed_over: a line for each kind of thing that was left out."""

    files: list[Path]
    passed_over: tuple[str, ...]


def find_images(paths: Sequence[Path], leave_out: Iterable[Path] = ()) -> FoundImages:
    """Files as given, and of folders every image file below them, sorted; links are followed.

    Hidden files and folders (a leading dot, ``__MACOSX``) are no images anywhere and not counted. Folders of masks,
    anomaly maps wherever they lie, and files of other kinds are left out and said.

    Args:
        leave_out: files and folders that are no images to judge, such as a command's own output.

    Raises:
        ImageFileError: where a path does not exist or a folder holds no image.
    """
    outputs = {path.resolve() for path in leave_out}
    found: list[Path] = []
    others: Counter[str] = Counter()
    lines: list[str] = []
    for path in paths:
        if os.path.isdir(path):
            inside = sorted(_below(path, outputs, others, lines, {os.path.realpath(path)}))
            if not inside:
                kinds = f"; it has {_counted(others)}" if others else ""
                raise ImageFileError(f"{path}: no image in this folder ({', '.join(SUFFIXES)} expected){kinds}")
            found += inside
        elif is_map(path):
            others[_MAP] += 1
        elif os.path.exists(path):
            found.append(path)
        else:
            raise ImageFileError(f"{path}: no such file or folder")
    if others and not found:
        raise ImageFileError(f"no image among the files named, only {_counted(others)}; name the images themselves")
    if others:
        lines.append(f"{_counted(others)}: no image files, passed over")
    return FoundImages(found, tuple(lines))


def is_map(path: Path) -> bool:
    """Whether a file is an anomaly map that ``squid score`` wrote, known by a text in it and not by its name."""
    if path.suffix != ".png":
        return False
    try:
        with path.open("rb") as file:
            return b"tEXt" + b"\0".join(part.encode() for part in MAP_MARK) in file.read(_HEAD)
    except OSError:
        return False  # the reader says what is wrong with it


def is_hidden(name: str) -> bool:
    """Whether a file or folder is none of the user's images: hidden, or left by an operating system."""
    return name.startswith(".") or name == "__MACOSX" or name.lower() in _SYSTEM_FILES


def _below(folder: Path, outputs: set[Path], others: Counter[str], lines: list[str], seen: set[str]) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if is_hidden(path.name) or path.resolve() in outputs:
            continue
        if path.is_dir():
            real = os.path.realpath(path)
            if path.name in MASK_FOLDERS:
                lines.append(f"{path}: masks, left out")
            elif real in seen:
                lines.append(f"{path}: a link to a folder that is read already, left out")
            else:
                yield from _below(path, outputs, others, lines, seen | {real})
        elif is_map(path):
            others[_MAP] += 1
        elif path.suffix.lower() in SUFFIXES:
            yield path
        else:
            others[path.suffix.lower() or "without ending"] += 1


def _counted(others: Counter[str]) -> str:
    """Such as "2 .dcm (save them as PNG first), 1 .txt"."""
    return ", ".join(
        f"{count} {ending}" + (f" ({_HINTS[ending]})" if ending in _HINTS else "")
        for ending, count in sorted(others.items())
    )


def _decoded(file, name: object, channels: int) -> tuple[np.ndarray, tuple[str, ...]]:  # type: ignore[no-untyped-def]
    """Pixels and notes of an open Pillow image (its types are imported lazily)."""
    from PIL import ImageOps

    width, height = file.size
    if min(width, height) < LEAST_SIDE:
        raise ImageFileError(f"{name}: at least {LEAST_SIDE} pixels a side expected, got {width}x{height}")
    if file.format == "JPEG" and width * height > MOST_PIXELS:  # decodes a half, a quarter or an eighth of the size
        factor = (width * height / MOST_PIXELS) ** 0.5
        file.draft(None, (int(width / factor), int(height / factor)))
        width, height = file.size
    if width * height > MOST_PIXELS:
        raise ImageFileError(
            f"{name}: at most {MOST_PIXELS // 10**6} megapixels expected, got {width}x{height}; scale it down first"
        )
    frames = getattr(file, "n_frames", 1)
    notes: tuple[str, ...] = (f"only the first of {frames} pictures in the file is read",) if frames > 1 else ()
    image = ImageOps.exif_transpose(file)
    values = _values(image, channels)
    if image.mode in _SIXTEEN_BIT and 0 < values.max() - values.min() < FEW_LEVELS:
        used = 100 * float(values.max() - values.min())
        notes += (f"uses {used:.1f} % of the 16-bit range; rescale it if it was made with fewer bits",)
    return values, notes


def _values(image, channels: int) -> np.ndarray:  # type: ignore[no-untyped-def]
    from PIL import Image

    if image.mode == "F" or image.mode in _SIXTEEN_BIT:
        grey = np.asarray(image, dtype=np.float32) / np.float32(1 if image.mode == "F" else 65535)
        return grey if channels == 1 else np.repeat(grey[..., None], 3, axis=-1)
    if "A" in image.getbands() or "transparency" in image.info:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, (0, 0, 0, 255)), image)
    return np.asarray(image.convert("L" if channels == 1 else "RGB"), dtype=np.float32) / 255
