"""Checks of lesson 14: a Gaussian's distance, Holm's correction, pairs that turn round, a method of one's own."""

from __future__ import annotations

from typing import Any

import torch
from torch import Generator, Tensor

from squidlib.benchmark.significance import holm
from squidlib.benchmark.significance import inverted_pairs as counted
from squidlib.teaching.checks.lesson_14_interface import own_method
from squidlib.teaching.checks.report import Holds, exercise

__all__ = ["holm_correction", "inverted_pairs", "mahalanobis", "own_method"]

ONE_EACH = ("(B,), one distance a feature", "One number for each row of features.")


@exercise
def mahalanobis(mine: Any, holds: Holds) -> None:
    """``mine(normals, features, extra)``: distance of each feature to the Gaussian of normals."""
    start = "How far is each feature from the mean of the normals, seen through the inverse of their covariance?"
    generator = Generator().manual_seed(0)
    normals = torch.randn(200, 3, generator=generator) * torch.tensor([1.0, 10.0, 1.0]) + 5
    normals[:, 2] += normals[:, 0]  # the first and the third go together
    centre = normals.mean(0)
    away = torch.tensor([[0.0, 0, 0], [1, 0, 0], [2, 0, 0], [0, 1, 0], [1, 0, 1], [1, 0, -1]])
    got = holds.call(mine, normals, centre + away, 0.0, hint=start)
    got = holds.shape(got, (6,), *ONE_EACH).float()
    fewer = holds.call(mine, normals, centre + away[1:3], 0.0, hint=start).float()
    holds.that(
        "normals", torch.allclose(fewer, got[1:3], rtol=1e-3, atol=1e-4), "mean and covariance are those of the normals"
    ).otherwise(
        f"the same two features gave {_rounded(got[1:3])} among six and {_rounded(fewer)} among two",
        "What is asked about must not change what counts as usual.",
        "Take mean and covariance of normals alone.",
    )
    holds.that("centre", abs(float(got[0])) < 1e-2, "the mean of the normals has distance 0").otherwise(
        f"the centre of the normals must have distance 0, got {float(got[0]):.3g}",
        "The distance is one from the mean.",
        "Subtract normals.mean(0) from the features.",
    )
    holds.that("root", abs(float(got[2] / got[1]) - 2) < 1e-2, "twice as far is twice the distance").otherwise(
        f"twice as far away gave {float(got[2] / got[1]):.3g} times the distance",
        "d' S^-1 d is a squared distance.",
        "Take its square root.",
    )
    holds.that("units", float(got[3] / got[1]) < 0.5, "a step counts less where normals vary more").otherwise(
        f"a step of 1 along what varies ten times as much gave {float(got[3] / got[1]):.3g} times the distance",
        "A Euclidean distance does not know how much normals vary.",
        "The inverse of the covariance puts each direction into its own standard deviations.",
    )
    holds.that("together", float(got[5] / got[4]) > 2, "features that go together are known to").otherwise(
        "against what two features do together is no farther than along with it",
        "Standard deviations of each feature alone are not enough.",
        "Use the whole covariance, not its diagonal.",
    )
    whole = _distance(normals, centre + away, 0.0)
    few = torch.eye(4)[:3]  # three images, four numbers: the covariance has no inverse
    extra = holds.call(mine, few, torch.ones(1, 4), 0.01, hint="Add extra * torch.eye(D) to the covariance first.")
    extra = holds.shape(extra, (1,), *ONE_EACH).float()
    expected = _distance(few, torch.ones(1, 4), 0.01)
    holds.that(
        "extra",
        bool(torch.isfinite(extra).all()) and torch.allclose(extra, expected, rtol=1e-2),
        "extra on the diagonal makes it work with few images",
    ).otherwise(
        f"three images of four numbers and extra 0.01 must give {float(expected[0]):.3g}, got {float(extra[0]):.3g}",
        "With fewer images than numbers the covariance alone has no inverse.",
        "covariance + extra * torch.eye(D), with the divisor N - 1 in the covariance.",
    )
    holds.that(
        "values", torch.allclose(got, whole, rtol=1e-3, atol=1e-3), "and its unit is one standard deviation"
    ).otherwise(
        f"expected {_rounded(whole)}, got {_rounded(got)}",
        "No other factor: sqrt(d' S^-1 d), S with the divisor N - 1.",
    )


