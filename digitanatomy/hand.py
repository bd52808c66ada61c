"""One hand: all digits of an image are written by one writer, so that neighbours have something to tell.

In the plain data set every tile is an independent sample. Here a *style* is drawn once an image and shared by its nine
digits: slant, size, aspect, stroke width, a baseline that rises or falls, ink, and a smooth warp. What MNIST's writers
brought along (their own slant, size, proportions, stroke) is taken out of the glyphs as far as the style is put in,
and each digit keeps a small variation of its own. How far both go is ``hand``, from 0 (the plain data) to 1.

Not in the paper: its DigitAnatomy has independent tiles, so that in-painting from neighbours has nothing to work with.

Shapes: B images, T = 9 tiles, S = 10 numbers of a style, each in -1..1 times ``hand``.
"""

from __future__ import annotations

import math
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor

from digitanatomy.info import GRID, TILES
from digitanatomy.outlines import Outlines

#: What a style of 1 means: slant in pixels a pixel, size and aspect as shares, stroke and the baseline's step from
#: column to column in pixels, ink as a share that is taken away at most, warp in pixels.
RANGES: Final = {
    "slant": 0.35, "size": 0.15, "aspect": 0.15, "stroke": 0.8, "baseline": 1.5, "ink": 0.35,
    "warp right, by height": 1.2, "warp right, by width": 0.8, "warp down, by width": 1.2, "warp down, by height": 0.8,
}  # fmt: skip
STYLE: Final = len(RANGES)  #: numbers that describe a style
NUMBERS: Final = STYLE * (1 + TILES)  #: uniform numbers that one image's ``styles`` consume
PRIVATE: Final = 0.15  #: how far a digit strays from its image's style, as a share of the range
HEIGHT, STROKE, SOFT = 20.0, 2.9, 1.2  #: of a glyph at ``hand`` 1 in a style of 0, in pixels; and how soft its edge is
THINNEST = 1.4  #: a stroke is never made thinner, in pixels
_MIRRORED = torch.tensor([-1.0, 1, 1, 1, 1, 1, -1, 1, 1, 1])  # what changes its sign in the mirror


def styles(uniform: Tensor, hand: int | float, mirrored: bool = False) -> Tensor:
    """The style of every tile: (B, ``NUMBERS``) uniform numbers in [0, 1) -> (B, T, S).

    Args:
        hand: in 0..1, how strongly the tiles of an image share their style.
        mirrored: the right column is slanted and warped the other way round, as the two halves of a body are.

    Raises:
        ValueError: where ``hand`` is out of range.
    """
    check_hand(hand)
    drawn = 2 * uniform.reshape(len(uniform), 1 + TILES, STYLE) - 1
    found = hand * ((1 - PRIVATE) * drawn[:, :1] + PRIVATE * drawn[:, 1:])
    if mirrored:
        right = torch.arange(TILES) % GRID == GRID - 1
        found = torch.where(right[:, None], found * _MIRRORED, found)
    return found


def check_hand(hand: int | float) -> None:
    """Whether it is a number in 0..1.

    Raises:
        ValueError: where it is not.
    """
    if not 0 <= hand <= 1:
        raise ValueError(f"hand says how strongly digits share a style, 0 to 1; got {hand}")


def write(outlines: Outlines, style: Tensor, hand: int | float) -> Tensor:
    """Write glyphs in a style: outlines (..., T) and style (..., T, S) -> tiles (..., T, 32, 32) in 0..1."""
    shape, size = style.shape[:-1], outlines.distance.shape[-1] // 2
    columns = (torch.arange(TILES) % GRID - (GRID - 1) // 2).expand(shape).reshape(-1)
    flat = Outlines(*(part.reshape(-1, *part.shape[len(shape) :]) for part in outlines))
    numbers = (style.reshape(-1, STYLE) * torch.tensor(list(RANGES.values()))).unbind(1)
    slant, bigger, wider, thicker, rising, paler = (each[:, None, None] for each in numbers[:6])
    high, wide = flat.height.clamp(min=1), flat.width.clamp(min=1)
    down_scale = ((HEIGHT / high) ** hand)[:, None, None] * (1 + bigger)
    right_scale = down_scale * ((flat.usual_width.clamp(min=0.1) * high / wide) ** hand)[:, None, None] * (1 + wider)
    points = torch.arange(size) + 0.5 - size / 2
    moved = _warped(points.expand(len(slant), size, size), points[:, None].expand(len(slant), size, size), numbers[6:])
    down = (moved[1] + rising * columns[:, None, None]) / down_scale + hand * flat.centre[:, 1, None, None]
    right = (moved[0] + slant * moved[1]) / right_scale + hand * flat.centre[:, 0, None, None]
    right = right - hand * flat.slant[:, None, None] * down
    grid = torch.stack([right, down], dim=-1) * (2 / size)
    scale = (down_scale * right_scale).sqrt()
    distance = F.grid_sample(flat.distance[:, None], grid, padding_mode="border", align_corners=False)[:, 0] * scale
    own = flat.stroke[:, None, None] * scale
    stroke = (own + hand * (STROKE - own) + thicker).clamp(min=THINNEST)
    stroke = torch.where(own > 0, stroke, own)  # where there is no ink, none is added
    grey = (0.5 + (distance + (stroke - own) / 2) / SOFT).clamp(0, 1)
    return (grey * (1 - (paler + hand * RANGES["ink"]) / 2)).reshape(*shape, size, size)


def _warped(right: Tensor, down: Tensor, amounts: tuple[Tensor, ...]) -> tuple[Tensor, Tensor]:
    """Points moved by slow waves, whose amounts in pixels are given: (N, H, W) each."""
    size = right.shape[-1]
    by_height, by_width = (math.pi * part / size for part in (down, right))
    first, second, third, fourth = (amount[:, None, None] for amount in amounts)
    return (
        right + first * (2 * by_height).cos() + second * (2 * by_width).sin(),
        down + third * (2 * by_width).cos() + fourth * (2 * by_height).sin(),
    )
