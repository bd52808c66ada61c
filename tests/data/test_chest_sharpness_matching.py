"""Matching: blurred to the level and no further, soft images are left alone, order and exposure are as asked."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from squidlib.data.chest.sharpness import BATCH, gradient, match_exposure, match_sharpness, soften
from tests.helpers import noise


def images(count: int = 8) -> Tensor:
    """Noise, each image softer than the one before."""
    return soften(noise(count, 32), torch.linspace(0, 2.5, count))


def test_every_sharper_image_is_brought_to_the_level() -> None:
    sharp, level = images(), 0.03
    assert bool((gradient(sharp) > level).any())
    found = match_sharpness(sharp, level)
    wanted = torch.minimum(gradient(sharp), torch.full((8,), level))
    assert torch.allclose(gradient(found.images), wanted, atol=1e-5)
    assert torch.equal(found.soft, gradient(sharp) <= level)
    assert torch.equal(found.widths == 0, found.soft)
    assert not found.missed.any()
    assert found.widths[0] > found.widths[2] > found.widths[3]  # the sharper, the more it takes


def test_an_image_below_the_level_is_unchanged() -> None:
    soft = images()
    found = match_sharpness(soft, float(gradient(soft)[4]) * 1.0001)
    assert found.soft.tolist() == [False] * 4 + [True] * 4
    assert torch.equal(found.images[4:], soft[4:])
    assert not torch.equal(found.images[:4], soft[:4])


def test_the_order_stays_and_each_image_is_matched_by_itself() -> None:
    many = noise(BATCH + 3, 16)
    whole = match_sharpness(many, 0.05)
    for place in (0, BATCH - 1, BATCH, BATCH + 2):
        alone = match_sharpness(many[place : place + 1], 0.05)
        assert torch.allclose(whole.images[place], alone.images[0], atol=1e-5)
    turned = match_sharpness(many.flip(0), 0.05)
    assert torch.allclose(turned.images.flip(0), whole.images, atol=1e-5)


def test_what_no_blur_can_soften_is_told() -> None:
    halves = torch.zeros(1, 1, 32, 32)
    halves[..., 16:] = 1  # an edge stays an edge: its gradient sums to one in every row
    found = match_sharpness(halves, 0.001)
    assert found.missed.tolist() == [True]
    assert not match_sharpness(halves, 0.5).missed.any()


@pytest.mark.parametrize("level", [0.0, -1.0, float("nan")])
def test_a_level_that_cannot_be_reached_is_refused(level: float) -> None:
    with pytest.raises(ValueError, match="above 0"):
        match_sharpness(images(), level)


def test_exposure_is_as_asked_where_nothing_is_clipped() -> None:
    dark = noise(5, 32) * torch.linspace(0.1, 0.9, 5)[:, None, None, None]
    changed = match_exposure(dark, 0.5, 0.1)
    assert torch.allclose(changed.mean(dim=(1, 2, 3)), torch.full((5,), 0.5), atol=1e-5)
    assert torch.allclose(changed.std(dim=(1, 2, 3), unbiased=False), torch.full((5,), 0.1), atol=1e-5)
    assert torch.equal(dark.flatten(1).argmax(1), changed.flatten(1).argmax(1))


def test_sharpness_and_exposure_are_matched_together() -> None:
    found = match_sharpness(noise(6, 32), 0.03, lambda batch: match_exposure(batch, 0.5, 0.1))
    assert not found.soft.any()
    assert torch.allclose(gradient(found.images), torch.full((6,), 0.03), atol=1e-5)
    assert torch.allclose(found.images.mean(dim=(1, 2, 3)), torch.full((6,), 0.5), atol=1e-3)
    assert torch.allclose(found.images.std(dim=(1, 2, 3)), torch.full((6,), 0.1), atol=1e-3)


def test_exposure_is_clipped_to_0_to_1_and_a_flat_image_stays_flat() -> None:
    clipped = match_exposure(noise(3, 16), 0.5, 2.0)
    assert (float(clipped.min()), float(clipped.max())) == (0.0, 1.0)
    assert torch.equal(match_exposure(torch.zeros(1, 1, 8, 8), 0.25, 0.1), torch.full((1, 1, 8, 8), 0.25))