@exercise
def holm_correction(mine: Any, holds: Holds) -> None:
    """``mine(p_values)``: (K,) p-values -> those of Holm, in the same order."""
    start = "Sort the p-values first: the factors belong to sorted ones. Then bring each back to where it came."
    given = torch.tensor([0.03, 0.5, 0.01, 0.04], dtype=torch.float64)
    got = holds.call(mine, given, hint=start)
    got = torch.as_tensor(got, dtype=torch.float64) if isinstance(got, list | tuple) else got
    got = holds.shape(got, (4,), "(K,), one for each p-value", "Return as many as came.").double()
    holds.that(
        "smallest", abs(float(got.min()) - 0.04) < 1e-6, "the smallest is multiplied by the number of all"
    ).otherwise(
        f"of four p-values the smallest, 0.01, becomes 0.04; the smallest here is {float(got.min()):.3g}",
        "Four questions give four chances of a false alarm.",
        "The smallest p-value times K.",
    )
    holds.that("order", int(got.argmin()) == 2 and int(got.argmax()) == 1, "each stands where it came").otherwise(
        f"0.01 came third and 0.5 second; the results are {_rounded(got)}",
        "Sorting is for the factors; what comes back is in the order that came.",
        "torch.empty_like(p_values).scatter(0, order, corrected)",
    )
    holds.that("one", float(got[1]) <= 0.5 + 1e-6, "the largest is multiplied by 1").otherwise(
        f"0.5 is the largest and stays 0.5, got {float(got[1]):.3g}",
        "The factor falls by one from each p-value to the next larger (the same factor for all is Bonferroni's).",
        "Factors K, K - 1, ... 1.",
    )
    large = float(max(holds.call(mine, torch.full((3,), 0.6, dtype=torch.float64), hint=start)))
    holds.that("most", large <= 1 + 1e-9, "nothing exceeds 1").otherwise(
        f"three times 0.6 must give 1, got {large:.3g}", "A p-value is a probability.", ".clamp(max=1)"
    )
    holds.that(
        "rising", float(got[3]) >= float(got[0]) - 1e-9, "a larger p-value never gets the smaller result"
    ).otherwise(
        f"0.03 * 3 is more than 0.04 * 2, yet 0.04 must not end below 0.03; got {_rounded(got)}",
        "Going up, a result is at least the one before it.",
        "cummax over the sorted ones: .cummax(0).values",
    )
    expected = torch.tensor(list(holm({str(index): float(p) for index, p in enumerate(given)}).values()))
    holds.that("values", torch.allclose(got, expected.double(), atol=1e-6), "and they are Holm's").otherwise(
        f"expected {_rounded(expected)}, got {_rounded(got)}",
        "Sorted: 0.01 * 4, 0.03 * 3, 0.04 * 2 (raised to the one before), 0.5 * 1.",
    )


@exercise
def inverted_pairs(mine: Any, holds: Holds) -> None:
    """``mine(ours, theirs)``: (pairs that stand the other way round, all pairs of names that both have)."""
    start = "Go through every pair of names that both tables have, once; when do the two tables disagree about it?"
    ours = {"c": 0.7, "b": 0.8, "only ours": 0.5, "a": 0.9, "d": 0.6}
    theirs = {"d": 0.2, "c": 0.3, "a": 0.1, "b": 0.5, "only theirs": 0.9}
    got = holds.call(mine, ours, theirs, hint=start)
    holds.that("pair", isinstance(got, tuple | list) and len(got) == 2, "it is a pair of numbers").otherwise(
        f"(inverted, pairs) expected, got {type(got).__name__}", "Return both numbers.", "return inverted, len(pairs)"
    )
    holds.that("once", got[1] not in (12, 16), "a pair is counted once").otherwise(
        f"four names make 6 pairs, got {got[1]}",
        "(a, b) and (b, a) are the same pair, and a name makes none with itself.",
        "itertools.combinations(names, 2)",
    )
    holds.that("common", got[1] == 6, "only names that stand in both tables count").otherwise(
        f"a, b, c and d stand in both: 6 pairs, got {got[1]}",
        "What only one table has cannot be compared.",
        "Keep the names of ours that are in theirs.",
    )
    same = holds.call(mine, ours, ours, hint=start)
    holds.that("same", same[0] == 0, "a table agrees with itself").otherwise(
        f"the same table twice has no inverted pair, got {same[0]}",
        "A pair is inverted where the two differences have opposite signs.",
        "(ours[a] - ours[b]) * (theirs[a] - theirs[b]) < 0",
    )
    tied = holds.call(mine, {"a": 0.9, "b": 0.8}, {"a": 0.5, "b": 0.5}, hint=start)
    holds.that("tie", tied[0] == 0, "equal values are not inverted").otherwise(
        "a pair that is equal in one table counted as inverted",
        "Equal is neither way round.",
        "Less than zero, not less or equal.",
    )
    holds.that("count", tuple(got) == tuple(counted(ours, theirs)), "all inverted pairs are found").otherwise(
        f"a is the first of four here and the last there: 3 of 6, got {got[0]} of {got[1]}",
        "Look at every pair, not at neighbours alone, and at both ways in which a pair can turn.",
        "sum(...) over all pairs, of whether they are inverted.",
    )


def _distance(normals: Tensor, features: Tensor, extra: float) -> Tensor:
    away = features - normals.mean(0)
    covariance = torch.cov(normals.T) + extra * torch.eye(normals.shape[1])
    return (away * torch.linalg.solve(covariance, away.T).T).sum(1).clamp(min=0).sqrt()


def _rounded(values: Tensor) -> list[float]:
    return [round(float(value), 3) for value in values]
