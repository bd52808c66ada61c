"""Checks of lesson 03: addressing, reading with a memory for each position, entropy, mismatch."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F

from squidlib.teaching.checks.report import Holds, exercise

__all__ = ["addressing", "mean_entropy", "mismatch", "space_aware_read"]


def _random(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@exercise
def addressing(mine: Any, holds: Holds) -> None:
    """``mine(queries, slots, scale)``: softmax of the scaled cosines over the slots, (N, S)."""
    start = "F.normalize(x, dim=-1) makes every row as long as 1; then a matrix product gives all cosines."
    queries, slots = _random(4, 6), _random(3, 6, seed=1)
    got = holds.call(mine, queries, slots, 5.0, hint=start)
    got = holds.shape(got, (4, 3), "(N, S)", "A row for each query, a column for each slot: queries @ slots.T")
    holds.that(
        "before",
        not torch.allclose(got.sum(-1), torch.full((4,), 5.0), atol=1e-3),
        "the scale comes before the softmax",
    ).otherwise(
        "with scale 5 each row sums to 5: the scale multiplies the weights and not the cosines",
        "It belongs inside: torch.softmax(scale * cosines, dim=-1), not scale * torch.softmax(...).",
    )
    holds.that("rows", torch.allclose(got.sum(-1), torch.ones(4), atol=1e-4), "each row sums to 1").otherwise(
        f"rows must sum to 1, the first sums to {got.sum(-1)[0]:.3f}", "The softmax runs over the slots: dim=-1."
    )
    longer = holds.call(mine, 7 * queries, 0.2 * slots, 5.0, hint=start)
    holds.that("length", torch.allclose(got, longer, atol=1e-4), "lengths do not matter, only directions").otherwise(
        "queries seven times as long gave other weights: that is a dot product and no cosine",
        "Normalise both, queries and slots, to length 1.",
    )
    flat = holds.call(mine, queries, slots, 0.0, hint=start)
    holds.that(
        "scale", torch.allclose(flat, torch.full((4, 3), 1 / 3), atol=1e-4), "scale 0 gives equal weights"
    ).otherwise(
        "with scale 0 all weights must be equal: the scale is not used, or at another point",
        "Multiply the cosines by the scale before the softmax.",
    )
    cosines = F.normalize(queries, dim=-1) @ F.normalize(slots, dim=-1).T
    holds.that(
        "value", torch.allclose(got, torch.softmax(5 * cosines, -1), atol=1e-4), "the most similar slot weighs most"
    ).otherwise(
        "the weights are not the softmax of scale * cosine", "torch.softmax(scale * cosines, dim=-1), no minus sign."
    )


@exercise
def space_aware_read(mine: Any, holds: Holds) -> None:
    """``mine(weights, slots)``: every position's weighted sum of its own slots, (B, R, D)."""
    start = "Sum over s of weights[b, r, s] * slots[r, s, d]: torch.einsum says just that."
    weights, slots = torch.softmax(_random(2, 3, 4), -1), _random(3, 4, 5, seed=1)
    got = holds.call(mine, weights, slots, hint=start)
    got = holds.shape(got, (2, 3, 5), "(B, R, D)", "An answer for each image and position: 'brs,rsd->brd'.")
    one = torch.zeros(1, 3, 4)
    one[0, :, 2] = 1.0
    picked = holds.call(mine, one, slots, hint=start)
    holds.that(
        "own position", torch.allclose(picked[0], slots[:, 2], atol=1e-5), "a position reads its own slots only"
    ).otherwise(
        "all weight on slot 2 must give slot 2 of each position; the positions were mixed",
        "Keep r in both inputs and in the output; do not sum over it.",
    )
    expected = torch.einsum("brs,rsd->brd", weights, slots)
    holds.that("weighted sum", torch.allclose(got, expected, atol=1e-5), "the answer is the weighted sum").otherwise(
        f"{expected[0, 0, 0]:.3f} expected for the first number, got {got[0, 0, 0]:.3f}",
        "A sum over the slots, with the weights as they are: no mean, no second softmax, no argmax.",
    )


