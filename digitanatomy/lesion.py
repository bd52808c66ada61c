"""Lesion: a finding of the size and the contrast of a real one, inside one digit; from invisible to obvious."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Generator, Tensor

from digitanatomy.info import TILE_SIZE, TILES

WIDTHS = (1.8, 3.0)  #: standard deviation of the blob in pixels: a tenth of a digit's height and more
EDGE = 0.5  #: share of the lesion's own strength from which a pixel is in the mask


class Lesion(NamedTuple):
    """tiles (9, 32, 32) after the change; wrong (9,) bool, the tile that has it; mask (9, 32, 32) bool, where it is."""

    tiles: Tensor
    wrong: Tensor
    mask: Tensor


def lesion(tiles: Tensor, generator: Generator, *, severity: int | float = 0.5) -> Lesion:
    """A smooth blob beside or on the ink of one digit, or a place where its stroke fades; tiles (9, 32, 32) in 0..1.

    Args:
        severity: in 0..1: grey values that the blob adds at its middle, or the share of the ink that is lost there.

    Raises:
        ValueError: where severity is out of range.
    """
    if not 0 < severity <= 1:
        raise ValueError(f"severity is a contrast, more than 0 and at most 1; got {severity}")
    tile, fades = (int(torch.randint(high, (), generator=generator)) for high in (TILES, 2))
    ink = tiles[tile].flatten()
    chosen = int(torch.multinomial(ink if ink.sum() > 0 else torch.ones_like(ink), 1, generator=generator))
    low, high = WIDTHS
    width = low + (high - low) * torch.rand((), generator=generator)
    points = torch.arange(TILE_SIZE)
    near = torch.exp(
        -((points - chosen % TILE_SIZE) ** 2 + (points[:, None] - chosen // TILE_SIZE) ** 2) / (2 * width**2)
    )
    changed, mask = tiles.clone(), torch.zeros_like(tiles, dtype=torch.bool)
    changed[tile] = tiles[tile] * (1 - severity * near) if fades else (tiles[tile] + severity * near).clamp(0, 1)
    mask[tile] = near > EDGE
    return Lesion(changed, mask.flatten(1).any(1), mask)
