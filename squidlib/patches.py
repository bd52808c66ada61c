"""Patches: cut an image into a grid, join it again, gather every patch's eight neighbours.

Paper: section 3.1 (non-overlapping patches) and 3.2 (3x3 neighbourhood).
Authors' file: models/basic_modules.py (``make_window``, ``window_reverse``).

Differs from the original: rearrangements are spelled with einops; the neighbours' function takes one token a patch.
"""

from __future__ import annotations

import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Float
from torch import Tensor

_CENTRE = 4  # of the nine places of a 3x3 window in reading order


def cut(images: Float[Tensor, "B C H W"], grid: int) -> Float[Tensor, "B R C h w"]:
    """Cut every image into ``grid`` x ``grid`` patches, R = grid^2, in reading order.

    Raises:
        ValueError: where the grid does not divide height and width.
    """
    height, width = images.shape[-2:]
    if height % grid or width % grid:
        raise ValueError(f"a {grid}x{grid} grid must divide the image; got {height}x{width} pixels")
    return rearrange(images, "b c (i h) (j w) -> b (i j) c h w", i=grid, j=grid)


def join(patches: Float[Tensor, "B R C h w"], grid: int) -> Float[Tensor, "B C H W"]:
    """Put patches back on their grid; the inverse of ``cut``.

    Raises:
        ValueError: where there are not ``grid``^2 patches.
    """
    if patches.shape[1] != grid * grid:
        raise ValueError(f"a {grid}x{grid} grid needs {grid * grid} patches, got {patches.shape[1]}")
    return rearrange(patches, "b (i j) c h w -> b c (i h) (j w)", i=grid, j=grid)


def neighbours(tokens: Float[Tensor, "B R D"], grid: int) -> Float[Tensor, "B R 8 D"]:
    """The eight tokens around each patch, in reading order; zeros stand where the grid ends.

    The centre is left out: a patch that could look at itself would have nothing to in-paint.

    Raises:
        ValueError: where there are not ``grid``^2 tokens.
    """
    if tokens.shape[1] != grid * grid:
        raise ValueError(f"a {grid}x{grid} grid needs {grid * grid} tokens, got {tokens.shape[1]}")
    on_grid = rearrange(tokens, "b (i j) d -> b d i j", i=grid, j=grid)
    windows = F.unfold(on_grid, kernel_size=3, padding=1)  # (B, D*9, R)
    windows = rearrange(windows, "b (d place) r -> b r place d", place=9)
    return windows[:, :, [place for place in range(9) if place != _CENTRE]]
