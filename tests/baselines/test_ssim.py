"""SSIM and MS-SSIM against loops in numpy, and what they must say of images one can foresee."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from squidlib.baselines.ssim import EXPONENTS, FLOOR, ms_ssim, ssim
from tests.helpers import noise

Likeness = Callable[[Tensor, Tensor], Tensor]
both = pytest.mark.parametrize("likeness", [ssim, ms_ssim])
Array = NDArray[np.float64]


def windows_by_hand(one: Array, other: Array) -> tuple[Array, Array]:
    """SSIM and its structure of each window, from the definitions of weighted mean, variance and covariance."""
    progress = np.arange(11) - 5
    weights = np.exp(-(progress[:, None] ** 2 + progress[None] ** 2) / (2 * 1.5**2))
    weights /= weights.sum()
    whole, structure = [], []
    for i in range(one.shape[0] - 10):
        for j in range(one.shape[1] - 10):
            a, b = one[i : i + 11, j : j + 11], other[i : i + 11, j : j + 11]
            mean, other_mean = (weights * a).sum(), (weights * b).sum()
            variance, other_variance = (weights * (a - mean) ** 2).sum(), (weights * (b - other_mean) ** 2).sum()
            covariance = (weights * (a - mean) * (b - other_mean)).sum()
            structure.append((2 * covariance + 9e-4) / (variance + other_variance + 9e-4))
            whole.append(structure[-1] * (2 * mean * other_mean + 1e-4) / (mean**2 + other_mean**2 + 1e-4))
    return np.array(whole), np.array(structure)


def halved(image: Array) -> Array:
    height, width = (side // 2 * 2 for side in image.shape)
    return image[:height, :width].reshape(height // 2, 2, width // 2, 2).mean((1, 3))


def pairs(size: int) -> tuple[Tensor, Tensor]:
    """Three images and three that resemble them less and less."""
    images = noise(3, size)
    amounts = torch.tensor([0.1, 0.3, 0.6]).view(3, 1, 1, 1)
    return images, (1 - amounts) * images + amounts * noise(3, size, seed=1)


def test_ssim_is_its_formula_window_by_window() -> None:
    images, others = pairs(17)
    by_hand = [
        windows_by_hand(*(x.double().numpy()[0] for x in pair))[0].mean() for pair in zip(images, others, strict=True)
    ]
    np.testing.assert_allclose(ssim(images, others).numpy(), by_hand, rtol=1e-3)


@pytest.mark.parametrize(("size", "scales"), [(16, 1), (24, 2), (45, 3)])
def test_ms_ssim_multiplies_as_many_scales_as_fit(size: int, scales: int) -> None:
    images, others = pairs(size)
    for image, other, value in zip(images, others, ms_ssim(images, others), strict=True):
        one, two = image[0].double().numpy(), other[0].double().numpy()
        by_hand, total = 1.0, sum(EXPONENTS[:scales])
        for scale in range(scales):
            whole, structure = windows_by_hand(one, two)
            by_hand *= (whole if scale == scales - 1 else structure).mean() ** (EXPONENTS[scale] / total)
            one, two = halved(one), halved(two)
        assert float(value) == pytest.approx(by_hand, rel=1e-3)


@both
@pytest.mark.parametrize("size", [24, 96, 180])
def test_equal_images_give_one_and_the_order_does_not_matter(likeness: Likeness, size: int) -> None:
    images, others = pairs(size)
    torch.testing.assert_close(likeness(images, images), torch.ones(3))
    torch.testing.assert_close(likeness(images, others), likeness(others, images))


@both
def test_less_contrast_other_brightness_and_other_structure_each_lower_it(likeness: Likeness) -> None:
    images = noise(2, 48)
    paler = (0.5 + 0.4 * (images - 0.5), 0.5 + 0.1 * (images - 0.5))
    darker = (images * 0.5, images * 0.5 + 0.3)
    for worse in (*paler, *darker, pairs(48)[1][:2]):
        assert (likeness(images, worse) < 0.99).all()
    assert (likeness(images, paler[1]) < likeness(images, paler[0])).all()
    different = likeness(*pairs(48))
    assert different[0] > different[1] > different[2]


def test_opposites_are_below_zero_in_ssim_and_finite_in_ms_ssim() -> None:
    images = noise(2, 48)
    assert (ssim(images, 1 - images) < -0.9).all()
    opposite = (1 - images).requires_grad_()
    value = ms_ssim(images, opposite)
    assert ((value >= FLOOR) & (value < 0.01)).all()
    value.sum().backward()
    assert torch.isfinite(opposite.grad).all()  # type: ignore[arg-type]


@both
def test_climbing_its_gradient_makes_an_image_more_alike(likeness: Likeness) -> None:
    images, others = pairs(32)
    moved = others.clone().requires_grad_()
    before = likeness(images, moved)
    before.sum().backward()
    after = likeness(images, others + 0.3 * moved.grad)  # type: ignore[operator]
    assert (after > before).all()


@both
def test_an_image_smaller_than_the_window_is_named(likeness: Likeness) -> None:
    with pytest.raises(ValueError, match=r"at least 11, expected; got \(1, 1, 10, 20\)"):
        likeness(noise(1, 20)[:, :, :10], noise(1, 20)[:, :, :10])
