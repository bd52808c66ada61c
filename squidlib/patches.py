"""Patches: cut an image into a grid, join it again, gather every patch's eight neighbours.

Paper: section 3.1 (non-overlapping patches) and 3.2 (3x3 neighbourhood).
Authors' file: models/basic_modules.py (``make_window``, ``window_reverse``).

Differs from the original: rearrangements are spelled with einops; the neighbours' function takes one token a patch.
"""

from __future__ import annotations

from typing import TypeAlias

import torch
import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Float
from torch import Tensor

#: Patches a side of a square grid, or rows and columns.
Grid: TypeAlias = int | tuple[int, int]


def rows_and_columns(grid: Grid) -> tuple[int, int]:
    """Rows and columns of a grid, or height and width of an image; one number stands for both."""
    return (grid, grid) if isinstance(grid, int) else grid


def cut(images: Float[Tensor, "B C H W"], grid: Grid) -> Float[Tensor, "B R C h w"]:
    """Cut every image into R = rows x columns patches, in reading order.

    Args:
        grid: patches a side, or (rows, columns).

    Raises:
        ValueError: where the grid does not divide height and width.
    """
    rows, columns = rows_and_columns(grid)
    height, width = images.shape[-2:]
    if height % rows or width % columns:
        raise ValueError(f"a {rows}x{columns} grid must divide the image; got {height}x{width} pixels")
    return rearrange(images, "b c (i h) (j w) -> b (i j) c h w", i=rows, j=columns)


def join(patches: Float[Tensor, "B R C h w"], grid: Grid) -> Float[Tensor, "B C H W"]:
    """Put patches back on their grid; the inverse of ``cut``.

    Raises:
        ValueError: where there are not rows x columns patches.
    """
    rows, columns = rows_and_columns(grid)
    if patches.shape[1] != rows * columns:
        raise ValueError(f"a {rows}x{columns} grid needs {rows * columns} patches, got {patches.shape[1]}")
    return rearrange(patches, "b (i j) c h w -> b c (i h) (j w)", i=rows, j=columns)


def neighbours(tokens: Float[Tensor, "B R D"], grid: Grid) -> Float[Tensor, "B R 8 D"]:
    """The eight tokens around each patch, in reading order; zeros stand where the grid ends.

    The centre is left out: a patch that could look at itself would have nothing to in-paint.

    Raises:
        ValueError: where there are not rows x columns tokens.
    """
    rows, columns = rows_and_columns(grid)
    if tokens.shape[1] != rows * columns:
        raise ValueError(f"a {rows}x{columns} grid needs {rows * columns} tokens, got {tokens.shape[1]}")
    around = F.pad(tokens.unflatten(1, (rows, columns)), (0, 0, 1, 1, 1, 1))  # a frame of zeros
    shifts = [(down, right) for down in range(3) for right in range(3) if (down, right) != (1, 1)]
    windows = [around[:, down : down + rows, right : right + columns] for down, right in shifts]
    return torch.stack(windows, dim=3).flatten(1, 2)
