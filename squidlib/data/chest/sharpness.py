"""Soften: blur every image by a width of its own; ``gradient`` says how sharp an image is.

Blurring only: what a soft image has lost cannot be brought back.

Matching: give all images the same sharpness and exposure, so that neither can tell a normal one from an abnormal.

Blurring only takes away: an image that is softer than the common level already stays as it is, and is counted.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

REACH = 3.0  #: the kernel ends at so many widths


def soften(images: Float[Tensor, "B 1 H W"], widths: Float[Tensor, "B"]) -> Float[Tensor, "B 1 H W"]:
    """Gaussian blur; beyond the border the border's own pixels go on.

    Args:
        widths: standard deviation for each image, in pixels, >= 0; 0 changes nothing.

    Raises:
        ValueError: where a width is negative.
    """
    if not len(images):
        return images.clone()
    if float(widths.min()) < 0:
        raise ValueError(f"widths of at least 0 pixels expected, got {float(widths.min()):g}; nothing can be sharpened")
    reach = int(torch.ceil(REACH * widths.max()))
    offsets = torch.arange(-reach, reach + 1, device=images.device)
    # A width of 0 would divide by 0; at this one the neighbours' weights are 0 in float32. Each kernel ends at its own
    # reach, so that an image does not depend on those beside it.
    kernels = torch.exp(-0.5 * (offsets / widths.clamp(min=0.05)[:, None]) ** 2)
    kernels = kernels * (offsets.abs() <= torch.ceil(REACH * widths)[:, None])
    kernels = (kernels / kernels.sum(1, keepdim=True)).to(images.dtype)
    stacked = F.pad(images, (reach, reach, reach, reach), mode="replicate").transpose(0, 1)  # (1, B, H + 2r, W + 2r)
    across = F.conv2d(stacked, kernels[:, None, None, :], groups=len(images))
    return F.conv2d(across, kernels[:, None, :, None], groups=len(images)).transpose(0, 1)


def gradient(images: Float[Tensor, "B 1 H W"]) -> Float[Tensor, "B"]:
    """Mean absolute difference of horizontal neighbours: large where an image is sharp."""
    return images.diff(dim=-1).abs().mean(dim=(1, 2, 3))


WIDEST = 16.0  #: pixels; nothing is blurred more than that
ROUNDS = 17  #: halvings of 0..WIDEST: the width is found to about 1e-4 pixels
BATCH = 64  #: images that are blurred at once


class Matched(NamedTuple):
    """Images (B, 1, H, W) in 0..1 in the order they came; the blur of each in pixels; which were too soft already.

    ``missed`` are those that even the widest blur leaves too sharp.
    """

    images: Float[Tensor, "B 1 H W"]
    widths: Float[Tensor, "B"]
    soft: Bool[Tensor, "B"]
    missed: Bool[Tensor, "B"]


def match_sharpness(
    images: Float[Tensor, "B 1 H W"], level: float, then: Callable[[Tensor], Tensor] = lambda images: images
) -> Matched:
    """Blur every image, each by a Gaussian of its own, until its mean |x(i, j+1) - x(i, j)| is ``level``.

    The width is found by bisection, for a wider blur leaves a smaller gradient.

    Args:
        images: in 0..1.
        level: the common mean gradient, > 0. An image below it is not blurred: without ``then`` it stays as it is, to
            the last bit.
        then: what is done to the blurred images, such as ``match_exposure``; the gradient is that of its result.

    Raises:
        ValueError: where the level is not positive.
    """
    if not level > 0:
        raise ValueError(f"a mean gradient above 0 expected, got {level}")
    parts = [_match(batch, level, then) for batch in images.split(BATCH)]
    return Matched(*(torch.cat(column) for column in zip(*parts, strict=True)))


def _match(images: Tensor, level: float, then: Callable[[Tensor], Tensor]) -> Matched:
    untouched = then(images)
    soft = gradient(untouched) <= level
    low = torch.zeros(len(images), device=images.device)
    high = torch.full_like(low, WIDEST)
    missed = ~soft & (gradient(then(soften(images, high))) > level)
    for _ in range(ROUNDS):
        middle = (low + high) / 2
        too_sharp = gradient(then(soften(images, middle))) > level
        low, high = torch.where(too_sharp, middle, low), torch.where(too_sharp, high, middle)
    widths = torch.where(soft, 0.0, (low + high) / 2)
    blurred = torch.where(soft[:, None, None, None], untouched, then(soften(images, widths)))
    return Matched(blurred, widths, soft, missed)


def match_exposure(images: Float[Tensor, "B 1 H W"], mean: float, deviation: float) -> Float[Tensor, "B 1 H W"]:
    """Shift and scale the intensities of every image to this mean and standard deviation, then clip to 0..1.

    Clipping moves both a little where an image has much black or white. An image of one grey becomes one of ``mean``.
    """
    own = images.mean(dim=(1, 2, 3), keepdim=True)
    spread = images.std(dim=(1, 2, 3), keepdim=True, unbiased=False)
    scale = torch.where(spread > 0, deviation / spread.clamp(min=torch.finfo(spread.dtype).tiny), 0.0)
    return ((images - own) * scale + mean).clamp(0, 1)
