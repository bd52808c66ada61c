"""Checks of lesson 01: the four anomalies and one of a student's own, each held against real digits."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import torch
from torch import Generator, Tensor

from digitanatomy import DigitAnatomy, cut_tiles, mnist5000
from digitanatomy.anomalies import VISIBLE
from squidlib.teaching.checks.report import Holds, exercise

__all__ = ["four_anomalies", "own_anomaly"]


@exercise
def four_anomalies(mine: Any, holds: Holds) -> None:
    """``mine``: (missing, novel, flipped, disorder), four pure functions of tiles (9, 32, 32)."""
    first = "my_missing: copy the tiles with tiles.clone(), set tiles[position] = 0, return them."
    holds.given(mine, first)
    holds.that(
        "four", isinstance(mine, tuple | list) and len(mine) == 4 and all(map(callable, mine)), "four functions"
    ).otherwise(
        "four functions expected: missing, novel, flipped, disorder", "Leave the last line of the cell as it was."
    )
    missing, novel, flipped, disorder = mine
    before, zero = _normal(), _zero()
    _one_changed(
        "missing",
        missing,
        (4,),
        before,
        {4: torch.zeros(32, 32)},
        holds,
        first,
        "An empty tile is black: all its pixels are 0.",
    )
    _one_changed(
        "novel",
        novel,
        (2, zero),
        before,
        {2: zero},
        holds,
        "my_novel: as before, but tiles[position] = zero.",
        "The tile at position becomes the tile zero, and only that one.",
    )
    _one_changed(
        "flipped",
        flipped,
        (1,),
        before,
        {1: before[1].flip(-1)},
        holds,
        "my_flipped: tiles[position].flip(-1) is the mirror image.",
        "Mirrored left-right: the *columns* are reversed, the last dimension; -2 turns it upside down.",
    )
    _one_changed(
        "disorder",
        disorder,
        (3, 8),
        before,
        {3: before[8], 8: before[3]},
        holds,
        "my_disorder: put tiles[here] to there and tiles[there] to here.",
        "tiles[here] is a view, not a copy: once you have written over it, the old digit is gone.",
        "tiles[[here, there]] = tiles[[there, here]] copies first.",
    )


@exercise
def own_anomaly(mine: Any, holds: Holds) -> None:
    """``mine(tiles, generator)``: new tiles (9, 32, 32) in 0..1 and which of them are wrong, (9,) bool."""
    start = "Copy the tiles, draw a position with torch.randint(9, (), generator=generator), change that tile, mark it."
    before = _normal()
    drawn = [_pair(mine, before, seed, holds, start) for seed in range(30)]
    holds.that(
        "range", all(bool((tiles >= 0).all() and (tiles <= 1).all()) for tiles, _ in drawn), "pixels stay in 0..1"
    ).otherwise("a pixel left the range 0..1", "Images lie in 0..1.", "tiles.clamp(0, 1)")
    given = before.clone()
    holds.call(mine, given, Generator().manual_seed(0), hint=start, copied=False)
    holds.that("pure", torch.equal(given, before), "the tiles that came in are as they were").otherwise(
        "the tiles that you were given have changed",
        "You wrote into the caller's tiles.",
        "Begin with tiles = tiles.clone()",
    )
    again = _pair(mine, before, 7, holds, start)
    holds.that(
        "reproducible",
        torch.equal(again[0], drawn[7][0]) and torch.equal(again[1], drawn[7][1]),
        "the same seed gives the same image",
    ).otherwise(
        "two calls with generators of the same seed gave different images",
        "All that is random has to come from the generator.",
        "torch.randint(9, (), generator=generator)",
    )
    wrongs = torch.stack([wrong for _, wrong in drawn])
    seen = torch.stack([((tiles - before).abs() > VISIBLE).flatten(1).any(1) for tiles, _ in drawn])
    holds.that("something", bool(seen.any(1).all()), "something is always visibly wrong").otherwise(
        "for some seed no pixel changed by more than 0.1",
        "An abnormal image has to differ from its normal twin, or its label is a lie.",
        "Look at the positions where your change does nothing: an empty corner, a 1 that is mirrored.",
    )
    holds.that("marked", torch.equal(seen, wrongs), "exactly the changed tiles are marked as wrong").otherwise(
        "the tiles that changed are not those that are marked as wrong",
        "wrong[position] = True for every tile that you changed, and for no other.",
        "A mark without a change is a false label, and so is a change without a mark.",
    )
    holds.that("positions", int(wrongs.any(0).sum()) >= 3, "it strikes different positions").otherwise(
        f"in 30 images only the tiles {wrongs.any(0).nonzero().flatten().tolist()} were ever wrong",
        "An anomaly that is always in one position can be learned by heart: draw the position.",
        "position = int(torch.randint(9, (), generator=generator))",
    )


def _one_changed(
    name: str,
    mine: Callable[..., Any],
    arguments: tuple[Any, ...],
    before: Tensor,
    changes: dict[int, Tensor],
    holds: Holds,
    start: str,
    *hints: str,
) -> None:
    """``mine(tiles, *arguments)`` makes exactly these changes, in new tiles."""
    given = before.clone()
    got = holds.call(mine, given, *arguments, hint=start, copied=False)
    got = holds.shape(got, (9, 32, 32), "(9, 32, 32)", f"my_{name} returns all nine tiles.")
    holds.held[-1] = f"{name}: {holds.held[-1]}"
    expected = before.clone()
    for where, tile in changes.items():
        expected[where] = tile
    holds.that(
        f"{name} pure", torch.equal(given, before), f"{name}: the tiles that came in are as they were"
    ).otherwise(
        f"my_{name} has changed the tiles that it was given",
        f"my_{name} writes into the caller's tiles; a pure function works on a copy.",
        "tiles = tiles.clone() first",
    )
    wrong = [index for index in range(9) if not torch.equal(got[index], expected[index])]
    positions = ", ".join(str(value) for value in arguments if isinstance(value, int))
    holds.that(name, not wrong, f"{name}: the right tiles are changed, and as they should be").otherwise(
        f"my_{name}(tiles, {positions}): not as expected at {wrong}", *hints
    )


def _pair(mine: Any, before: Tensor, seed: int, holds: Holds, start: str) -> tuple[Tensor, Tensor]:
    """New tiles and wrong, of the right shapes; says nothing where they are."""
    count = len(holds.held)
    got = holds.call(mine, before, Generator().manual_seed(seed), hint=start)
    holds.that("pair", isinstance(got, tuple | list) and len(got) == 2, "it returns tiles and wrong").otherwise(
        f"two things expected, the tiles and which of them are wrong; got {type(got).__name__}",
        "End with: return tiles, wrong",
    )
    tiles = holds.shape(got[0], (9, 32, 32), "(9, 32, 32)", "The first of the two is all nine tiles.")
    wrong = got[1]
    holds.that(
        "wrong",
        isinstance(wrong, Tensor) and wrong.dtype == torch.bool and wrong.shape == (9,),
        "wrong is (9,), true or false",
    ).otherwise(
        "wrong must be a tensor (9,) of torch.bool, one for each tile",
        "wrong = torch.zeros(9, dtype=torch.bool), then wrong[position] = True",
    )
    if seed:
        del holds.held[count:]
    return tiles, wrong


@cache
def _normal() -> Tensor:
    """The tiles of one normal image; not to be changed."""
    return cut_tiles(DigitAnatomy(mnist5000().split().train, {"normal": 1}, seed=2)[0].image)


@cache
def _zero() -> Tensor:
    glyphs = mnist5000().split().train
    return glyphs.tiles[glyphs.indices(0)[0]]