@exercise
def mean_entropy(mine: Any, holds: Holds) -> None:
    """``mine(weights)``: the mean over all rows of -sum w log w, one number."""
    start = "-(w * log w), summed over the last dimension, then the mean of what is left."
    equal = torch.full((2, 3, 4), 0.25)
    got = torch.as_tensor(holds.call(mine, equal, hint=start))
    holds.shape(got, (), "one number", "Take the mean over all rows at the end.")
    certain = float(holds.call(mine, torch.tensor([[[0.0, 1.0, 0.0]]]), hint=start))
    holds.that("zeros", certain == certain, "a weight of 0 does no harm").otherwise(
        "a row (0, 1, 0) gave NaN: 0 * log 0 must count as 0", "Clamp the weights inside the log to at least 1e-12."
    )
    value, expected = float(got), float(torch.tensor(4.0).log())
    holds.that("sign", value > 0, "it is positive").otherwise(
        f"equal weights of 4 slots must give {expected:.3f}, got {value:.3f}",
        "Logs of numbers below 1 are negative: mind the minus sign.",
    )
    holds.that("sum", abs(value - expected / 4) > 1e-4, "it sums over the slots").otherwise(
        f"equal weights of 4 slots must give log 4 = {expected:.3f}, got a quarter of it",
        "Sum over the last dimension first; the mean is over rows only.",
    )
    holds.that("value", abs(value - expected) < 1e-3, "equal weights of S slots give log S").otherwise(
        f"{expected:.3f} expected for 4 equal weights, got {value:.3f}",
        "The natural logarithm; sum over slots, mean over images and positions.",
    )
    uneven = torch.tensor([[[0.7, 0.2, 0.1]]])
    value = float(holds.call(mine, uneven, hint=start))
    holds.that("uneven", abs(value - 0.8018) < 1e-3, "and uneven weights less").otherwise(
        f"a row (0.7, 0.2, 0.1) must give 0.802, got {value:.3f}",
        "-(w * log w) of each weight, summed: no other measure of spread.",
    )
    leaf = torch.tensor([[[0.0, 1.0, 0.0]]], requires_grad=True)
    holds.call(mine, leaf, hint=start, copied=False).backward()
    holds.that(
        "gradient", leaf.grad is not None and bool(torch.isfinite(leaf.grad).all()), "its gradient is finite"
    ).otherwise(
        "the gradient of a row (0, 1, 0) is not finite, and this is a loss",
        "Clamp inside the log, before it is taken; leaving out NaN afterwards is too late for the gradient.",
    )


@exercise
def mismatch(mine: Any, holds: Holds) -> None:
    """``mine(queries, answers)``: 1 - cosine of the worst patch, (B,)."""
    start = "F.cosine_similarity(queries, answers, dim=-1) is (B, R); the worst patch has the largest 1 - cosine."
    queries, answers = _random(3, 4, 6), _random(3, 4, 6, seed=1)
    got = holds.call(mine, queries, answers, hint=start)
    got = holds.shape(got, (3,), "(B,), one number an image", "The worst patch: the largest over dim=1.")
    same = holds.call(mine, queries, 3 * queries, hint=start)
    holds.that(
        "zero", bool((same.abs() < 1e-4).all()), "it is 0 where the answers point where the queries do"
    ).otherwise(
        f"answers of the same direction must give 0, got {same[0]:.3f}",
        "1 minus the cosine: the same direction has cosine 1, whatever the lengths.",
    )
    cosines = F.cosine_similarity(queries, answers, dim=-1)
    across = (1 - F.cosine_similarity(queries, answers, dim=1)).amax(1)
    holds.that(
        "features", not torch.allclose(got, across, atol=1e-4), "a cosine compares the D numbers of one patch"
    ).otherwise(
        "the cosines were taken over the patches, dimension 1, which is what F.cosine_similarity does if not told",
        "Say which dimension holds the features: F.cosine_similarity(queries, answers, dim=-1).",
    )
    holds.that("worst", torch.allclose(got, (1 - cosines).amax(1), atol=1e-4), "the worst patch counts").otherwise(
        f"{(1 - cosines).amax(1)[0]:.3f} expected for the first image, got {got[0]:.3f}",
        "The largest over the patches, neither the mean nor the smallest.",
    )
