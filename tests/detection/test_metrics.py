"""Metrics against small cases worked out by hand, brute force and invariances."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from squidlib.detection.metrics import (
    auc,
    bootstrap_auc,
    decide,
    oracle_threshold,
    pixel_auc,
    threshold_at,
    worst_patch_hits,
)

Labelled = tuple[list[int], list[float]]


@st.composite
def labelled_scores(draw: st.DrawFn, finite: st.SearchStrategy[float] | None = None) -> Labelled:
    """2 to 15 images of both classes, scores with many ties."""
    count = draw(st.integers(2, 15))
    labels = draw(
        st.lists(st.integers(0, 1), min_size=count, max_size=count).filter(lambda them: 0 < sum(them) < count)
    )
    score = st.integers(-3, 3).map(float) if finite is None else finite
    return labels, draw(st.lists(score, min_size=count, max_size=count))


@pytest.mark.parametrize(
    ("labels", "scores", "expected"),
    [
        ([0, 0, 1, 1], [0.1, 0.2, 0.3, 0.4], 1.0),
        ([0, 0, 1, 1], [0.4, 0.3, 0.2, 0.1], 0.0),
        ([0, 1], [1.0, 1.0], 0.5),
        ([0, 0, 1, 1], [0.1, 0.3, 0.2, 0.4], 0.75),
        ([0, 0, 1, 1], [0.1, 0.3, 0.3, 0.4], 0.875),
        ([False, True, True], [0.0, -1.0, 1.0], 0.5),
    ],
)
def test_auc_of_small_cases(labels: list[int], scores: list[float], expected: float) -> None:
    assert auc(labels, scores) == pytest.approx(expected)


@settings(deadline=None, max_examples=50)
@given(data=labelled_scores())
def test_auc_is_the_share_of_pairs_in_the_right_order_with_ties_half(data: Labelled) -> None:
    labels, scores = (np.array(part) for part in data)
    pairs = np.sign(scores[labels == 1][:, None] - scores[labels == 0][None])
    assert auc(labels, scores) == pytest.approx((pairs + 1).mean() / 2)


@settings(deadline=None, max_examples=30)
@given(data=labelled_scores(), factor=st.floats(0.1, 10), shift=st.floats(-5, 5))
def test_auc_is_invariant_under_monotone_maps_and_mirrored_by_a_falling_one(
    data: Labelled, factor: float, shift: float
) -> None:
    labels, scores = data[0], np.array(data[1])
    assert auc(labels, np.exp(factor * scores) + shift) == pytest.approx(auc(labels, scores))
    assert auc(labels, -(scores**3)) == pytest.approx(1 - auc(labels, scores))


@settings(deadline=None, max_examples=30)
@given(rate=st.floats(0.01, 0.99), count=st.integers(1, 300), seed=st.integers(0, 100))
def test_the_asked_share_of_calibration_normals_exceeds_the_threshold(rate: float, count: int, seed: int) -> None:
    scores = np.random.default_rng(seed).permutation(count).astype(float)
    assert abs(np.sum(scores > threshold_at(scores, rate)) - rate * count) <= 1


def test_the_threshold_of_known_scores() -> None:
    assert threshold_at(np.arange(101), 0.05) == pytest.approx(95)
    assert threshold_at([3.0], 0.5) == 3


def test_a_threshold_of_single_precision_is_computed_in_double() -> None:
    scores = np.array([0.1, 0.7], dtype=np.float32)
    assert threshold_at(scores, 0.5) == pytest.approx((float(scores[0]) + float(scores[1])) / 2, rel=1e-12)


def test_a_decision_of_a_hand_made_confusion_matrix() -> None:
    labels = [1] * 5 + [0] * 10
    scores = [2.0, 2, 2, 1, 0] + [2.0, 2] + [0.0] * 8  # 3 hits, 2 misses (one of them on the threshold), 2 false alarms
    decision = decide(labels, scores, threshold=1.0)
    assert decision.threshold == 1
    assert decision.accuracy == pytest.approx(11 / 15)
    assert decision.f1 == pytest.approx(6 / (6 + 2 + 2))
    assert decision.sensitivity == pytest.approx(3 / 5)
    assert decision.specificity == pytest.approx(8 / 10)


def test_scores_of_single_precision_are_compared_in_double() -> None:
    scores = np.array([0.05, 0.1], dtype=np.float32)
    assert float(scores[1]) > 0.1  # the nearest number of single precision is a little higher
    assert decide([0, 1], scores, 0.1).sensitivity == 1


def test_decisions_at_the_extremes() -> None:
    everything, nothing = decide([0, 1, 1], [1, 2, 3], 0.0), decide([0, 1, 1], [1, 2, 3], 3.0)
    assert everything[1:] == pytest.approx((2 / 3, 0.8, 1, 0))
    assert nothing[1:] == pytest.approx((1 / 3, 0, 0, 1))


@settings(deadline=None, max_examples=100)
@given(data=labelled_scores())
def test_the_oracle_threshold_has_the_best_accuracy_there_is(data: Labelled) -> None:
    best = max(decide(*data, cut).accuracy for cut in [min(data[1]) - 1, *data[1]])
    assert decide(*data, oracle_threshold(*data)).accuracy == best


@settings(deadline=None, max_examples=50)
@given(data=labelled_scores(st.floats(-1e300, 1e300)))
def test_the_oracle_threshold_is_right_at_any_magnitude(data: Labelled) -> None:
    best = max(decide(*data, cut).accuracy for cut in [-np.inf, *data[1]])
    assert decide(*data, oracle_threshold(*data)).accuracy == best


def test_pixel_auc_is_the_auc_over_all_pixels_of_all_images() -> None:
    masks = np.array([[[True, False], [False, False]], [[False, True], [True, False]]])
    maps = np.random.default_rng(0).random((2, 2, 2))
    assert pixel_auc(masks, maps) == auc(masks.astype(int).ravel(), maps.ravel())
    assert pixel_auc(masks, masks + 0.5) == 1
    assert pixel_auc(masks, np.zeros_like(maps)) == 0.5


def test_a_hit_is_an_image_whose_highest_patch_is_a_wrong_one() -> None:
    wrong = [[True, False, False], [False, True, True], [False, False, True], [False, False, False]]
    scores = [[3.0, 2, 1], [0, 1, 5], [2, 1, 0], [1, 2, 3]]
    assert worst_patch_hits(wrong, scores).tolist() == [True, True, False, False]
    as_numbers = worst_patch_hits(np.array(wrong, dtype=int), scores)
    assert (~as_numbers).tolist() == [False, False, True, True]


@pytest.mark.parametrize("function", [auc, bootstrap_auc, oracle_threshold, lambda *both: decide(*both, 0.5)])
@pytest.mark.parametrize(
    ("labels", "scores", "text"),
    [
        ([0, 1, 1], [1.0, 2.0], r"shapes \(3,\) and \(2,\)"),
        ([[0], [1]], [[1.0], [2.0]], r"shapes \(2, 1\) and \(2, 1\)"),
        ([0, 1], [1.0, np.nan], "finite; got NaN"),
        ([0, 1], [1.0, np.inf], "finite; got NaN or infinity"),
        ([0, 0], [1.0, 2.0], r"both be present, got \[0\]"),
        ([1, 1], [1.0, 2.0], r"both be present, got \[1\]"),
        ([0, 2], [1.0, 2.0], r"both be present, got \[0, 2\]"),
        ([], [], r"both be present, got \[\]"),
    ],
)
def test_labels_and_scores_that_fit_no_metric_are_refused(function: Any, labels: Any, scores: Any, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        function(labels, scores)


@pytest.mark.parametrize("rate", [0.0, 1.0, -0.1, 5.0, float("nan")])
def test_a_rate_outside_0_to_1_is_refused(rate: float) -> None:
    with pytest.raises(ValueError, match=f"between 0 and 1, got {rate}"):
        threshold_at([1.0, 2.0], rate)


@pytest.mark.parametrize(("scores", "text"), [([], "at least one"), ([1.0, np.nan], "finite"), ([np.inf], "finite")])
def test_calibration_scores_that_set_no_threshold_are_refused(scores: list[float], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        threshold_at(scores, 0.05)


def test_other_bad_input_is_refused() -> None:
    with pytest.raises(ValueError, match="got NaN"):
        decide([0, 1], [0.0, 1.0], float("nan"))
    with pytest.raises(ValueError, match="got rounds=0"):
        bootstrap_auc([0, 1], [0.0, 1.0], rounds=0)
    with pytest.raises(ValueError, match=r"one shape expected, got \(2, 3\) and \(3, 2\)"):
        pixel_auc(np.eye(2, 3), np.zeros((3, 2)))
    with pytest.raises(ValueError, match=r"got \[0\]"):
        pixel_auc(np.zeros((2, 3)), np.zeros((2, 3)))
    with pytest.raises(ValueError, match=r"\(B, R\) arrays expected, got \(2, 9\) and \(2, 4\)"):
        worst_patch_hits(np.zeros((2, 9)), np.zeros((2, 4)))
    with pytest.raises(ValueError, match=r"\(B, R\) arrays expected, got \(9,\) and \(9,\)"):
        worst_patch_hits(np.zeros(9), np.zeros(9))
    with pytest.raises(ValueError, match="finite"):
        worst_patch_hits(np.zeros((1, 2)), np.array([[np.nan, 1.0]]))
