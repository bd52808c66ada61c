"""Matching: give all images the same sharpness and exposure, so that neither can tell a normal one from an abnormal.

Blurring only takes away: an image that is softer than the common level already stays as it is, and is counted.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from squidlib.chest.soften import gradient, soften

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
