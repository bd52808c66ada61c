"""Checks of lesson 00, start here: the AUC as a share of pairs, a threshold from normal scores, the worst tile."""

from __future__ import annotations

from typing import Any

import torch

from squidlib.teaching.checks.report import Holds, exercise

__all__ = ["normal_threshold", "pairs_in_order", "worst_tile"]

# Skewed, as the scores of worst tiles are, and in no order.
SKEWED = (torch.linspace(0, 1, 400) ** 6 * 10)[torch.randperm(400, generator=torch.Generator().manual_seed(0))]


@exercise
def pairs_in_order(mine: Any, holds: Holds) -> None:
    """``mine(normal, abnormal)``: the AUC, the share of pairs in which the abnormal score is higher."""
    start = "abnormal[:, None] > normal compares every abnormal score with every normal one: a table (M, N)."
    low, high = torch.tensor([1.0, 2.0, 3.0]), torch.tensor([4.0, 5.0, 6.0])
    got = _number(mine, low, high, hint=start, holds=holds)
    holds.that("direction", abs(got - 1) < 1e-4, "it is 1 where every abnormal score is higher").otherwise(
        f"all abnormal scores are higher than all normal ones, so it must be 1; got {got:.4g}",
        "Higher means more abnormal: a pair is right where the abnormal score is the higher one.",
        "The share lies in 0..1: take the mean of the table, not its sum.",
    )
    normal, abnormal = torch.tensor([3.0, 1.0, 4.0]), torch.tensor([2.0, 5.0, 6.0])
    got = _number(mine, normal, abnormal, hint=start, holds=holds)
    holds.that("pairs", abs(got - 7 / 9) < 1e-4, "every normal image is paired with every abnormal one").otherwise(
        f"normal {normal.tolist()}, abnormal {abnormal.tolist()}: 7 of 9 pairs are right, 0.778; got {got:.4g}",
        "Three and three images make nine pairs, not three: abnormal > normal compares first with first and so on.",
        "abnormal[:, None] has shape (M, 1); compared with normal (N,) it gives all M * N pairs.",
    )
    got = _number(mine, low, torch.tensor([2.5, 0.0]), hint=start, holds=holds)
    holds.that("numbers", abs(got - 1 / 3) < 1e-4, "the two groups may differ in size").otherwise(
        f"three normal scores and two abnormal ones make 6 pairs, 2 of them right; got {got:.4g}",
        "Divide by the number of pairs, N * M.",
        "The mean of the table does that.",
    )
    got = _number(mine, torch.tensor([1.0, 2.0]), torch.tensor([2.0, 2.0]), hint=start, holds=holds)
    holds.that("ties", abs(got - 0.75) < 1e-4, "equal scores count as half").otherwise(
        f"normal [1, 2], abnormal [2, 2]: two pairs right, two equal, so 0.75; got {got:.4g}",
        "A pair of equal scores is neither right nor wrong: it counts as one half.",
        "Add half of the mean of (abnormal[:, None] == normal).",
    )


@exercise
def normal_threshold(mine: Any, holds: Holds) -> None:
    """``mine(normal_scores, rate)``: the score that a share ``rate`` of normal scores exceeds."""
    start = "torch.quantile(scores, q) is the score that a share q of the scores lies below."
    even = torch.linspace(0, 1, 401)
    got = _share(mine, even, 0.05, hint=start, holds=holds)
    holds.that("side", got < 0.5, "few normal scores are above it").otherwise(
        f"5 % of the scores must lie above the threshold, {got:.0%} do",
        "Abnormal is high: the 5 % that may exceed are at the upper end.",
        "If 5 % are above, 95 % are below.",
    )
    holds.that("some", got > 0, "some normal scores are above it").otherwise(
        "5 % of the scores must lie above the threshold, none does",
        "Above the highest score there is nothing, and one odd image would decide alone: let the asked share exceed.",
        "torch.quantile takes a share in 0..1.",
    )
    got = _share(mine, SKEWED, 0.05, hint=start, holds=holds)
    holds.that("skewed", abs(got - 0.05) < 0.004, "the share is right, whatever the scores look like").otherwise(
        f"of 400 scores with a long upper tail 5 % must lie above the threshold, {got:.1%} do",
        "Count, do not assume: a mean plus so many standard deviations fits a bell curve only.",
        "Sort the scores, or let torch.quantile do it.",
    )
    shares = {rate: _share(mine, SKEWED, rate, hint=start, holds=holds) for rate in (0.01, 0.2, 0.5)}
    rate, got = max(shares.items(), key=lambda pair: abs(pair[0] - pair[1]))
    holds.that("rate", abs(rate - got) < 0.004, "any rate can be asked for").otherwise(
        f"with rate = {rate} a share of {rate} must lie above the threshold, {got:.3f} does",
        "Use the argument rate; it is not always 0.05.",
        "torch.quantile(normal_scores, 1 - rate)",
    )


