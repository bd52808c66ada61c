"""HOG kNN: directions of edges, whatever the ink; distances in units of normal patches at the same position."""

from __future__ import annotations

import pytest
import torch

from digitanatomy import DigitAnatomy, GlyphSplit
from squidlib.baselines import GradientNeighbours
from squidlib.utils.errors import UserError
from tests.helpers import noise


@pytest.mark.parametrize(
    ("direction", "right", "down"), [(0, 1, 0), (1, 1, 1), (2, 0, 1), (4, -1, 0), (6, 0, -1), (7, 1, -1)]
)
def test_a_ramp_is_told_by_its_direction_alone(direction: int, right: int, down: int) -> None:
    rows, columns = torch.meshgrid(torch.arange(16.0), torch.arange(16.0), indexing="ij")
    image = ((right * columns + down * rows) / 64 + 0.5)[None, None]
    found = GradientNeighbours(1).histograms(image)[0, 0].unflatten(0, (8, 4, 4))[:, 1:3, 1:3]  # away from the border
    assert (found.sum((1, 2)) > 1e-4).tolist() == [number == direction for number in range(8)]


def test_ink_and_brightness_do_not_matter() -> None:
    method, images = GradientNeighbours(2).fit(noise(12, 32)), noise(5, 32, seed=1)
    expected = method.score(images)
    assert torch.allclose(method.score(0.3 * images + 0.2), expected, atol=1e-2)


def test_a_patch_that_is_in_the_memory_is_closer_than_any_normal_one_and_its_own_copy_tells_nothing() -> None:
    normals = noise(30, 32)
    method = GradientNeighbours(2, neighbours=1).fit(normals)
    assert (method.score(normals) < -1).all()  # its own copy is its neighbour
    fresh = method.score(noise(200, 32, seed=9))
    assert abs(float(fresh.mean())) < 2  # what normal means was told without the copies


def test_a_patch_is_compared_with_its_own_position(split: GlyphSplit) -> None:
    normals = DigitAnatomy(split.train, {"normal": 80}, seed=1).images()
    test = DigitAnatomy(split.test, {"normal": 60, "disorder": 60}, seed=2)
    scores = GradientNeighbours(3).fit(normals).score(test.images())
    assert float(scores[60:].median()) > float(scores[:60].quantile(0.9))


def test_an_image_without_edges_has_no_direction() -> None:
    method = GradientNeighbours(2).fit(noise(6, 32))
    blank = torch.zeros(2, 1, 32, 32)
    assert not method.histograms(blank).any()
    assert torch.isfinite(method.score(blank)).all()
    assert (method.score(blank) > method.score(noise(2, 32, seed=4))).all()


def test_as_many_images_as_neighbours_are_too_few_for_each_is_left_out_once() -> None:
    with pytest.raises(UserError, match="4"):
        GradientNeighbours(2, neighbours=3).fit(noise(3, 32))
