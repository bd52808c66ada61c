"""Fitting: the one loop that trains every baseline network, so that they differ in network and loss alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

import torch
from jaxtyping import Float
from torch import Generator, Tensor

NetworkT = TypeVar("NetworkT", bound=torch.nn.Module)
Ticks = Callable[[int], Iterable[int]]  #: number of steps -> those steps, perhaps with a progress bar around them


def seeded(seed: int, build: Callable[[], NetworkT]) -> NetworkT:
    """``build()`` with weights that depend on ``seed`` alone; the global generator is left as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return build()


def batches(
    normals: Float[Tensor, "N 1 H W"], size: int, steps: int, seed: int, ticks: Ticks = range
) -> Iterable[Tensor]:
    """``steps`` batches of ``size`` images, drawn with replacement; the same seed draws the same.

    Raises:
        ValueError: where there is no image.
    """
    if not len(normals):
        raise ValueError("at least one normal image expected, got 0")
    generator = Generator().manual_seed(seed)
    for _ in ticks(steps):
        yield normals[torch.randint(len(normals), (size,), generator=generator)]


def in_batches(function: Callable[[Tensor], Tensor], images: Float[Tensor, "B 1 H W"], size: int = 128) -> Tensor:
    """``function`` of many images, a batch at a time, without gradients."""
    with torch.no_grad():
        return torch.cat([function(batch) for batch in images.split(size)])
