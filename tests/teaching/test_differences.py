"""Differences: paired by seed, with the interval that a table of Student's t gives, and what may be said of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from squidlib.detection.metrics import auc
from squidlib.teaching.studies.differences import Difference, difference, difference_over_images
from squidlib.teaching.studies.image_order import all_packed, order_of, packed, unpacked
from squidlib.teaching.studies.results import auc_by_kind
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


IMAGES = {"normal": 40, "flipped": 20, "novel": 20, "stranger": 5}


def scored(skill: dict[str, float], seed: int) -> dict[str, Any]:
    """A run whose images of a kind score higher by its skill; what makes an image hard is the same in all runs."""
    hard = np.random.default_rng(1).normal(size=sum(IMAGES.values()))
    own = 0.2 * np.random.default_rng(seed).normal(size=len(hard))
    lift = np.repeat([skill.get(kind, 0.0) for kind in IMAGES], list(IMAGES.values()))
    return all_packed({"combined": torch.tensor(hard + own + lift)})


def test_over_images_the_mean_is_the_same_and_the_interval_is_not_narrower_than_that_of_seeds() -> None:
    good, bad = {"flipped": 2.0, "novel": 2.0}, {"flipped": 0.5, "novel": 2.0}
    kept = {
        f"{name}/{seed}": scored(skill, seed) for name, skill in (("whole", good), ("less", bad)) for seed in range(3)
    }
    types = [kind for kind, count in IMAGES.items() for _ in range(count)]
    for run in kept.values():
        run["auc"] = auc_by_kind(types, torch.tensor(order_of(run, "combined").astype(float)))["mean"]
    seeds = difference(kept, "less", "whole", "auc")
    both = difference_over_images(kept, IMAGES, "less", "whole", "combined", ["flipped", "novel"])
    assert both.mean == pytest.approx(seeds.mean, abs=1e-4)
    assert both.half > 2 * seeds.half, "forty images say less than their three seeds seem to"
    same = difference_over_images(kept, IMAGES, "less", "whole", "combined", ["novel"])
    assert same == (0.0, 0.0)


def test_an_interval_over_images_holds_the_truth_where_that_of_seeds_alone_does_not() -> None:
    """New images a trial; both variants are equally good, but one image is easy for one, another for the other."""
    missed = {"seeds": 0, "both": 0}
    types = np.repeat(list(IMAGES), list(IMAGES.values()))
    for trial in range(60):
        generator = np.random.default_rng(trial)
        liked = generator.normal(size=(2, len(types)))  # by every training of a variant
        kept = {}
        for name, own in zip(("whole", "less"), liked, strict=True):
            for seed in range(3):
                score = 1.5 * (types != "normal") + own + 0.1 * generator.normal(size=len(types))
                kept[f"{name}/{seed}"] = all_packed({"combined": torch.tensor(score)})
                kept[f"{name}/{seed}"]["auc"] = auc((types[:80] != "normal").astype(int), score[:80])
        alone = difference(kept, "less", "whole", "auc")
        both = difference_over_images(kept, IMAGES, "less", "whole", "combined", ["flipped", "novel"])
        missed["seeds"] += abs(alone.mean) > alone.half
        missed["both"] += abs(both.mean) > both.half
    assert missed["both"] <= 6  # 3 are expected of a 95 % interval
    assert missed["seeds"] > 15


def test_runs_of_before_say_that_they_keep_no_order() -> None:
    old = {f"{name}/{seed}": {"auc": 0.5} for name in ("whole", "less") for seed in range(2)}
    with pytest.raises(UserError, match="keeps no order"):
        difference_over_images(old, IMAGES, "less", "whole", "combined", ["novel"])


def test_an_order_survives_and_takes_three_kilobytes() -> None:
    scores = torch.rand(1200, generator=torch.Generator().manual_seed(0))
    scores[3] = scores[7]
    text = packed(scores)
    back = unpacked(text)
    assert len(text) <= 3200
    assert back[3] == back[7]
    assert len(set(back.tolist())) == 1199
    assert (np.argsort(back, kind="stable") == np.argsort(scores.numpy(), kind="stable")).all()
    with pytest.raises(ValueError, match="that are numbers"):
        packed(torch.tensor([1.0, float("nan")]))


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


def test_the_chart_draws_a_second_interval_where_there_is_one() -> None:
    drawn = []
    for wider in (None, {"less": 0.2}):
        figure = interval_chart({"less": (-0.1, 0.05)}, "t", "x", wider=wider)
        (point,) = [line for line in figure.axes[0].lines if line.get_marker() == "o"]
        ends = [path.vertices[:, 0] for bars in figure.axes[0].collections for path in bars.get_paths()]
        drawn.append((point.get_markerfacecolor() == "white", round(max(map(np.ptp, ends)), 6)))
    assert drawn == [(False, 0.1), (True, 0.4)], "the wider one says whether zero lies outside"


def test_the_chart_fills_what_lies_apart_from_zero() -> None:
    figure = interval_chart({"less": (-0.2, 0.05), "same": (0.001, 0.004)}, "t", "x", margin=0.01)
    axis = figure.axes[0]
    points = [line for line in axis.lines if line.get_marker() == "o"]
    assert [label.get_text() for label in axis.get_yticklabels()] == ["less", "same"]
    assert [line.get_markerfacecolor() == "white" for line in points] == [False, True]
    assert axis.get_ylim()[0] > axis.get_ylim()[1], "the first name stands at the top"
