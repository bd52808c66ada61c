"""Image files as tensors: what ``digitanatomy.image_files`` reads, scaled to the detector's size, in 0..1."""

from __future__ import annotations

import io
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from digitanatomy.image_files import ImageFileError, read_pixels, scaled
from digitanatomy.image_folders import FoundImages
from digitanatomy.image_folders import find_images as _find_images
from squidlib.patches import Grid, rows_and_columns
from squidlib.utils.errors import UserError

__all__ = ["NotedImage", "find_images", "list_images", "open_image", "read_image", "read_image_data"]

WIDEST = 2.0  #: how far an image's shape may be from the detector's; more would be squeezed beyond recognition


class NotedImage(NamedTuple):
    """image: (C, H, W) in 0..1. notes: what is worth knowing of the file, in a few words each."""

    image: Tensor
    notes: tuple[str, ...]


def open_image(path: Path, size: Grid, channels: int = 1) -> NotedImage:
    """Read an image file, scaled to ``size``.

    Args:
        size: pixels a side, or (height, width).
        channels: 1 for grey, 3 for colour.

    Raises:
        UserError: where the file is missing, empty, no image, broken, too small, too large, too wide or holds NaN.
    """
    if os.path.isdir(path):  # unlike Path.is_dir, no error for a name that is too long
        raise UserError(f"{path}: an image file expected, this is a folder")
    if not os.path.isfile(path):
        raise UserError(f"{path}: no such file; give image files or folders of them")
    try:
        with path.open("rb") as file:
            return read_image_data(file, path, size, channels)
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from error


def read_image(path: Path, size: Grid, channels: int = 1) -> Float[Tensor, "C H W"]:
    """As ``open_image``, without the notes."""
    return open_image(path, size, channels).image


def read_image_data(stream: io.BytesIO | io.BufferedReader, name: object, size: Grid, channels: int = 1) -> NotedImage:
    """As ``open_image``, from an open file or from bytes in memory; errors call it ``name``."""
    try:
        values, notes = read_pixels(stream, name, channels)
    except ImageFileError as error:
        raise UserError(str(error)) from error
    height, width = rows_and_columns(size)
    tall, wide = values.shape[:2]
    if max(tall * width, wide * height) > WIDEST * min(tall * width, wide * height):
        shape = "a roughly square image" if height == width else f"an image about as wide as {width}x{height}"
        raise UserError(f"{name}: {shape} expected, got {wide}x{tall}; crop it first")
    planes = scaled(values, height, width)
    planes = planes[None] if planes.ndim == 2 else np.moveaxis(planes, -1, 0)
    return NotedImage(torch.from_numpy(np.ascontiguousarray(planes, dtype=np.float32)), notes)


def find_images(paths: Sequence[Path], leave_out: Iterable[Path] = ()) -> FoundImages:
    """Image files as given and below folders, and what was passed over; see ``digitanatomy.image_folders``.

    Raises:
        UserError: where a path does not exist or a folder holds no image.
    """
    try:
        return _find_images(paths, leave_out)
    except ImageFileError as error:
        raise UserError(str(error)) from error


def list_images(paths: Sequence[Path]) -> list[Path]:
    """The files of ``find_images``."""
    return find_images(paths).files
