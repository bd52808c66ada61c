"""The share that the position explains: 1 where it says all, 0 where it says nothing, a mix between them."""

from __future__ import annotations

import pytest
import torch
from torch import Generator, Tensor

from squidlib.teaching.position import variance_by_position


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(shape, generator=Generator().manual_seed(seed))


def test_it_is_one_where_every_image_is_the_same() -> None:
    assert variance_by_position(noise(1, 9, 8, 8).expand(20, 9, 8, 8)) == pytest.approx(1, abs=1e-5)


def test_it_is_zero_where_every_place_shows_the_same() -> None:
    assert variance_by_position(noise(20, 1, 8, 8).expand(20, 9, 8, 8)) == pytest.approx(0, abs=1e-5)


def test_it_is_near_zero_for_tiles_in_random_order() -> None:
    assert 0 <= variance_by_position(noise(400, 9, 8, 8)) < 0.01


def test_three_quarters_of_the_variance_between_places_are_three_quarters() -> None:
    between = torch.tensor([-3.0, 3.0]).reshape(1, 2, 1, 1) / 3**0.5  # variance 3
    within = torch.tensor([-1.0, 1.0]).reshape(2, 1, 1, 1)  # variance 1
    assert variance_by_position(between + within) == pytest.approx(0.75)


def test_what_all_places_share_does_not_count() -> None:
    tiles = noise(30, 9, 8, 8)
    assert variance_by_position(tiles + 100 * noise(8, 8, seed=1)) == pytest.approx(
        variance_by_position(tiles), abs=1e-3
    )


def test_equal_tiles_are_refused() -> None:
    with pytest.raises(ValueError, match="tiles that differ"):
        variance_by_position(torch.ones(4, 9, 8, 8))
