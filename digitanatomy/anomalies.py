"""The four anomalies, each a pure function of (tiles, generator).

Tiles are (9, 32, 32) in 0..1, in reading order; they are never changed in place. ``severity`` is the number of
tiles that become wrong. Every function returns new tiles and which of them are wrong: (9,) bool.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Generator, Tensor

from digitanatomy.info import DIGIT_FLIPS, TILES

_FLIP_DIMS = {"horizontal": -1, "vertical": -2}
#: Two tiles differ where some pixel does by more than this. The mask of an image uses the same number.
VISIBLE = 0.1


class Altered(NamedTuple):
    """tiles (9, 32, 32) after the change; wrong (9,) bool, true where a tile is not what it should be."""

    tiles: Tensor
    wrong: Tensor


def novel(tiles: Tensor, generator: Generator, *, zeros: Tensor, severity: int = 1) -> Altered:
    """Put a digit 0 into ``severity`` places.

    Args:
        zeros: samples (N, 32, 32), or (N, 9, 32, 32) where they look different in every place.
    """
    places = _places(severity, range(TILES), generator)
    samples = torch.randint(len(zeros), (severity,), generator=generator)
    return _altered(tiles, places, zeros[samples] if zeros.ndim == 3 else zeros[samples, places])


def disorder(tiles: Tensor, generator: Generator, *, severity: int = 2) -> Altered:
    """Move ``severity`` digits round in a circle, so that none of them stays in its place; two are a swap."""
    if severity < 2:
        raise ValueError(f"digits change places with each other: severity must be at least 2, got {severity}")
    places = _places(severity, range(TILES), generator)
    return _altered(tiles, places, tiles[places.roll(1)])


def missing(tiles: Tensor, generator: Generator, *, severity: int = 1) -> Altered:
    """Empty ``severity`` tiles."""
    places = _places(severity, range(TILES), generator)
    return _altered(tiles, places, torch.zeros_like(tiles[places]))


def flipped(
    tiles: Tensor,
    generator: Generator,
    *,
    severity: int = 1,
    flips: Mapping[int, Sequence[str]] = DIGIT_FLIPS,
) -> Altered:
    """Mirror ``severity`` digits, always so that the glyph changes.

    Args:
        flips: which of "horizontal" and "vertical" change the glyph of each label; a label that is absent is never
            flipped. The default is true of digits (a mirrored 1 is a 1).
    """
    able = [tile for tile in range(TILES) if flips.get(tile + 1)]
    places = _places(severity, able, generator)
    mirrored = []
    for place in places.tolist():
        axes = flips[place + 1]
        axis = axes[int(torch.randint(len(axes), (), generator=generator))]
        mirrored.append(tiles[place].flip(_FLIP_DIMS[axis]))
    return _altered(tiles, places, torch.stack(mirrored))


def _places(severity: int, able: Sequence[int], generator: Generator) -> Tensor:
    if not 1 <= severity <= len(able):
        raise ValueError(f"severity must be 1..{len(able)} tiles for this anomaly, got {severity}")
    return torch.tensor(able)[torch.randperm(len(able), generator=generator)[:severity]]


def _altered(tiles: Tensor, places: Tensor, replacements: Tensor) -> Altered:
    changed = tiles.clone()
    changed[places] = replacements
    wrong = torch.zeros(TILES, dtype=torch.bool)
    wrong[places] = True
    return Altered(changed, wrong)
