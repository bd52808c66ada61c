"""Image files of the user's own: read as grey tensors of the detector's size, or refused in one clear line."""

from __future__ import annotations

import io
import os
import warnings
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from squidlib.patches import Grid, rows_and_columns
from squidlib.utils.errors import UserError

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".gif")
LEAST_SIDE = 8  #: pixels; smaller images hold nothing to judge
WIDEST = 2.0  #: longest to shortest side; more would be squeezed beyond recognition
_SIXTEEN_BIT = ("I;16", "I;16L", "I;16B", "I;16N", "I")


def read_image(path: Path, size: Grid) -> Float[Tensor, "1 H W"]:
    """Read an image file as grey in 0..1, scaled to ``size`` pixels a side, or (height, width).

    Colour becomes luminance, transparency is laid on black, 16 bits are divided by 65,535, the camera's orientation
    is applied.

    Raises:
        UserError: where the file is missing, empty, no image, broken, too small, too wide or holds NaN.
    """
    if os.path.isdir(path):  # unlike Path.is_dir, no error for a name that is too long
        raise UserError(f"{path}: an image file expected, this is a folder")
    if not os.path.isfile(path):
        raise UserError(f"{path}: no such file; give image files or folders of them")
    with path.open("rb") as file:
        return read_image_data(file, path, size)


def read_image_data(stream: io.BytesIO | io.BufferedReader, name: object, size: Grid) -> Float[Tensor, "1 H W"]:
    """As ``read_image``, from an open file or from bytes in memory; errors call it ``name``.

    Raises:
        UserError: where it is empty, no image, broken, too small, too wide or holds NaN.
    """
    from PIL import Image, ImageOps, UnidentifiedImageError

    if not stream.read(1):
        raise UserError(f"{name}: the file is empty; save the image again")
    stream.seek(0)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what Pillow can read in spite of a flaw is not worth a line
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(stream) as file:
                width, height = file.size
                _check_size(name, width, height)
                grey = _grey(ImageOps.exif_transpose(file))
    except UnidentifiedImageError as error:
        raise UserError(f"{name}: not an image that can be read ({', '.join(SUFFIXES)} expected)") from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise UserError(f"{name}: far too many pixels to decode safely; scale it down first") from error
    except (OSError, SyntaxError, ValueError) as error:
        if isinstance(error, UserError):
            raise
        raise UserError(f"{name}: the image is damaged ({error}); save it again") from error
    if not np.isfinite(grey).all() or grey.min() < 0 or grey.max() > 1:
        raise UserError(f"{name}: floating-point pixels must be finite and lie in 0..1; rescale them")
    height, width = rows_and_columns(size)
    scaled = Image.fromarray(grey).resize((width, height), Image.Resampling.BILINEAR, reducing_gap=None)
    return torch.from_numpy(np.asarray(scaled, dtype=np.float32).copy()).clamp(0, 1)[None]


def list_images(paths: list[Path]) -> list[Path]:
    """Files as given, and of folders every image file below them, sorted.

    Raises:
        UserError: where a path does not exist or a folder holds no image.
    """
    found: list[Path] = []
    for path in paths:
        if os.path.isdir(path):
            inside = sorted(file for file in path.rglob("*") if file.suffix.lower() in SUFFIXES and file.is_file())
            if not inside:
                raise UserError(f"{path}: no image in this folder ({', '.join(SUFFIXES)} expected)")
            found += inside
        elif os.path.exists(path):
            found.append(path)
        else:
            raise UserError(f"{path}: no such file or folder")
    return found


def _check_size(name: object, width: int, height: int) -> None:
    if min(width, height) < LEAST_SIDE:
        raise UserError(f"{name}: at least {LEAST_SIDE} pixels a side expected, got {width}x{height}")
    if max(width, height) > WIDEST * min(width, height):
        raise UserError(f"{name}: a roughly square image expected, got {width}x{height}; crop it first")


def _grey(image) -> np.ndarray:  # type: ignore[no-untyped-def]  # PIL is imported lazily
    from PIL import Image

    if image.mode == "F":
        return np.asarray(image, dtype=np.float32)
    if image.mode in _SIXTEEN_BIT:
        return np.asarray(image, dtype=np.float32) / 65535
    if "A" in image.getbands() or "transparency" in image.info:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, (0, 0, 0, 255)), image)
    return np.asarray(image.convert("L"), dtype=np.float32) / 255
