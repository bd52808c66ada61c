"""Checks of lesson 15: a blind program's results, the standard error of an AUC, two rows of a table."""

from __future__ import annotations

from typing import Any

from squidlib.teaching.checks.report import Holds, exercise

__all__ = ["auc_error", "blind_results", "difference_p"]


@exercise
def blind_results(mine: Any, holds: Holds) -> None:
    """``mine(normal, abnormal)``: accuracy of calling all the larger class, F1 of calling all abnormal."""
    start = "Call everything one class and write the four counts down: hits, false alarms, misses, the rest."
    accuracy, f1 = _pair(mine, 300, 100, hint=start, holds=holds)
    holds.that("larger", abs(accuracy - 0.75) < 1e-6, "the accuracy is the share of the larger class").otherwise(
        f"300 normal and 100 abnormal images, all called normal: 300 of 400 are right, 0.75; got {accuracy:.4g}",
        "A blind program may choose which class it calls everything.",
        "max(normal, abnormal) / (normal + abnormal)",
    )
    holds.that("f1", abs(f1 - 0.4) < 1e-6, "F1 is that of calling everything abnormal").otherwise(
        f"all called abnormal: 100 hits, 300 false alarms, no miss; F1 = 200 / 500 = 0.4, got {f1:.4g}",
        "F1 = 2 hits / (2 hits + false alarms + misses). Normal images that are let pass do not occur in it.",
        "2 * abnormal / (2 * abnormal + normal)",
    )
    accuracy, f1 = _pair(mine, 234, 390, hint=start, holds=holds)
    right = abs(accuracy - 0.625) < 1e-6 and abs(f1 - 0.769231) < 1e-5
    holds.that("other", right, "it works if most images are abnormal, too").otherwise(
        f"234 normal and 390 abnormal images give 0.625 and 0.7692; got {accuracy:.4f} and {f1:.4f}",
        "Here the larger class is the abnormal one.",
    )


@exercise
def auc_error(mine: Any, holds: Holds) -> None:
    """``mine(auc, normal, abnormal)``: the standard error by Hanley and McNeil."""
    start = "one = auc / (2 - auc), two = 2 * auc**2 / (1 + auc); then the numerator, then divide and take the root."
    half = holds.number(holds.call(mine, 0.5, 40, 40, hint=start))
    variance = 81 / (12 * 1600)  # (N + P + 1) / (12 N P): the rank-sum test's, where the AUC is one half
    holds.that("deviation", abs(half - variance) > 1e-6, "it is a deviation and not a variance").otherwise(
        f"at one half with 40 + 40 images the variance is {variance:.4f}; its root is asked for, {variance**0.5:.4f}",
        "A standard error has the unit of the AUC itself.",
        "(...) ** 0.5",
    )
    more = holds.number(holds.call(mine, 0.5, 4000, 4000, hint=start))
    holds.that("images", more < 0.2 * half, "it falls as the images become more").otherwise(
        f"a hundred times the images must make it about ten times smaller; got {half:.4g} and {more:.4g}",
        "The sum is divided by N times P.",
    )
    holds.that("half", abs(half - variance**0.5) < 1e-5, "at one half it is the rank-sum test's").otherwise(
        f"40 + 40 images at an AUC of 0.5: {variance**0.5:.5f} expected, got {half:.5f}",
        "Three terms: A(1 - A), one with P - 1 and one with N - 1.",
        "auc * (1 - auc) + (abnormal - 1) * (one - auc**2) + (normal - 1) * (two - auc**2)",
    )
    printed = holds.number(holds.call(mine, 0.893, 58, 51, hint=start))
    holds.that("printed", abs(printed - 0.03251) < 1e-4, "it gives the value of the paper's example").otherwise(
        f"Hanley and McNeil's example, 0.893 with 58 normal and 51 abnormal images, has 0.0325; got {printed:.4f}",
        "P - 1 goes with A / (2 - A), and N - 1 with 2A² / (1 + A).",
        "Look which class is which: normal is N, abnormal is P.",
    )


@exercise
def difference_p(mine: Any, holds: Holds) -> None:
    """``mine(mean, deviation, other_mean, other_deviation, trainings)``: Welch's p-value, two-sided."""
    start = "ttest_ind_from_stats(mean, deviation, n, other_mean, other_deviation, n, equal_var=False).pvalue"
    same = holds.number(holds.call(mine, 0.8, 0.01, 0.8, 0.02, 3, hint=start))
    holds.that("same", abs(same - 1) < 1e-6, "it is 1 where the means are equal").otherwise(
        f"two equal means: p = 1 expected, got {same:.4g}",
        "The p-value, and not the statistic t, which is 0 there.",
        ".pvalue",
    )
    distance = 2.776445 * 0.015 * (2 / 3) ** 0.5  # t = 2.776: five per cent with four degrees of freedom, from a table
    found = holds.number(holds.call(mine, 0.8 - distance, 0.015, 0.8, 0.015, 3, hint=start))
    other = holds.number(holds.call(mine, 0.8, 0.015, 0.8 - distance, 0.015, 3, hint=start))
    holds.that("sides", abs(found - other) < 1e-6, "it does not matter which row comes first").otherwise(
        f"exchanging the rows changes p from {found:.4g} to {other:.4g}",
        "Two-sided: the other method might have been the better one.",
    )
    holds.that("level", abs(found - 0.05) < 1e-4, "it is 5 % where the table of Student's t says so").otherwise(
        f"t = 2.776 with 3 + 3 trainings is p = 0.05; got {found:.4g}",
        "Each row is over ``trainings`` runs: give that number twice.",
        "ttest_ind_from_stats takes mean, standard deviation and number, first of one row, then of the other.",
    )
    distance = 4.302653 * 0.03 / 3**0.5  # one deviation is zero: two degrees of freedom are left
    found = holds.number(holds.call(mine, 0.8 - distance, 0.03, 0.8, 1e-9, 3, hint=start))
    holds.that("welch", abs(found - 0.05) < 1e-3, "the deviations need not be equal").otherwise(
        f"one deviation is 0.03 and the other one 0: p = 0.05 expected, got {found:.4g}",
        "Student's test pools both deviations, as if they were one.",
        "equal_var=False",
    )


def _pair(mine: Any, *arguments: Any, hint: str, holds: Holds) -> tuple[float, float]:
    got = holds.call(mine, *arguments, hint=hint)
    two = hasattr(got, "__len__") and getattr(got, "ndim", 1) == 1 and len(got) == 2
    holds.that("two", two).otherwise(
        f"two numbers expected, got {type(got).__name__}", "Return both, separated by a comma."
    )
    return holds.number(got[0]), holds.number(got[1])
