"""SSIM: how alike two images are in brightness, contrast and structure, window by window.

Papers: Wang et al., "Image quality assessment: from error visibility to structural similarity", IEEE TIP 2004, eq. 13;
Wang et al., "Multi-scale structural similarity", Asilomar 2003, eq. 7 (the exponents found there by asking people).

In every 11x11 Gaussian window (standard deviation 1.5) of both images, with their means m, variances v, covariance c:
brightness = (2 m m' + C1) / (m^2 + m'^2 + C1), structure = (2 c + C2) / (v + v' + C2), SSIM = brightness * structure.
MS-SSIM multiplies the structure of several scales, each half the size of the one before, and the last one's brightness.

Differs from the papers: images too small for five scales use the first ones only, their exponents made to sum to 1
again; a scale whose mean structure is negative counts as ``FLOOR``, for a fractional power of it does not exist.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

WINDOW, STD = 11, 1.5  #: pixels
C1, C2 = 0.01**2, 0.03**2  #: for images in 0..1
EXPONENTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)  #: of the scales, finest first
FLOOR = 1e-4


def _windows(side: int, like: Tensor) -> Float[Tensor, "h H"]:
    """Row k holds the weights of window k along a side: multiplied from both sides, they are what F.conv2d gives.

    Two products with such a band were several times as fast as the convolution with one channel on a CPU.
    """
    positions = torch.arange(side, device=like.device, dtype=like.dtype)
    starts = positions[: side - WINDOW + 1, None]
    offsets = positions - starts - WINDOW // 2
    weights = torch.exp(-(offsets**2) / (2 * STD**2)).where(offsets.abs() <= WINDOW // 2, 0.0)
    return weights / weights.sum(1, keepdim=True)


def _means(images: Float[Tensor, "N C H W"]) -> Float[Tensor, "N C h w"]:
    """Gaussian means of all windows that lie wholly inside the image."""
    return _windows(images.shape[-2], images) @ images @ _windows(images.shape[-1], images).T


def _brightness_and_structure(
    images: Float[Tensor, "B C H W"], others: Float[Tensor, "B C H W"]
) -> tuple[Float[Tensor, "B C h w"], Float[Tensor, "B C h w"]]:
    """The two factors of every window, the second in -1..1."""
    if images.shape != others.shape or min(images.shape[-2:]) < WINDOW:
        raise ValueError(
            f"two batches of one shape, sides at least {WINDOW}, expected; "
            f"got {tuple(images.shape)} and {tuple(others.shape)}"
        )
    parts = torch.cat([images, others, images**2, others**2, images * others])
    mean, other_mean, square, other_square, product = _means(parts).chunk(5)
    variances = square - mean**2 + other_square - other_mean**2
    brightness = (2 * mean * other_mean + C1) / (mean**2 + other_mean**2 + C1)
    structure = (2 * (product - mean * other_mean) + C2) / (variances + C2)
    return brightness, structure


def ssim(images: Float[Tensor, "B C H W"], others: Float[Tensor, "B C H W"]) -> Float[Tensor, "B"]:
    """Mean SSIM of each pair: 1 for equal images, at least -1; differentiable.

    Raises:
        ValueError: where the shapes differ or a side is shorter than the window.
    """
    brightness, structure = _brightness_and_structure(images, others)
    return (brightness * structure).mean(dim=(1, 2, 3))


def ms_ssim(images: Float[Tensor, "B C H W"], others: Float[Tensor, "B C H W"]) -> Float[Tensor, "B"]:
    """MS-SSIM of each pair: 1 for equal images, above 0; differentiable. Five scales from 176 pixels up.

    Raises:
        ValueError: where the shapes differ or a side is shorter than the window.
    """
    scales = 1
    while scales < len(EXPONENTS) and min(images.shape[-2:]) >> scales >= WINDOW:
        scales += 1
    exponents = EXPONENTS[:scales]
    result = images.new_ones(len(images))
    for scale, exponent in enumerate(exponents):
        brightness, structure = _brightness_and_structure(images, others)
        factor = brightness * structure if scale == scales - 1 else structure
        result = result * factor.mean(dim=(1, 2, 3)).clamp(min=FLOOR) ** (exponent / sum(exponents))
        images, others = F.avg_pool2d(images, 2), F.avg_pool2d(others, 2)
    return result
