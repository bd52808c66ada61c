"""Two anomalies of images that are written by one hand: pure functions of (styles, generator).

Styles are (9, S), one a tile, as ``digitanatomy.hand.styles`` gives them; they are never changed in place. Both
functions take the styles that another hand would have had, drawn as this one's were: a tile by itself is then exactly
as likely as a normal one, and only its neighbours can tell.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Generator, Tensor

from digitanatomy.info import GRID, TILES


class Restyled(NamedTuple):
    """styles (9, S) after the change; wrong (9,) bool, true where a tile is not written as it should be."""

    styles: Tensor
    wrong: Tensor


def stranger(styles: Tensor, generator: Generator, *, other: Tensor, severity: int = 1) -> Restyled:
    """``severity`` tiles are written in the styles of ``other`` (9, S).

    Raises:
        ValueError: where severity is not 1 to 8: of nine tiles by another hand, none is a stranger.
    """
    if not 1 <= severity < TILES:
        raise ValueError(f"severity must be 1..{TILES - 1} tiles by another hand, got {severity}")
    wrong = torch.zeros(TILES, dtype=torch.bool)
    wrong[torch.randperm(TILES, generator=generator)[: int(severity)]] = True
    return Restyled(torch.where(wrong[:, None], other, styles), wrong)


def drift(styles: Tensor, generator: Generator, *, other: Tensor, severity: int | float = 1.0) -> Restyled:
    """The hand turns into ``other`` (9, S) from one side to the opposite one: left, right, up or down.

    Args:
        severity: in 0..1, how far it has gone at the last row or column; half as far in the middle.

    Raises:
        ValueError: where severity is out of range.
    """
    if not 0 < severity <= 1:
        raise ValueError(
            f"severity says how far the hand turns into another, more than 0 and at most 1; got {severity}"
        )
    way = int(torch.randint(4, (), generator=generator))
    places = torch.arange(TILES)
    along = places % GRID if way < 2 else places // GRID
    along = GRID - 1 - along if way % 2 else along
    share = (severity * along / (GRID - 1))[:, None]
    return Restyled(torch.lerp(styles, other, share), along > 0)
