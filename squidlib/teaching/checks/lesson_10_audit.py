"""Checks of lesson 10: rows of a table that cannot come from one confusion matrix."""

from __future__ import annotations

from typing import Any, NamedTuple

from squidlib.teaching.checks.report import Holds, exercise

__all__ = ["possible_row"]


class Row(NamedTuple):
    """A row of a table of results, and whether it can be."""

    key: str
    asked: tuple[float, float, int, int, float]  #: accuracy, F1, normal and abnormal images, tolerance
    possible: bool
    sentence: str
    why: str
    hints: tuple[str, ...]


ROWS = (
    Row(
        "exists",
        ((300 + 184) / 624, 600 / (600 + 50 + 90), 234, 390, 1e-6),
        True,
        "results of real counts are possible",
        "300 hits and 50 false alarms of 390 + 234 images give exactly this",
        (
            "Of the (abnormal + 1)·(normal + 1) tables one fits: accuracy (hits + normal - alarms) / all.",
            "F1 = 2 hits / (hits + alarms + abnormal), since hits + misses = abnormal.",
        ),
    ),
    Row(
        "rounded",
        (0.78, 0.81, 234, 390, 0.006),
        True,
        "they may be off by a tolerance",
        "the same results, rounded to two digits, with a tolerance of 0.006",
        ("Printed results are rounded: compare (a - accuracy).abs() <= tolerance, not a == accuracy.",),
    ),
    Row(
        "ends",
        (390 / 624, 780 / 1014, 234, 390, 1e-6),
        True,
        "calling everything abnormal is possible",
        "390 hits and 234 false alarms: every image was called abnormal",
        (
            "Hits go from 0 to ``abnormal`` with both ends, false alarms from 0 to ``normal``.",
            "torch.arange(n) and range(n) end at n - 1: write n + 1.",
        ),
    ),
    Row(
        "together",
        (0.565, 0.826, 234, 390, 0.005),
        False,
        "both must come from one table",
        "accuracy 0.565 and F1 0.826 never occur together, though each occurs alone",
        ("The same counts have to give accuracy *and* F1: combine the two with & before you ask .any().",),
    ),
    Row(
        "too low",
        (0.691, 0.623, 234, 390, 0.005),
        False,
        "an F1 may be too low for its accuracy",
        "with accuracy 0.691 there are 193 errors, and F1 cannot be as low as 0.623",
        ("A bound from above is not enough: go through all tables.",),
    ),
    Row(
        "counts",
        (0.691, 0.623, 390, 234, 0.005),
        True,
        "the numbers of images matter",
        "with 390 normal and 234 abnormal images these two results are possible",
        ("Use ``normal`` and ``abnormal`` as they are given, not 234 and 390.",),
    ),
)


@exercise
def possible_row(mine: Any, holds: Holds) -> None:
    """``mine(accuracy, f1, normal, abnormal, tolerance)``: whether any counts of hits and false alarms give both."""
    tables = "hits = torch.arange(abnormal + 1)[:, None] and alarms = torch.arange(normal + 1)[None] make every table."
    for row in ROWS:
        got = holds.call(mine, *row.asked, hint=tables)
        holds.that("bool", isinstance(got, bool) or getattr(got, "ndim", 1) == 0).otherwise(
            f"True or False expected, got {type(got).__name__}", "End with .any() over the whole table."
        )
        holds.that(row.key, bool(got) == row.possible, row.sentence).otherwise(
            f"{row.why}: expected {row.possible}, got {bool(got)}", *row.hints
        )
