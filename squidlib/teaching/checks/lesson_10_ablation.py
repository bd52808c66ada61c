"""Checks of lesson 10: a difference in pairs with its interval, and what may be said of it."""

from __future__ import annotations

from typing import Any

from squidlib.teaching.checks.report import Holds, exercise

__all__ = ["paired_interval", "verdict"]

WHOLE = [0.90, 0.94, 0.98]
VARIANT = [0.87, 0.93, 0.96]  # three points, one and two below: mean -0.02, standard deviation 0.01
HALF = 4.302653 * 0.01 / 3**0.5  # Student's t for 95 % and two degrees of freedom, from a table


@exercise
def paired_interval(mine: Any, holds: Holds) -> None:
    """``mine(variant, whole)``: mean difference over seeds, and the ends of its 95 % interval."""
    start = "apart = np.asarray(variant) - np.asarray(whole); then its mean, and half the width of the interval."
    mean, low, high = _three(mine, VARIANT, WHOLE, hint=start, holds=holds)
    said = "the differences are -0.03, -0.01 and -0.02"
    holds.that("mean", abs(mean + 0.02) < 1e-6, "the first is the mean of variant minus whole").otherwise(
        f"{said}: mean -0.02, got {mean:.4g}",
        "Variant minus whole: below zero if the variant is worse.",
        "float(apart.mean()) comes first.",
    )
    holds.that("around", abs((low + high) / 2 - mean) < 1e-6 and low < high, "the interval lies around it").otherwise(
        f"low and high must lie equally far below and above {mean:.3g}; got {low:.4g} and {high:.4g}",
        "mean - half and mean + half, the lower one first.",
    )
    half = (high - low) / 2
    unpaired = 4.302653 * (0.0016 + 0.0021) ** 0.5 / 3**0.5  # from the variances of the two lists
    holds.that("pairs", half < 0.6 * unpaired, "what a seed does to both does not count").otherwise(
        f"the differences lie close together, but half the width is {half:.3g}",
        "The deviation of the *differences*, not that of the AUCs themselves.",
        "apart.std(ddof=1)",
    )
    holds.that("root", half < 0.9 * 4.302653 * 0.01, "the deviation is divided by the root of n").otherwise(
        f"half the width is {half:.4g}; that says where a single difference lies, not where the mean does",
        "The mean of n values is more certain than one of them.",
        "... / len(apart) ** 0.5",
    )
    holds.that("n - 1", abs(half - HALF) < 0.1 * HALF or half < 0.6 * HALF, "squares are divided by n - 1").otherwise(
        f"half the width is {HALF:.4f}, got {half:.4f}",
        "NumPy divides by n unless it is told otherwise.",
        "apart.std(ddof=1)",
    )
    holds.that("student", abs(half - HALF) < 1e-5, "the factor is Student's, for two degrees of freedom").otherwise(
        f"half the width is {HALF:.4f}, got {half:.4f}",
        "1.96 is right for many values. The deviation of three values is itself uncertain.",
        "student.ppf(0.975, len(apart) - 1): 2.5 % on either side are left out.",
    )
    mean, low, high = _three(mine, [0.8, 0.9], [0.8, 0.88], hint=start, holds=holds)
    holds.that("two", abs(high - low - 2 * 12.7062 * 0.01) < 1e-4, "it works for another number of seeds").otherwise(
        f"two seeds, differences 0 and 0.02: the interval is 0.2541 wide, got {high - low:.4f}",
        "The factor depends on n: it is 12.7 for two seeds.",
        "Use len(apart), and not 3.",
    )


CASES = (
    ("costs", (-0.05, -0.02, 0.01), "the whole interval below zero", "The variant is worse, whatever the seeds."),
    ("helps", (0.02, 0.05, 0.01), "the whole interval above zero", "The variant is better than the whole."),
    (
        "equal",
        (-0.004, 0.006, 0.01),
        "an interval around zero, within the margin",
        "Zero lies within it, and both ends are within the margin.",
    ),
    (
        "undecided",
        (-0.03, 0.05, 0.01),
        "an interval around zero, wider than the margin",
        "Both costs and gains are still possible.",
    ),
    (
        "one side",
        (-0.004, 0.02, 0.01),
        "an interval around zero that leaves the margin on one side",
        "Both ends have to lie within the margin.",
    ),
    (
        "small",
        (-0.006, -0.002, 0.01),
        "an interval below zero, within the margin",
        "Look at the side of zero first: it costs, if only a little.",
    ),
)
RIGHT = {"one side": "undecided", "small": "costs"}


@exercise
def verdict(mine: Any, holds: Holds) -> None:
    """``mine(low, high, margin)``: "costs", "helps", "equal" or "undecided"."""
    start = 'Four returns: "costs" if high < 0, "helps" if low > 0; then ask whether both ends lie within the margin.'
    for key, arguments, what, hint in CASES:
        right = RIGHT.get(key, key)
        got = holds.call(mine, *arguments, hint=start)
        words = isinstance(got, str) and got in ("costs", "helps", "equal", "undecided")
        holds.that("word", words).otherwise(
            f'one of "costs", "helps", "equal", "undecided" expected, got {got!r}', "Return the word itself, a string."
        )
        low, high, margin = arguments
        holds.that(key, got == right, f"{what}: {right}").otherwise(
            f"{low:g} to {high:g} with a margin of {margin:g} is {what}: {right!r} expected, got {got!r}", hint
        )


def _three(mine: Any, *arguments: Any, hint: str, holds: Holds) -> tuple[float, float, float]:
    got = holds.call(mine, *arguments, hint=hint)
    three = hasattr(got, "__len__") and getattr(got, "ndim", 1) == 1 and len(got) == 3
    holds.that("three", three).otherwise(
        f"three numbers expected, got {type(got).__name__}", "return mean, mean - half, mean + half"
    )
    return holds.number(got[0]), holds.number(got[1]), holds.number(got[2])
