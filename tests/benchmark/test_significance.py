"""The paired test: DeLong's placements and variance, its level and power where methods have several seeds; Holm."""

from __future__ import annotations

import numpy as np
import pytest

from squidlib.benchmark.significance import compare, holm, placements
from squidlib.detection.metrics import auc

LABELS = np.repeat([0, 1], [30, 20])


def kernel(scores: np.ndarray) -> np.ndarray:
    """(abnormal, normal): 1 where the abnormal image scores higher, 1/2 where equal."""
    abnormal, normal = scores[LABELS == 1][:, None], scores[LABELS == 0][None]
    return (abnormal > normal) + 0.5 * (abnormal == normal)


def drawn(seed: int, rows: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 9, (rows, len(LABELS))) + LABELS.astype(float)  # with ties


def test_placements_are_means_over_pairs() -> None:
    scores = drawn(0, 1)[0]
    found = placements(LABELS, scores)
    assert np.allclose(found.abnormal, kernel(scores).mean(1))
    assert np.allclose(found.normal, kernel(scores).mean(0))
    assert found.abnormal.mean() == pytest.approx(auc(LABELS, scores))
    assert found.normal.mean() == pytest.approx(auc(LABELS, scores))


def test_one_seed_is_delongs_test() -> None:
    first, second = drawn(1, 2)
    both = np.stack([kernel(first), kernel(second)])
    abnormal, normal = np.cov(both.mean(2)), np.cov(both.mean(1))  # (2, 2) each: their S10 and S01
    covariance = abnormal / 20 + normal / 30
    found = compare(LABELS, first[None], second[None])
    assert found.error == pytest.approx((covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]) ** 0.5)
    assert found.difference == pytest.approx(auc(LABELS, first) - auc(LABELS, second))


def test_the_difference_is_that_of_mean_aucs_and_turns_its_sign() -> None:
    first, second = drawn(2, 3), drawn(3, 2)
    found, turned = compare(LABELS, first, second), compare(LABELS, second, first)
    means = [np.mean([auc(LABELS, row) for row in rows]) for rows in (first, second)]
    assert found.difference == pytest.approx(means[0] - means[1])
    assert turned.difference == pytest.approx(-found.difference)
    assert turned.p == pytest.approx(found.p)


def test_a_method_is_not_different_from_itself() -> None:
    scores = drawn(4, 1)
    assert compare(LABELS, scores, scores) == (0.0, 0.0, 1.0)
    perfect = LABELS[None].astype(float)
    assert compare(LABELS, perfect, 2 * perfect).p == 1.0


def p_values(gain: float, trials: int = 200) -> np.ndarray:
    """Two methods of three seeds; images, and every training, differ from trial to trial."""
    generator = np.random.default_rng(5)
    found = []
    for _ in range(trials):
        shared = generator.normal(size=len(LABELS))  # an image is hard for both methods
        sides = []
        for extra in (gain, 0.0):
            skill = 1.2 + extra + 0.3 * generator.normal(size=(3, 1))  # of a training
            sides.append(skill * LABELS + shared + 0.7 * generator.normal(size=(3, len(LABELS))))
        found.append(compare(LABELS, *sides).p)
    return np.array(found)


def test_equal_methods_are_seldom_called_different_and_unequal_ones_often() -> None:
    equal = p_values(0.0)
    assert np.mean(equal < 0.05) < 0.07
    assert np.mean(equal < 0.5) > 0.25  # no p-value that says nothing
    assert np.mean(p_values(1.5, 60) < 0.05) > 0.6


def test_without_the_variance_between_seeds_equal_methods_would_be_called_different() -> None:
    generator = np.random.default_rng(6)
    many = np.repeat([0, 1], [2000, 2000])  # so many images that trainings alone differ
    wrong = 0
    for _ in range(40):
        sides = [
            (1 + 0.3 * generator.normal(size=(3, 1))) * many + generator.normal(size=(3, len(many))) for _ in range(2)
        ]
        wrong += compare(many, *sides).p < 0.05
    assert wrong <= 6


def test_two_images_of_a_class_are_needed() -> None:
    with pytest.raises(ValueError, match="two normal and two abnormal"):
        compare(np.array([0, 0, 1]), np.zeros((1, 3)), np.zeros((1, 3)))


def test_holm_multiplies_by_what_is_left_and_never_decreases() -> None:
    assert holm({"a": 0.01, "b": 0.04, "c": 0.03}) == pytest.approx({"a": 0.03, "b": 0.06, "c": 0.06})
    assert holm({"a": 0.6, "b": 0.7}) == {"a": 1.0, "b": 1.0}
    assert list(holm({"x": 0.5, "y": 0.1})) == ["x", "y"]
    assert holm({}) == {}
