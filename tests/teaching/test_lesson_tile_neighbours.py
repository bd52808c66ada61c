"""Tile neighbours: the distance to normal tiles of the same place, in what is usual there; the worst tile counts."""

from __future__ import annotations

import pytest
import torch

from squidlib.baselines import Method
from squidlib.teaching.checks import own_method
from squidlib.teaching.lesson.tile_neighbours import NEIGHBOURS, TileNeighbours, described
from tests.helpers import noise


def test_it_is_a_method_and_passes_the_check_of_lesson_12() -> None:
    assert isinstance(TileNeighbours(), Method)
    assert own_method(TileNeighbours).passed


def test_a_tile_is_described_by_its_shape_and_not_by_its_brightness() -> None:
    images = noise(3, 24)
    images[0, :, :8, :8] = 0
    found = described(images)
    assert found.shape == (9, 3, 16)
    assert torch.allclose(described(0.5 * images), found, atol=1e-6)
    lengths = found.norm(dim=-1)
    assert lengths[0, 0] == 0
    assert torch.allclose(lengths[:, 1:], torch.ones(9, 2))


def test_scores_are_those_of_a_loop() -> None:
    normals, images = noise(20, 24, seed=1), noise(4, 24, seed=2)
    found = TileNeighbours().fit(normals).score(images)
    kept, asked = described(normals), described(images)
    for index in range(4):
        tiles = []
        for place in range(9):

            def near(vector: torch.Tensor, others: torch.Tensor) -> torch.Tensor:
                return (others - vector).norm(dim=1).sort().values[:NEIGHBOURS].mean()

            rows = range(20)
            usual = torch.stack([near(kept[place, i], kept[place, [j for j in rows if j != i]]) for i in rows])
            tiles.append((near(asked[place, index], kept[place]) - usual.mean()) / usual.std())
        assert found[index] == pytest.approx(float(max(tiles)), rel=1e-3, abs=1e-3)


def test_an_empty_tile_and_an_exchanged_one_are_far_from_normal() -> None:
    pattern = noise(1, 24, seed=5)
    normals = (pattern + 0.1 * noise(30, 24, seed=6)).clamp(0, 1)
    held_out = (pattern + 0.1 * noise(3, 24, seed=7)).clamp(0, 1)
    empty, exchanged = held_out.clone(), held_out.clone()
    empty[:, :, 8:16, 8:16] = 0
    exchanged[:, :, :8, :8] = held_out[:, :, 8:16, :8]
    method = TileNeighbours().fit(normals)
    assert min(method.score(empty).min(), method.score(exchanged).min()) > method.score(held_out).max() + 5


def test_too_few_normals_are_refused() -> None:
    with pytest.raises(ValueError, match="more than 5 normal images expected, got 5"):
        TileNeighbours().fit(noise(5, 24))
