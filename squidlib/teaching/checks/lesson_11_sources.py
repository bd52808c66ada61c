"""Lesson 11: a score that never sees an image."""

from __future__ import annotations

from typing import Any

from squidlib.teaching.checks.report import Holds, exercise

__all__ = ["source_score"]


@exercise
def source_score(mine: Any, holds: Holds) -> None:
    """``mine(training, tested)``: the share of training normals that come from another source than each image."""
    start = "training.count(source) says how many training normals come from that source."
    training = ["a"] * 6 + ["b"] * 3 + ["c"]
    got = holds.call(mine, training, ["a", "b", "c", "d"], hint=start)
    listed = len(got) == 4 if hasattr(got, "__len__") else False
    holds.that("number", listed, "it is one number for each tested image").otherwise(
        f"a list of 4 numbers expected, got {got!r:.80}",
        "Go through the tested sources, not through the training ones.",
        "[... for source in tested]",
    )
    rare = [float(value) for value in got]
    holds.that("direction", rare[2] > rare[0], "a rare source scores higher").otherwise(
        f"of ten training normals one comes from c and six from a, yet c got {rare[2]:.3g} and a {rare[0]:.3g}",
        "Higher means more abnormal, and what training hardly knows counts as abnormal here.",
        "1 - share",
    )
    holds.that("unknown", abs(rare[3] - 1) < 1e-6, "a source that training does not know scores 1").otherwise(
        f"no training normal comes from d, so that all ten come from another source; got {rare[3]:.3g}",
        "Count in training alone; what is not there has the count 0.",
    )
    holds.that(
        "share",
        all(abs(value - wanted) < 1e-6 for value, wanted in zip(rare, (0.4, 0.7, 0.9, 1.0), strict=True)),
        "it is a share of the training normals",
    ).otherwise(
        f"0.4, 0.7, 0.9 and 1 expected for six, three, one and none of ten, got {[round(value, 3) for value in rare]}",
        "Divide by the number of training normals.",
        "1 - training.count(source) / len(training)",
    )
    alone = [float(value) for value in holds.call(mine, training, ["b"], hint=start)]
    holds.that(
        "single", abs(alone[0] - rare[1]) < 1e-6, "an image's score does not depend on those tested beside it"
    ).otherwise(
        f"tested alone, the same source got {alone[0]:.3g} in place of {rare[1]:.3g}",
        "Test images must not be counted: a detector judges one image after the other.",
    )
