"""The interval of an AUC against theory: Hanley and McNeil, the binomial distribution, and what has no width."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from squidlib.detection.metrics import auc, bootstrap_auc


def two_clouds(count: int, apart: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    labels = np.arange(count) % 2
    return labels, np.random.default_rng(0).normal(size=count) + apart * labels


def test_the_bootstrap_interval_contains_the_value_and_is_reproducible_by_seed() -> None:
    labels, scores = two_clouds(60)
    interval = bootstrap_auc(labels, scores, rounds=200, seed=1)
    assert interval.value == auc(labels, scores)
    assert 0 <= interval.low < interval.value < interval.high <= 1
    assert bootstrap_auc(labels, scores, rounds=200, seed=1) == interval
    assert bootstrap_auc(labels, scores, rounds=200, seed=2) != interval


def test_the_bootstrap_interval_narrows_with_more_images() -> None:
    few, many = (bootstrap_auc(*two_clouds(count), rounds=300) for count in (40, 1000))
    assert many.high - many.low < 0.5 * (few.high - few.low)


def test_the_bootstrap_interval_is_as_wide_as_theory_says() -> None:
    """Hanley and McNeil's standard error of an AUC."""
    labels, scores = two_clouds(400)
    value, low, high = bootstrap_auc(labels, scores, rounds=500)
    own, both = value / (2 - value), 2 * value**2 / (1 + value)
    error = np.sqrt((value * (1 - value) + 199 * (own - value**2) + 199 * (both - value**2)) / 200**2)
    assert high - low == pytest.approx(2 * 1.96 * error, rel=0.15)


def test_the_bootstrap_interval_lies_around_the_value_where_scores_are_tied() -> None:
    labels, scores = two_clouds(1000)
    value, low, high = bootstrap_auc(labels, np.round(scores), rounds=300)
    assert (low + high) / 2 == pytest.approx(value, abs=0.01)


@pytest.mark.parametrize(("normals", "below"), [(7, 4), (8, 5)])
def test_the_bootstrap_interval_of_one_abnormal_image_is_a_binomial_one(normals: int, below: int) -> None:
    """Each normal image that is drawn scores below the abnormal one with the same probability."""
    labels, scores = [0] * normals + [1], [*range(normals), below - 0.5]
    found = bootstrap_auc(labels, scores, rounds=200_000)
    low, high = binom.ppf([0.025, 0.975], normals, below / normals) / normals
    assert tuple(found) == pytest.approx((below / normals, low, high))


def test_one_round_is_a_drawing_too_and_stored_intervals_are_of_a_thousand_with_seed_0() -> None:
    labels, scores = two_clouds(60)
    once = bootstrap_auc(labels, scores, rounds=1)
    assert once.low == once.high
    assert bootstrap_auc(labels, scores) == bootstrap_auc(labels, scores, rounds=1000, seed=0)


def test_separated_scores_have_an_interval_of_no_width() -> None:
    assert tuple(bootstrap_auc([0, 0, 1, 1], [1, 2, 3, 4], rounds=50)) == (1.0, 1.0, 1.0)
    assert tuple(bootstrap_auc([0, 0, 1, 1], [1, 1, 1, 1], rounds=50)) == (0.5, 0.5, 0.5)
