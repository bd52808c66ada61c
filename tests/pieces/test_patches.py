"""Patches: inverse pairs, places, and a centre that cannot see itself."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from squidlib.patches import cut, join, neighbours

SIDES = st.tuples(st.integers(1, 5), st.integers(1, 5))


@given(grid=SIDES, size=SIDES, channels=st.integers(1, 3), batch=st.integers(1, 3))
@settings(deadline=None, max_examples=25)
def test_join_undoes_cut(grid: tuple[int, int], size: tuple[int, int], channels: int, batch: int) -> None:
    images = torch.rand(batch, channels, grid[0] * size[0], grid[1] * size[1])
    patches = cut(images, grid)
    assert patches.shape == (batch, grid[0] * grid[1], channels, *size)
    assert torch.equal(join(patches, grid), images)


@given(grid=st.integers(1, 5))
def test_one_number_is_a_square_grid(grid: int) -> None:
    images = torch.rand(1, 1, 2 * grid, 2 * grid)
    assert torch.equal(cut(images, grid), cut(images, (grid, grid)))


def test_patches_come_in_reading_order() -> None:
    image = torch.arange(9.0).reshape(1, 1, 3, 3)
    assert cut(image, 3).flatten().tolist() == list(range(9))


def test_patches_of_two_rows_and_three_columns_come_in_reading_order() -> None:
    image = torch.tensor([[[[0.0, 1, 2], [3, 4, 5]]]])
    assert cut(image, (2, 3)).flatten().tolist() == [0, 1, 2, 3, 4, 5]
    around = neighbours(torch.arange(1.0, 7).reshape(1, 6, 1), (2, 3))[0, :, :, 0]
    assert around[1].tolist() == [0, 0, 0, 1, 3, 4, 5, 6]  # top middle: nothing above it
    assert around[5].tolist() == [2, 3, 0, 5, 0, 0, 0, 0]  # bottom right


def test_each_patch_sees_the_places_around_it_in_reading_order() -> None:
    tokens = torch.arange(1.0, 10).reshape(1, 9, 1)
    around = neighbours(tokens, 3)[0, :, :, 0]
    assert around[4].tolist() == [1, 2, 3, 4, 6, 7, 8, 9]
    assert around[0].tolist() == [0, 0, 0, 0, 2, 0, 4, 5]  # a corner: zeros where the grid ends
    assert around[5].tolist() == [2, 3, 0, 5, 0, 8, 9, 0]


@pytest.mark.parametrize("grid", [2, 3, 4])
def test_a_patch_cannot_reach_its_own_neighbour_set(grid: int) -> None:
    tokens = torch.rand(1, grid * grid, 2, requires_grad=True)
    for position in range(grid * grid):
        (gradient,) = torch.autograd.grad(neighbours(tokens, grid)[0, position].sum(), tokens)
        assert gradient[0, position].abs().sum() == 0
        assert gradient.abs().sum() > 0


def test_a_grid_that_does_not_fit_is_named() -> None:
    with pytest.raises(ValueError, match=r"3x3 grid.*got 8x9"):
        cut(torch.rand(1, 1, 8, 9), 3)
    with pytest.raises(ValueError, match="needs 9 patches, got 4"):
        join(torch.rand(1, 4, 1, 2, 2), 3)
    with pytest.raises(ValueError, match="needs 4 tokens, got 9"):
        neighbours(torch.rand(1, 9, 2), 2)
