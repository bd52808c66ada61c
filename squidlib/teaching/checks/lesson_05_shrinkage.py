"""Checks of lesson 05: how many slots speak, hard and top-k shrinkage, the straight-through gradient."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from squidlib import shrinkage
from squidlib.teaching.checks.report import Holds, exercise

__all__ = ["effective_slots", "hard_shrink", "straight_through", "topk_shrink"]

ROWS = torch.tensor([[0.5, 0.3, 0.15, 0.05], [0.1, 0.2, 0.3, 0.4]])


@exercise
def effective_slots(mine: Any, holds: Holds) -> None:
    """``mine(weights)``: exp of the entropy of each row."""
    start = "The entropy is -(w * log w), summed over the last dimension; then torch.exp of it."
    got = holds.call(mine, torch.stack([ROWS, ROWS]), hint=start)
    got = holds.shape(got, (2, 2), "(...), one number a row", "Sum over the last dimension only: .sum(-1).")
    certain = holds.call(mine, torch.tensor([[0.0, 1.0, 0.0]]), hint=start)
    holds.that("zeros", bool(torch.isfinite(certain).all()), "a weight of 0 does no harm").otherwise(
        f"a row (0, 1, 0) gave {float(certain[0])}: 0 * log 0 must count as 0",
        "log(0) is minus infinity, and 0 times it is NaN.",
        "Clamp the weights to at least 1e-12 before the log.",
    )
    holds.that("one", abs(float(certain[0]) - 1) < 1e-3, "it is 1 where one slot has all the weight").otherwise(
        f"a row (0, 1, 0) must give 1, got {float(certain[0]):.3g}",
        "The entropy of that row is 0, and exp(0) = 1.",
        "Did you take the exponential in the end, and the minus sign?",
    )
    even = float(holds.call(mine, torch.full((1, 8), 1 / 8), hint=start)[0])
    holds.that("even", abs(even - 8) < 1e-2, "it is S where all S slots have the same weight").otherwise(
        f"eight equal weights must give 8, got {even:.3g}",
        "The entropy of S equal weights is log S.",
        "Use the natural logarithm, torch.log, with torch.exp.",
    )

    uneven = float(holds.call(mine, torch.tensor([[0.7, 0.2, 0.1]]), hint=start)[0])
    holds.that("uneven", abs(uneven - 2.2294) < 1e-2, "and in between it is the exponential of the entropy").otherwise(
        f"a row (0.7, 0.2, 0.1) must give 2.23, got {uneven:.3g}",
        "It is the entropy with logarithms that is asked for, no other measure of spread.",
    )


@exercise
def hard_shrink(mine: Any, holds: Holds) -> None:
    """``mine(weights, threshold)``: zero at or below the threshold, rows renormalised."""
    start = "torch.where(weights > threshold, weights, 0) is a good beginning; then divide each row by its sum."
    got = holds.shape(holds.call(mine, ROWS, 0.25, hint=start), (2, 4), "that of the weights", "One weight for each.")
    holds.that("cut", bool((got[ROWS <= 0.25] == 0).all()), "weights at or below the threshold become 0").otherwise(
        f"with threshold 0.25 the row {ROWS[0].tolist()} became {_row(got)}",
        "What is not above the threshold has to be exactly 0.",
        "torch.where keeps what is above.",
    )
    at = holds.call(mine, torch.tensor([[0.5, 0.25, 0.25]]), 0.25, hint=start)
    holds.that("at", bool((at[0, 1:] == 0).all()), "also those exactly at it").otherwise(
        f"with threshold 0.25 the row (0.5, 0.25, 0.25) became {_row(at)}",
        "A weight that equals the threshold is not above it: > and not >=.",
    )
    holds.that("kept", bool((got[ROWS > 0.25] > 0).all()), "weights above it are kept").otherwise(
        f"with threshold 0.25 the row {ROWS[0].tolist()} became {_row(got)}",
        "0.5 and 0.3 are above 0.25 and must survive.",
        "Mind the direction of the comparison.",
    )
    sums = got.sum(-1)
    holds.that("sum", torch.allclose(sums, torch.ones(2), atol=1e-5), "each row sums to 1 again").otherwise(
        f"rows must sum to 1, they sum to {sums.tolist()}",
        "Divide each row by its own sum.",
        "kept / kept.sum(-1, keepdim=True)",
    )
    holds.that(
        "ratio", torch.allclose(got, shrinkage.hard_shrink(ROWS, 0.25), atol=1e-4), "what is kept stays in proportion"
    ).otherwise(
        f"0.5 : 0.3 must stay 5 : 3, the row became {_row(got)}",
        "Keep w itself, not w minus the threshold.",
        "relu(w - t) / |w - t| is 1 above the threshold: multiply by w.",
    )
    empty = holds.call(mine, ROWS, 0.9, hint=start)
    holds.that(
        "empty",
        bool(torch.isfinite(empty).all()) and float(empty.abs().sum()) < 1e-6,
        "a row without a weight above the threshold becomes zeros",
    ).otherwise(
        f"with threshold 0.9 nothing is left, and the row became {_row(empty)}",
        "0 divided by 0 is NaN.",
        "Clamp the sum to at least 1e-12 before you divide by it.",
    )


@exercise
def topk_shrink(mine: Any, holds: Holds) -> None:
    """``mine(weights, k)``: the k largest of each row, renormalised."""
    start = "weights.topk(k, dim=-1) gives values and indices; torch.zeros_like(weights).scatter puts them back."
    got = holds.shape(holds.call(mine, ROWS, 2, hint=start), (2, 4), "that of the weights", "Zeros stand for the rest.")
    alone = int((holds.call(mine, ROWS[:1], 2, hint=start) > 0).sum())
    holds.that("k-th", alone != 1, "the k-th largest is kept, too").otherwise(
        f"with k = 2 one weight of the row {ROWS[0].tolist()} is left: the second largest has gone",
        "Subtracting the k-th largest leaves k - 1 (the authors' trap), and so does comparing with > instead of >=.",
        "Put back what topk returns: with >= all weights that equal the k-th would stay, and they may be more than k.",
    )
    counts = (got > 0).sum(-1).tolist()
    holds.that("exactly k", counts == [2, 2], "exactly k weights survive in each row").otherwise(
        f"with k = 2, two weights a row must survive, {counts} did",
        "Take the k largest of each row, not of the whole tensor.",
        "weights.topk(k, dim=-1) looks at each row by itself.",
    )
    holds.that("largest", bool((got[ROWS >= 0.3] > 0).all()), "they are the largest").otherwise(
        f"the row {ROWS[1].tolist()} became {_row(got, 1)}",
        "0.3 and 0.4 are the largest of that row, and they stand at its end.",
        "The indices that topk returns say where each value belongs.",
    )
    tied = int((holds.call(mine, torch.tensor([[0.3, 0.3, 0.3, 0.1]]), 2, hint=start) > 0).sum())
    holds.that("tie", tied == 2, "exactly k also where weights are equal").otherwise(
        f"of the row (0.3, 0.3, 0.3, 0.1) two must survive with k = 2, {tied} did",
        "Comparing with the k-th value keeps all that equal it: use the indices that topk returns.",
    )
    sums = got.sum(-1)
    holds.that("sum", torch.allclose(sums, torch.ones(2), atol=1e-5), "each row sums to 1").otherwise(
        f"rows must sum to 1, they sum to {sums.tolist()}",
        "Divide the k values by their sum.",
        "values / values.sum(-1, keepdim=True)",
    )
    holds.that(
        "ratio", torch.allclose(got, shrinkage.topk_shrink(ROWS, 2), atol=1e-5), "what is kept stays in proportion"
    ).otherwise(
        f"0.5 : 0.3 must stay 5 : 3, the row became {_row(got)}",
        "Renormalise by dividing, not with a second softmax.",
        "A softmax of the kept values would even them out.",
    )
    one = holds.call(mine, ROWS, 1, hint=start)
    holds.that(
        "k = 1", torch.allclose(one.amax(-1), torch.ones(2), atol=1e-5), "k = 1 leaves the one strongest slot"
    ).otherwise(
        f"with k = 1 the row {ROWS[0].tolist()} became {_row(one)}",
        "The strongest slot gets all the weight: 1.",
        "Subtracting the k-th value would leave nothing.",
    )


@exercise
def straight_through(mine: Any, holds: Holds) -> None:
    """``mine(soft, hard)``: the value of hard, the gradient of soft."""
    start = "Value and gradient can be separated with .detach(): a detached tensor counts, but has no gradient."
    leaf = torch.tensor([0.5, -0.5, 1.0], requires_grad=True)
    soft, wanted = 2 * leaf, torch.tensor([1.0, 0.0, 0.0])
    hard = wanted + 5 * (soft - soft.detach())  # computed from soft, as in use: it carries a gradient of its own
    got = holds.call(mine, soft, hard, hint=start, copied=False)
    got = holds.shape(got, (3,), "that of the two", "Return one tensor, as long as soft and hard.")
    holds.that("value", torch.allclose(got.detach(), wanted, atol=1e-6), "its value is hard").otherwise(
        f"hard is {wanted.tolist()}, the value is {[round(value, 3) for value in got.tolist()]}",
        "soft + (something) must equal hard: what is the something?",
        "soft + (hard - soft)",
    )
    holds.that("has gradient", got.requires_grad, "a gradient flows through it").otherwise(
        "no gradient flows: everything is detached",
        "Detach the difference only, not soft itself.",
        "soft + (hard - soft).detach()",
    )
    (got * torch.tensor([1.0, 2.0, 3.0])).sum().backward()
    assert leaf.grad is not None
    holds.that(
        "hard alone",
        not torch.allclose(leaf.grad, 10 * torch.tensor([1.0, 2.0, 3.0]), atol=1e-4),
        "it is not the gradient of hard",
    ).otherwise(
        f"the gradient of hard came through, five times that of soft: expected [2, 4, 6], got {leaf.grad.tolist()}",
        "That is hard itself, gradient and all: soft is not in it, or cancels as in soft + (hard - soft).",
        "soft + (hard - soft).detach()",
    )
    holds.that(
        "gradient",
        torch.allclose(leaf.grad, 2 * torch.tensor([1.0, 2.0, 3.0]), atol=1e-5),
        "its gradient is that of soft",
    ).otherwise(
        f"the gradient of soft must come through unchanged; expected [2, 4, 6], got {leaf.grad.tolist()}",
        "Soft is 2 * leaf here, and hard has a gradient of its own: detach all but the one soft that shall carry it.",
        "soft + (hard - soft).detach()",
    )


def _row(tensor: Tensor, row: int = 0) -> list[float]:
    return [round(value, 3) for value in tensor[row].tolist()]
