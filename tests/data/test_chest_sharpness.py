"""Softening: each image by its own width, never sharper."""

from __future__ import annotations

import pytest
import torch

from squidlib.data.chest.sharpness import gradient, soften
from tests.helpers import noise


def test_no_width_changes_nothing() -> None:
    images = noise(3, 20)
    assert torch.allclose(soften(images, torch.zeros(3)), images, atol=1e-6)
    assert soften(images[:0], torch.zeros(0)).shape == (0, 1, 20, 20)


def test_each_image_gets_its_own_width() -> None:
    images = noise(1, 24).expand(3, 1, 24, 24)
    softer = soften(images, torch.tensor([0.0, 0.8, 2.0]))
    assert gradient(softer).diff().max() < 0
    assert torch.allclose(softer[1:2], soften(images[1:2], torch.tensor([0.8])), atol=1e-5)


def test_flat_areas_keep_their_grey_up_to_the_border() -> None:
    flat = torch.full((1, 1, 12, 12), 0.7)
    assert torch.allclose(soften(flat, torch.tensor([3.0])), flat, atol=1e-5)


@pytest.mark.parametrize("width", [0.8, 2.5])
def test_a_width_is_the_deviation_of_a_blurred_point(width: float) -> None:
    point = torch.zeros(1, 1, 41, 41)
    point[0, 0, 20, 20] = 1
    blurred = soften(point, torch.tensor([width]))[0, 0]
    offsets = torch.arange(41) - 20.0
    assert float(blurred.sum()) == pytest.approx(1, abs=1e-4)
    for along in (0, 1):
        assert float((blurred.sum(along) * offsets**2).sum().sqrt()) == pytest.approx(width, rel=0.03)


def test_an_image_does_not_depend_on_those_beside_it() -> None:
    images = noise(2, 24)
    alone = soften(images[:1], torch.tensor([1.0]))
    beside = soften(images, torch.tensor([1.0, 3.0]))[:1]
    assert torch.allclose(alone, beside, atol=1e-6)


def test_what_cannot_be_done_is_refused() -> None:
    with pytest.raises(ValueError, match="nothing can be sharpened"):
        soften(noise(1, 8), torch.tensor([-1.0]))
