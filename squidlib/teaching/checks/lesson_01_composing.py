"""Checks of lesson 01: what the position explains, joining tiles, four anomalies, masks, an anomaly of one's own."""

from __future__ import annotations

from typing import Any

import torch
from torch import Generator, Tensor

from digitanatomy import cut_tiles, join_tiles
from squidlib.teaching import position
from squidlib.teaching.checks.lesson_01_anomalies import four_anomalies, own_anomaly
from squidlib.teaching.checks.report import Holds, exercise

__all__ = ["changed_pixels", "four_anomalies", "join_nine_tiles", "own_anomaly", "variance_by_position"]


@exercise
def variance_by_position(mine: Any, holds: Holds) -> None:
    """``mine(tiles)``: the share of the variance of tiles (N, 9, 32, 32) that their position explains."""
    start = "tiles.mean(0) is the mean tile of each position; begin with the mean of (tiles - tiles.mean(0)) ** 2."
    noise, positions = _noise(25, 9, 32, 32), _noise(9, 32, 32, seed=1)
    noise = torch.cat([noise, -noise])  # its mean is 0 at every pixel
    positions = positions - positions.mean(0)  # and so is the mean tile of all positions
    got = holds.call(mine, noise + positions, hint=start)
    what = f"a tensor {tuple(got.shape)}" if isinstance(got, Tensor) else type(got).__name__
    holds.that(
        "one number", isinstance(got, float) or (isinstance(got, Tensor) and got.numel() == 1), "it is one number"
    ).otherwise(
        f"one number expected, got {what}",
        "Average the squared errors over all dimensions before you divide.",
        ".mean() without arguments does.",
    )
    same = float(holds.call(mine, positions.expand(50, 9, 32, 32), hint=start))
    holds.that("all", abs(same - 1) < 1e-3, "it is 1 where every image is the same").otherwise(
        f"where all images are equal the position says everything: 1 expected, got {same:.3g}",
        "Then the mean tile of its own position is a perfect guess, with an error of 0, and 1 - 0 is 1.",
        "share = 1 - (error with its own position) / (error with all positions)",
    )
    none = float(holds.call(mine, 1 + noise[:, :1].expand(50, 9, 32, 32), hint=start))
    holds.that("nothing", abs(none) < 1e-3, "it is 0 where all positions show the same").otherwise(
        f"where all nine tiles of an image are equal the position says nothing: 0 expected, got {none:.3g}",
        "The other guess is one tile for all positions: the mean over images and positions.",
        "tiles.mean((0, 1))",
    )
    got, expected = (
        float(holds.call(mine, noise + positions, hint=start)),
        position.variance_by_position(noise + positions),
    )
    holds.that("squares", abs(got - expected) < 1e-3, "the errors are squared").otherwise(
        f"{expected:.3f} expected, got {got:.3f}",
        "Mean squared errors: neither absolute ones nor their roots.",
        "((tiles - guess) ** 2).mean() for both guesses",
    )
    bright = noise + positions + 5 * _noise(32, 32, seed=2)  # the same pattern in every tile
    got = float(holds.call(mine, bright, hint=start))
    holds.that("tile", abs(got - expected) < 1e-3, "what all positions share does not count").otherwise(
        f"a pattern that is the same in all tiles was added; {expected:.3f} expected as before, got {got:.3f}",
        "Compare with a mean *tile* (32, 32), not with a single mean number.",
        "tiles.mean((0, 1)), not tiles.mean()",
    )


@exercise
def join_nine_tiles(mine: Any, holds: Holds) -> None:
    """``mine(tiles)``: nine tiles (9, 32, 32) as one image (1, 96, 96)."""
    start = 'rearrange(tiles, "(i j) h w -> 1 (i h) (j w)", i=3) or three torch.cat of three tiles and one of them.'
    numbered = torch.arange(9.0)[:, None, None].expand(9, 32, 32)
    tiles = torch.rand(9, 32, 32, generator=Generator().manual_seed(0))
    got = holds.shape(
        holds.call(mine, numbered, hint=start),
        (1, 96, 96),
        "(1, 96, 96)",
        "One channel comes first; [None] in front of an image (96, 96) adds it.",
    )
    holds.that(
        "whole", all(bool((part == part[0, 0]).all()) for part in cut_tiles(got)), "every tile stays in one piece"
    ).otherwise(
        "pixels of different tiles are mixed",
        "reshape reads all pixels of tile 0 before those of tile 1; an image row needs one row of tiles 0, 1 and 2.",
        "Split the nine into (i j), then join rows (i h) and columns (j w).",
    )
    order = [int(part[0, 0]) for part in cut_tiles(got)]
    holds.that("order", order == list(range(9)), "the tiles stand in reading order").otherwise(
        f"read line by line the tiles are {order}",
        "Left to right first, then down.",
        "Tile 1 is to the right of tile 0, tile 3 below it: (i j), not (j i).",
    )
    got = holds.call(mine, tiles, hint=start)
    holds.that("upright", torch.equal(got, join_tiles(tiles)), "every tile is as it was").otherwise(
        "the tiles are in place, but their pixels are not as they were",
        "Inside a tile rows stay rows and columns stay columns.",
        "h goes into (i h), w into (j w).",
    )


@exercise
def changed_pixels(mine: Any, holds: Holds) -> None:
    """``mine(before, after)``: which pixels of the image differ visibly."""
    start = "Which pixels of (after - before) are large? Then join_tiles."
    before = torch.full((9, 32, 32), 0.5)
    after = before.clone()
    after[5, :4, :8], after[7, 10, 10], after[0, 0, :9] = 0.9, 0.1, 0.55
    got = holds.shape(
        holds.call(mine, before, after, hint=start),
        (1, 96, 96),
        "(1, 96, 96)",
        "join_tiles(...) of what you compared.",
    )
    holds.that("bool", got.dtype == torch.bool, "it is true or false").otherwise(
        f"torch.bool expected, got {got.dtype}", "A comparison gives true and false.", "(...) > 0.1"
    )
    parts = cut_tiles(got)
    holds.that("pixels", not bool(parts[5, 20:].any()), "pixels that stayed the same are not in it").otherwise(
        "in a tile in which 32 pixels changed, others are marked too",
        "Mark pixels, not whole tiles: compare without .any().",
        "(after - before) is (9, 32, 32): a number a pixel.",
    )
    holds.that("brighter", bool(parts[5, :4, :8].all()), "pixels that became brighter are in it").otherwise(
        "pixels that rose from 0.5 to 0.9 are not marked",
        "A change of 0.4 is visible: more than 0.1.",
        "after - before is positive there.",
    )
    holds.that("darker", bool(parts[7, 10, 10]), "pixels that became darker are in it").otherwise(
        "a pixel that fell from 0.5 to 0.1 is not marked",
        "A missing digit is a change to dark: the sign must not matter.",
        ".abs()",
    )
    holds.that("visible", not bool(parts[0].any()), "invisible changes are not in it").otherwise(
        "pixels that rose by 0.05 only are marked",
        "Only what differs by more than 0.1 counts as visible.",
        "(after - before).abs() > 0.1, not after != before",
    )


def _noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(shape, generator=Generator().manual_seed(seed))
