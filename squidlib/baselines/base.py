"""Method: the one interface behind which every detector can be compared.

The harness alone sees labels. A method learns from normal images, may take the statistics of its scores from other,
held-out normal images, and then says of any image how abnormal it is. Images are (B, 1, H, W) in 0..1; a method works
on the device on which ``normals`` lie.

Fitting: the one loop that trains every baseline network, so that they differ in network and loss alone.

By reconstruction: the map and the score of every method that is judged by how badly it rebuilds an image.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import Protocol, TypeVar, runtime_checkable

import torch
from jaxtyping import Float
from torch import Generator, Tensor


@runtime_checkable
class Method(Protocol):
    """What every method offers. One that is trained step by step has ``steps``, the length of its training, too."""

    name: str  #: as tables print it

    def fit(
        self,
        normals: Float[Tensor, "N C H W"],
        seed: int = 0,
        progress: Progress = range,
        augmented: Float[Tensor, "M C H W"] | None = None,
    ) -> Method:
        """Learn from normal images and return itself.

        Args:
            normals: as they are; banks, means and Gaussians are taken from them.
            seed: of weights and of the order of images.
            progress: wraps the steps: a progress bar, a stop button.
            augmented: the same images in augmented versions; networks are trained on these where they are given.
        """
        ...

    def score(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B"]:
        """Higher = more abnormal."""
        ...


@runtime_checkable
class Calibrates(Protocol):
    """A method whose score mixes quantities of different units."""

    def calibrate(self, normals: Float[Tensor, "N C H W"]) -> object:
        """Take the units from held-out normal images; called after ``fit`` and before ``score``."""
        ...


@runtime_checkable
class Reconstructs(Protocol):
    """A method that can show what it thinks an image should look like."""

    def reconstruct(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C H W"]:
        """In 0..1."""
        ...


@runtime_checkable
class Localises(Protocol):
    """A method that can show where an image is abnormal."""

    def anomaly_map(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C H W"]:
        """Higher = more abnormal, in a unit of the method's own."""
        ...


NetworkT = TypeVar("NetworkT", bound=torch.nn.Module)
Progress = Callable[[int], Iterable[int]]  #: number of steps -> those steps, perhaps with a progress bar around them


def seeded(seed: int, build: Callable[[], NetworkT]) -> NetworkT:
    """``build()`` with weights that depend on ``seed`` alone; the global generator is left as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return build()


def batches(
    normals: Float[Tensor, "N C H W"], size: int, steps: int, seed: int, progress: Progress = range
) -> Iterable[Tensor]:
    """``steps`` batches of ``size`` images, drawn with replacement; the same seed draws the same.

    Raises:
        ValueError: where there is no image.
    """
    if not len(normals):
        raise ValueError("at least one normal image expected, got 0")
    generator = Generator().manual_seed(seed)
    for _ in progress(steps):
        yield normals[torch.randint(len(normals), (size,), generator=generator)]


def in_batches(function: Callable[[Tensor], Tensor], images: Float[Tensor, "B C H W"], size: int = 128) -> Tensor:
    """``function`` of many images, a batch at a time, without gradients."""
    with torch.no_grad():
        return torch.cat([function(batch) for batch in images.split(size)])


class ByReconstruction(ABC):
    """Gives a method that can ``reconstruct`` its anomaly map and its score."""

    @abstractmethod
    def reconstruct(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C H W"]:
        """In 0..1; the method's own."""

    def anomaly_map(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C H W"]:
        """Squared error of each pixel, in 0..1."""
        return (images - self.reconstruct(images)) ** 2

    def score(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B"]:
        """Mean squared error, in 0..1."""
        return self.anomaly_map(images).mean(dim=(1, 2, 3))
