"""Lesson 01: what the position explains, joining, anomalies, masks."""

from __future__ import annotations

from typing import Any

import torch
from einops import rearrange
from torch import Generator, Tensor

from digitanatomy import join_tiles


def _missing(tiles: Tensor, position: int) -> Tensor:
    tiles = tiles.clone()
    tiles[position] = 0
    return tiles


def _novel(tiles: Tensor, position: int, zero: Tensor) -> Tensor:
    tiles = tiles.clone()
    tiles[position] = zero
    return tiles


def _flipped(tiles: Tensor, position: int, dim: int = -1) -> Tensor:
    tiles = tiles.clone()
    tiles[position] = tiles[position].flip(dim)
    return tiles


def _missing_in_place(tiles: Tensor, position: int) -> Tensor:
    tiles[position] = 0
    return tiles


def _swap_of_views(tiles: Tensor, here: int, there: int) -> Tensor:
    tiles = tiles.clone()
    tiles[here], tiles[there] = tiles[there], tiles[here]
    return tiles


def _disorder(tiles: Tensor, here: int, there: int) -> Tensor:
    tiles = tiles.clone()
    tiles[[here, there]] = tiles[[there, here]]
    return tiles


def _errors(tiles: Tensor, power: float) -> tuple[Tensor, Tensor]:
    own, every = (tiles - tiles.mean(0)).abs() ** power, (tiles - tiles.mean((0, 1))).abs() ** power
    return own.mean(), every.mean()


def _own(
    tiles: Tensor,
    generator: Generator | None,
    position: int | None = None,
    by: float = 0.0,
    marks: int = 1,
    copied: bool = True,
) -> Any:
    """A tile multiplied by ``by``; ``marks`` tiles are marked from there on."""
    if copied:
        tiles = tiles.clone()
    if position is None:
        position = int(torch.randint(9, (), generator=generator))
    tiles[position] *= by
    wrong = torch.zeros(9, dtype=torch.bool)
    wrong[[(position + step) % 9 for step in range(marks)]] = True
    return tiles, wrong


WRONG = {
    "variance_by_position": {
        "one number": lambda t: 1 - ((t - t.mean(0)) ** 2).mean((0, 1)) / ((t - t.mean((0, 1))) ** 2).mean((0, 1)),
        "all": lambda t: float(_errors(t, 2)[0] / _errors(t, 2)[1].clamp(min=1e-9)),  # forgot 1 - ...
        "nothing": lambda t: float(1 - _errors(t, 2)[0] / (t**2).mean()),  # compares with no guess at all
        "tile": lambda t: float(1 - ((t - t.mean(0)) ** 2).mean() / t.var(correction=0)),
        "squares": lambda t: float(1 - _errors(t, 1)[0] / _errors(t, 1)[1]),
    },
    "join_nine_tiles": {
        "shape": lambda t: rearrange(t, "(i j) h w -> (i h) (j w)", i=3),
        "whole": lambda t: t.reshape(1, 96, 96),
        "order": lambda t: rearrange(t, "(j i) h w -> 1 (i h) (j w)", i=3),
        "upright": lambda t: rearrange(t, "(i j) h w -> 1 (i w) (j h)", i=3),
    },
    "four_anomalies": {
        "four": (_missing, _novel, _flipped),
        "missing pure": (_missing_in_place, _novel, _flipped, _disorder),
        "missing": (lambda t, position: torch.zeros_like(t), _novel, _flipped, _disorder),
        "novel": (_missing, lambda t, position, zero: _novel(t, position, torch.zeros(32, 32)), _flipped, _disorder),
        "flipped": (_missing, _novel, lambda t, position: _flipped(t, position, -2), _disorder),
        "disorder": (_missing, _novel, _flipped, _swap_of_views),
        "shape": (lambda t, position: t[position] * 0, _novel, _flipped, _disorder),
    },
    "changed_pixels": {
        "shape": lambda before, after: (after - before).abs() > 0.1,
        "bool": lambda before, after: join_tiles((after - before).abs()),
        "pixels": lambda before, after: join_tiles(
            ((after - before).abs() > 0.1).flatten(1).any(1)[:, None, None].expand(9, 32, 32)
        ),
        "brighter": lambda before, after: join_tiles(before - after > 0.1),
        "darker": lambda before, after: join_tiles(after - before > 0.1),
        "visible": lambda before, after: join_tiles(after != before),
    },
    "own_anomaly": {
        "pair": lambda t, g: _own(t, g)[0],
        "wrong": lambda t, g: (_own(t, g)[0], 3),
        "range": lambda t, g: _own(t, g, by=2.0),
        "pure": lambda t, g: _own(t, g, copied=False),
        "reproducible": lambda t, g: _own(t, None),
        "something": lambda t, g: _own(t, g, by=1.0),
        "marked": lambda t, g: _own(t, g, marks=2),
        "positions": lambda t, g: _own(t, g, position=4),
    },
}
