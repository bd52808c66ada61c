"""Two samples: 0.5 where they are one distribution, 1 where they are apart, and an interval that means what it says."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from squidlib.benchmark.two_sample import nearest_own_share, two_sample_auc


def normal(seed: int, positions: int = 6, points: int = 40, length: int = 5) -> Tensor:
    return torch.randn(positions, points, length, generator=torch.Generator().manual_seed(seed))


def test_the_interval_covers_one_half_in_about_95_per_cent_of_repetitions() -> None:
    rounds = [two_sample_auc(normal(2 * seed), normal(2 * seed + 1), seed) for seed in range(60)]
    covered = sum(found.low <= 0.5 <= found.high for found in rounds)
    assert 53 <= covered <= 60  # 57 are expected; the binomial deviation is 1.7
    mean = sum(found.value for found in rounds) / len(rounds)
    assert abs(mean - 0.5) < 0.02  # unbiased; pooled cross-validation would lie below


def test_more_dimensions_than_points_do_not_make_a_difference_where_there_is_none() -> None:
    found = two_sample_auc(normal(0, 9, 60, 256), normal(1, 9, 60, 256), 0)
    assert found.low < 0.5 < found.high


def test_shifted_samples_are_told_apart_and_more_so_the_further() -> None:
    left, right = normal(0), normal(1)
    found = [two_sample_auc(left, right + shift, 0).value for shift in (0.2, 0.6, 3.0)]
    assert found == sorted(found)
    assert found[-1] > 0.999


def test_unequal_numbers_of_points_are_no_difference() -> None:
    found = two_sample_auc(normal(0, 9, 200), normal(1, 9, 30), 0)
    assert found.low < 0.5 < found.high


def test_left_and_right_can_change_places() -> None:
    left, right = normal(0), normal(1) + 0.3
    there, back = two_sample_auc(left, right, 3), two_sample_auc(right, left, 3)
    assert list(there) == pytest.approx(list(back), abs=0.01)  # the solver stops where it is near enough


def test_the_seed_decides() -> None:
    left, right = normal(0), normal(1) + 0.3
    assert two_sample_auc(left, right, 3) == two_sample_auc(left, right, 3)
    assert two_sample_auc(left, right, 3) != two_sample_auc(left, right, 4)


def test_the_interval_holds_the_value_and_lies_in_0_to_1() -> None:
    for shift in (0.0, 1.0, 9.0):
        found = two_sample_auc(normal(0, 3, 8), normal(1, 3, 8) + shift, 0)
        assert 0 <= found.low <= found.value <= found.high <= 1


def test_features_that_never_speak_do_no_harm() -> None:
    left, right = normal(0), normal(1)
    left[..., 0] = right[..., 0] = 0.0
    assert 0 < two_sample_auc(left, right, 0).value < 1


@pytest.mark.parametrize(
    ("left", "right", "words"),
    [
        (normal(0), normal(1, length=6), "got .6, 40, 5. and .6, 40, 6."),
        (normal(0), normal(1, positions=7), "expected"),
        (normal(0, positions=1), normal(1, positions=1), "at least 2 positions, got 1"),
        (normal(0, points=3), normal(1), "at least 4 points a side are needed, got 3 and 40"),
        (normal(0) / 0, normal(1), "finite"),
    ],
)
def test_what_cannot_be_compared_is_named(left: Tensor, right: Tensor, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        two_sample_auc(left, right, 0)


def test_nearest_own_share_is_one_where_apart_and_about_half_where_mixed() -> None:
    left, right = normal(0, 1, 400)[0], normal(1, 1, 400)[0]
    assert float(nearest_own_share(left, right + 100)) == 1
    assert abs(float(nearest_own_share(left, right)) - 0.5) < 0.06


def test_nearest_own_share_sees_a_difference_in_spread_that_the_classifier_does_not() -> None:
    left, right = normal(0, 6, 200, 20), 0.3 * normal(1, 6, 200, 20)
    found = two_sample_auc(left, right, 0)
    assert found.low < 0.5 < found.high
    assert abs(float(nearest_own_share(left[0], right[0])) - 0.5) > 0.05


def test_nearest_own_share_by_hand() -> None:
    left, right = torch.tensor([[0.0], [1.0], [5.0]]), torch.tensor([[5.5], [9.0], [9.5]])
    assert float(nearest_own_share(left, right)) == pytest.approx(4 / 6)  # 5 and 5.5 are each other's nearest


def test_nearest_own_share_refuses_unequal_numbers() -> None:
    with pytest.raises(ValueError, match="as many points left as right"):
        nearest_own_share(torch.zeros(3, 2), torch.zeros(4, 2))
