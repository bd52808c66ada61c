"""Pen: how other people, pens and scanners would have given the same digit: bent, thicker or thinner, softer, paler.

350 samples of a digit come from few writers and one scanner. A detector that saw no others takes every digit that was
written with another pen, or resampled in another way, for an anomaly (docs/experiments.md).

Shapes: N tiles of 32 x 32 pixels in 0..1. Randomness enters as uniform numbers, see ``digitanatomy.compose``.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

KNOTS = 4  #: a side of the net that a tile is bent by
BENDS, INKS = 2 * KNOTS**2, 3  #: uniform numbers that bending a tile consumes, and changing its ink
THINNER = 0.7  #: a thinning is so much weaker than a thickening: it must leave thin strokes


def bends(uniform: Tensor, most: float, size: int) -> Tensor:
    """Smooth displacements, to be added to a grid of ``F.affine_grid``. (N, BENDS) uniform -> (N, size, size, 2).

    Args:
        most: pixels that a knot of the net is moved by at most, along each side; between knots up to half as much more.
        size: pixels of a tile.
    """
    knots = (2 * uniform - 1).reshape(-1, KNOTS**2) * (2 * most / size)  # a grid counts the tile from -1 to 1
    # what each knot moves: interpolation is linear, and one product takes a fortieth of the time of interpolating each
    single = torch.eye(KNOTS**2, device=uniform.device).reshape(-1, 1, KNOTS, KNOTS)
    reach = F.interpolate(single, (size, size), mode="bicubic", align_corners=False).flatten(1)
    return (knots @ reach).reshape(-1, 2, size, size).movedim(1, -1)


def vary_ink(tiles: Tensor, uniform: Tensor, stroke: float, soft: float, ink: float) -> Tensor:
    """Other strokes, edges and greys. (N, 1, 32, 32) and (N, INKS) uniform -> (N, 1, 32, 32).

    Args:
        stroke: how far a stroke becomes a pixel wider on each side, 1 wholly, or nearly as much thinner.
        soft: how far an edge becomes the mean of 3 x 3 pixels, 1 wholly.
        ink: the largest logarithm of the exponent that greys are raised to; black and white stay.
    """
    wider, softer, paler = uniform[:, :, None, None, None].unbind(1)
    wider = stroke * (2 * wider - 1)
    thick, thin = _windows(tiles, torch.maximum, "replicate"), _windows(tiles, torch.minimum, "replicate")
    tiles = tiles + wider.clamp(min=0) * (thick - tiles) + THINNER * (-wider).clamp(min=0) * (thin - tiles)
    tiles = tiles + soft * softer * (_windows(tiles, torch.add, "constant") / 9 - tiles)
    return tiles.clamp(0, 1) ** torch.exp(ink * (2 * paler - 1))


def _windows(tiles: Tensor, combine: Callable[[Tensor, Tensor], Tensor], padding: str) -> Tensor:
    """What ``combine`` makes of the 3 x 3 pixels around each, rows first; torch's pooling takes nine times as long."""
    padded = F.pad(tiles, (1, 1, 1, 1), mode=padding)
    rows = combine(combine(padded[..., :-2], padded[..., 1:-1]), padded[..., 2:])
    return combine(combine(rows[..., :-2, :], rows[..., 1:-1, :]), rows[..., 2:, :])
