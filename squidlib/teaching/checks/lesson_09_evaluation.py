"""Checks of lesson 09: accuracy and F1, the oracle's threshold, deviation over seeds, hits of the worst tile."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from squidlib.detection import metrics
from squidlib.teaching.checks.report import Holds, exercise

__all__ = ["accuracy_and_f1", "hit_share", "oracle_threshold", "over_seeds"]

LABELS = np.array([0, 0, 0, 0, 1, 1, 1, 1, 1, 1])
SCORES = np.array([0.1, 0.2, 0.3, 0.8, 0.4, 0.6, 0.7, 0.9, 1.0, 1.1])


@exercise
def accuracy_and_f1(mine: Any, holds: Holds) -> None:
    """``mine(labels, scores, threshold)``: (accuracy, F1) where scores above the threshold are called abnormal."""
    start = (
        "labels and scores are numpy arrays. called = scores > threshold; hits, false alarms and misses are sums of "
        "called and labels == 1, combined with & and ~."
    )
    accuracy, f1 = _pair(mine, LABELS, SCORES, 0.5, hint=start, holds=holds)
    said = "4 normal and 6 abnormal images, 1 false alarm, 1 miss"
    holds.that("accuracy", abs(accuracy - 0.8) < 1e-4, "accuracy is the share of right decisions").otherwise(
        f"{said}: 8 of 10 decisions are right, got {accuracy:.4g}",
        "A decision is right where called equals (labels == 1), for normal images too.",
        "(called == (labels == 1)).mean()",
    )
    holds.that("f1", abs(f1 - 10 / 12) < 1e-4, "F1 counts hits, false alarms and misses").otherwise(
        f"{said}, 5 hits: F1 = 2·5 / (2·5 + 1 + 1) = 0.833, got {f1:.4g}",
        "F1 is 2 hits / (2 hits + false alarms + misses); normal images that were let pass do not occur in it.",
        "misses are abnormal images that were not called: ((labels == 1) & ~called).sum()",
    )
    _, f1 = _pair(mine, LABELS, SCORES, 2.0, hint=start, holds=holds)
    holds.that("no hit", f1 == 0, "F1 is 0 where nothing was called abnormal").otherwise(
        f"with a threshold above all scores nothing is called, F1 must be 0 and is {f1}",
        "Precision is 0 / 0 there, which is NaN.",
        "2 hits / (2 hits + false alarms + misses) needs no precision.",
    )
    accuracy, _ = _pair(mine, LABELS, SCORES, 0.8, hint=start, holds=holds)
    holds.that("above", abs(accuracy - 0.7) < 1e-4, "a score equal to the threshold is not above it").otherwise(
        f"the normal image that scores 0.8 is not above 0.8, so 7 of 10 are right; got {accuracy:.4g}",
        "Abnormal is what scores *more* than the threshold: > and not >=.",
    )


@exercise
def oracle_threshold(mine: Any, holds: Holds) -> None:
    """``mine(labels, scores)``: the threshold with the best accuracy on these very labels."""
    start = (
        "labels and scores are numpy arrays. Try every score as threshold: scores > candidates[:, None] is a table, a "
        "row for each candidate."
    )
    easy = np.array([3.0, 1.0, 2.0, 7.0, 9.0, 8.0]), np.array([0, 0, 0, 1, 1, 1])
    got = holds.number(holds.call(mine, easy[1], easy[0], hint=start))
    holds.that("above", got != 7, "abnormal is what scores above it").otherwise(
        "the lowest abnormal image scores 7, and 7 is not above 7: it would be missed",
        "roc_curve's thresholds call abnormal what scores *at* or above them. Here it must be above.",
        "The next lower score, 3, separates the two groups.",
    )
    holds.that("separated", 3 <= got < 7, "it separates what can be separated").otherwise(
        f"normal images score 1 to 3, abnormal ones 7 to 9: the threshold lies in 3 ≤ t < 7, got {got:.4g}",
        "Return the threshold itself, not the accuracy that it reaches nor its index.",
        "candidates[accuracy.argmax()]",
    )
    best = _accuracy(LABELS, SCORES, metrics.oracle_threshold(LABELS, SCORES))
    got = holds.number(holds.call(mine, LABELS, SCORES, hint=start))
    reached = _accuracy(LABELS, SCORES, got)
    holds.that("best", reached > best - 1e-6, "no other threshold is better where the groups overlap").otherwise(
        f"{got:.4g} gives accuracy {reached:.3g} on these labels, the best one gives {best:.3g}",
        "The middle between the groups need not be the best place: compute the accuracy of every candidate.",
        "((scores > candidates[:, None]) == (labels == 1)).mean(1) is the accuracy of each.",
    )
    worse = np.array([5.0, 6.0, 1.0, 2.0, 3.0, 4.0]), np.array([0, 0, 1, 1, 1, 1])
    got = holds.number(holds.call(mine, worse[1], worse[0], hint=start))
    reached = _accuracy(worse[1], worse[0], got)
    holds.that("everything", reached > 4 / 6 - 1e-6, "it may call everything abnormal where that is best").otherwise(
        f"the scores are upside down; calling all six abnormal is right for 4 of 6, yours for {reached:.3g}",
        "No score is above itself: with scores alone as candidates the lowest one is never called abnormal.",
        "Add one candidate below all scores: np.append(scores.min() - 1, scores).",
    )


@exercise
def over_seeds(mine: Any, holds: Holds) -> None:
    """``mine(values)``: (mean, standard deviation with n - 1) of a list of numbers, one a seed."""
    start = "Sum and divide by len(values) for the mean; then the squared differences from it."
    values = [0.90, 0.92, 0.97]
    mean, deviation = _pair(mine, values, hint=start, holds=holds)
    holds.that("mean", abs(mean - 0.93) < 1e-6, "the first is the mean").otherwise(
        f"the mean of {values} is 0.93, got {mean:.4g}", "sum(values) / len(values), and return the mean first."
    )
    _, ten = _pair(mine, [10 * value for value in values], hint=start, holds=holds)
    holds.that(
        "unit", abs(ten - 10 * deviation) < 1e-3 * max(ten, 1e-9), "the standard deviation has the unit of the values"
    ).otherwise(
        f"ten times the values must give ten times the standard deviation; got {deviation:.4g} and {ten:.4g}",
        "The mean of squared differences is the variance.",
        "Take its square root.",
    )
    holds.that(
        "spread",
        min(abs(deviation * 3**0.5 - right) for right in (0.036056, 0.029439)) > 1e-4,
        "it is the standard deviation of the values, not of their mean",
    ).otherwise(
        f"of {values} it is 0.0361; {deviation:.4g} is that divided by the root of 3, the standard error",
        "The standard error says how well the mean is known. Asked is how far one seed lies from the mean.",
        "Leave out the division by the root of len(values).",
    )
    holds.that("n - 1", abs(deviation - 0.036056) < 1e-4, "the squares are divided by n - 1").otherwise(
        f"the standard deviation of {values} is 0.0361, got {deviation:.4g}",
        "Three values around their *own* mean lie closer to it than to the true one: divide by n - 1, not by n.",
        "NumPy divides by n unless you say ddof=1; torch.std divides by n - 1.",
    )
    _, deviation = _pair(mine, [0.9], hint=start, holds=holds)
    holds.that("one", math.isnan(deviation), "one seed has no standard deviation").otherwise(
        f"of one value nothing can be said about the spread: NaN expected, got {deviation:.4g}",
        "A ± 0 would claim that another seed gives the same.",
        'Return float("nan") where len(values) < 2.',
    )


@exercise
def hit_share(mine: Any, holds: Holds) -> None:
    """``mine(wrong, tile_scores, called)``: of the images called abnormal, the share whose worst tile is wrong."""
    start = "tile_scores.argmax(1) is each image's worst tile; wrong[torch.arange(len(wrong)), worst] looks it up."
    wrong = torch.eye(4, 9, dtype=torch.bool)  # in image i, tile i is wrong
    hit, miss = 5.0 * wrong.float(), 5.0 * wrong.roll(1, dims=1).float()
    scores = torch.stack([hit[0], miss[1], hit[2], hit[3]]) - 10
    got = holds.number(holds.call(mine, wrong, scores, torch.ones(4, dtype=torch.bool), hint=start))
    holds.that(
        "worst", abs(got - 0.75) < 1e-4, "a hit is an image whose highest tile score stands on a wrong tile"
    ).otherwise(
        f"four images, all called, three of them with their highest score on the wrong tile: 0.75, got {got:.4g}",
        "The worst tile is the one with the highest score: argmax over the tiles, dimension 1.",
        "Then look up in ``wrong`` whether that tile is a wrong one, a row for each image.",
    )
    called = torch.tensor([True, True, False, False])
    got = holds.number(holds.call(mine, wrong, scores, called, hint=start))
    holds.that("called", abs(got - 0.75) > 1e-4, "images that were not called abnormal do not count").otherwise(
        "two of four images were called, one with a hit: 0.5; 0.75 is the share of all four",
        "Nobody looks for the place of an anomaly that was not noticed: use ``called``.",
        "hits[called].mean()",
    )
    holds.that("of the called", abs(got - 0.5) < 1e-4, "the share is one of the called images").otherwise(
        f"two of four images were called, one with a hit: 0.5, got {got:.4g}",
        "Divide by the number of called images, not of all.",
        "hits[called].float().mean(), not (hits & called).mean()",
    )
    got = holds.number(holds.call(mine, wrong, scores, torch.zeros(4, dtype=torch.bool), hint=start))
    holds.that("none", math.isnan(got), "where none was called the share is NaN").otherwise(
        f"no image was called; nothing was measured, so NaN is the answer and not {got:.4g}",
        "The mean of no numbers is NaN in torch; 0 would say that every hint was wrong.",
    )


def _pair(mine: Any, *arguments: Any, hint: str, holds: Holds) -> tuple[float, float]:
    got = holds.call(mine, *arguments, hint=hint)
    two = hasattr(got, "__len__") and getattr(got, "ndim", 1) == 1 and len(got) == 2
    problem = f"two numbers expected, got {type(got).__name__}"
    holds.that("two", two).otherwise(problem, "Return both: return first, second.")
    return holds.number(got[0]), holds.number(got[1])


def _accuracy(labels: NDArray[Any], scores: NDArray[Any], threshold: float) -> float:
    return float(((scores > threshold) == (labels == 1)).mean())