@exercise
def worst_tile(mine: Any, holds: Holds) -> None:
    """``mine(tile_scores)``: row and column of each image's highest tile score."""
    start = "tile_scores.argmax(dim=-1) says which tile of each image, 0..8; a row holds three tiles."
    scores = -torch.ones(4, 9)
    scores[0, 5], scores[1, 0], scores[2, 7], scores[3, 2] = 2.0, 3.0, 9.0, 1.5
    expected = torch.tensor([[1, 2], [0, 0], [2, 1], [0, 2]])
    got = holds.shape(
        holds.call(mine, scores, hint=start),
        (4, 2),
        "(B, 2), a row and a column for each image",
        "torch.stack([rows, columns], dim=-1) puts two (B,) tensors side by side; argmax needs dim=-1.",
    )
    holds.that("range", bool((got >= 0).all() and (got <= 2).all()), "rows and columns are 0, 1 or 2").otherwise(
        f"rows and columns are counted 0, 1, 2; got {got.tolist()}",
        "Tile 5 is in row 5 // 3 and column 5 % 3.",
        "Python counts from 0.",
    )
    holds.that("row first", not torch.equal(got.flip(-1).long(), expected), "the row comes first").otherwise(
        f"tile 5 of the first image is the worst: row 1, column 2. You gave {got[0].tolist()}",
        "Row and column have changed places.",
        "The row is worst // 3, the column worst % 3.",
    )
    holds.that("highest", torch.equal(got.long(), expected), "it is the tile with the highest score").otherwise(
        f"the highest scores are those of the tiles 5, 0, 7 and 2, so {expected.tolist()}; got {got.tolist()}",
        "Higher is more abnormal, and each image is asked by itself.",
        "tile_scores.argmax(dim=-1)",
    )
    low = torch.tensor([[-9.0, -1.0, -2.0, -3.0, -2.0, -3.0, -2.0, -3.0, -2.0]])
    got = holds.call(mine, low, hint=start)
    holds.that("negative", got.tolist() == [[0, 1]], "a very low score is not abnormal").otherwise(
        f"of {[int(value) for value in low[0]]} the highest is -1, at row 0 and column 1; got {got[0].tolist()}",
        "Scores may be negative: a tile far below the average is very normal. Take no absolute value.",
        "argmax of the scores as they are.",
    )


def _number(mine: Any, *arguments: Any, hint: str, holds: Holds) -> float:
    """What ``mine`` returns, as a float; a tensor of one element will do."""
    got = holds.call(mine, *arguments, hint=hint)
    try:
        value = float(got)
    except (TypeError, ValueError, RuntimeError):
        value = None
    what = f"a tensor {tuple(got.shape)}" if isinstance(got, torch.Tensor) else type(got).__name__
    holds.that("one number", value is not None).otherwise(
        f"one number expected, got {what}", "Bring it down to a single number at the end.", "float(table.mean())"
    )
    assert value is not None
    return value


def _share(mine: Any, scores: torch.Tensor, rate: float, hint: str, holds: Holds) -> float:
    """The share of ``scores`` above the threshold that ``mine`` sets."""
    return float((scores > _number(mine, scores, rate, hint=hint, holds=holds)).float().mean())
