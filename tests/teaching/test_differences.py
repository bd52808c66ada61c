"""Differences: paired by seed, with the interval that a table of Student's t gives, and what may be said of them."""

from __future__ import annotations

import pytest

from squidlib.teaching.studies.differences import Difference, difference
from squidlib.utils.errors import UserError
from squidlib.utils.interval_chart import interval_chart


def runs(**settings: list[float]) -> dict[str, dict[str, float]]:
    return {f"{name}/{seed}": {"auc": value} for name, values in settings.items() for seed, value in enumerate(values)}


def test_what_a_seed_does_to_both_does_not_count() -> None:
    found = difference(runs(whole=[0.5, 0.7, 0.9], less=[0.4, 0.6, 0.8]), "less", "whole", "auc")
    assert found.mean == pytest.approx(-0.1)
    assert found.half == pytest.approx(0, abs=1e-12)


def test_the_interval_is_that_of_a_printed_table() -> None:
    """Differences 0, .01, .02: mean .01, deviation .01; the table's 4.303 for two degrees of freedom."""
    found = difference(runs(whole=[0.9, 0.9, 0.9], less=[0.9, 0.91, 0.92]), "less", "whole", "auc")
    assert found.mean == pytest.approx(0.01)
    assert found.half == pytest.approx(4.303 * 0.01 / 3**0.5, rel=1e-3)


def test_only_seeds_that_both_have_are_compared() -> None:
    found = difference(runs(whole=[0.9, 0.9], less=[0.8, 0.8, 0.1]), "less", "whole", "auc")
    assert found.mean == pytest.approx(-0.1)
    with pytest.raises(UserError, match="two seeds"):
        difference(runs(whole=[0.9], less=[0.8, 0.8]), "less", "whole", "auc")


@pytest.mark.parametrize(
    ("mean", "half", "verdict"),
    [
        (-0.02, 0.01, "costs"),
        (0.02, 0.01, "helps"),
        (0.002, 0.005, "equal"),  # -.003 ... .007
        (0.002, 0.009, "undecided"),  # up to .011
        (0.0, 0.03, "undecided"),
    ],
)
def test_equal_is_said_only_where_the_interval_says_so(mean: float, half: float, verdict: str) -> None:
    assert Difference(mean, half).verdict(margin=0.01) == verdict


def test_the_chart_fills_what_lies_apart_from_zero() -> None:
    figure = interval_chart({"less": (-0.2, 0.05), "same": (0.001, 0.004)}, "t", "x", margin=0.01)
    axis = figure.axes[0]
    points = [line for line in axis.lines if line.get_marker() == "o"]
    assert [label.get_text() for label in axis.get_yticklabels()] == ["less", "same"]
    assert [line.get_markerfacecolor() == "white" for line in points] == [False, True]
    assert axis.get_ylim()[0] > axis.get_ylim()[1], "the first name stands at the top"
