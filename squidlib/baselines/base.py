"""Method: the one interface behind which every detector can be compared.

The harness alone sees labels. A method learns from normal images, may take the statistics of its scores from other,
held-out normal images, and then says of any image how abnormal it is. Images are (B, C, H, W) in 0..1; a method works
on the device on which ``normals`` lie. Nothing that is asked of a fitted method (``score``, ``reconstruct``,
``anomaly_map``) changes it.

What is trained step by step, is trained by ``squidlib.baselines.trained``; what only fits statistics needs nothing but
this interface.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol, TypeVar, runtime_checkable

import torch
from jaxtyping import Float
from torch import Generator, Tensor, nn

from squidlib.utils.errors import UserError

NetworkT = TypeVar("NetworkT", bound=nn.Module)
Progress = Callable[[int], Iterable[int]]  #: number of steps -> those steps, perhaps with a progress bar around them
LEAST_STD = 1e-4  #: least standard deviation of a quantity about 1, where identical normal images would give none


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

    def anomaly_map(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B 1 H W"]:
        """Higher = more abnormal, in a unit of the method's own."""
        ...


def seeded(seed: int, build: Callable[[], NetworkT]) -> NetworkT:
    """``build()`` with weights that depend on ``seed`` alone; the global generator is left as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return build()


def batches(images: Float[Tensor, "N C H W"], size: int, seed: int) -> Iterator[Float[Tensor, "B C H W"]]:
    """Batches of ``size`` images without an end, drawn with replacement; the same seed draws the same."""
    generator = Generator().manual_seed(seed)
    while True:
        yield images[torch.randint(len(images), (size,), generator=generator)]


def in_batches(function: Callable[[Tensor], Tensor], images: Float[Tensor, "B C H W"], size: int = 128) -> Tensor:
    """``function`` of many images, a batch at a time, without gradients."""
    with torch.no_grad():
        return torch.cat([function(batch) for batch in images.split(size)])


def check_count(normals: Float[Tensor, "N C H W"], least: int) -> None:
    """Raise a UserError where there are fewer than ``least`` normal images."""
    if len(normals) < least:
        raise UserError(f"at least {least} normal image{'s' if least > 1 else ''} expected, got {len(normals)}")


class ByReconstruction(ABC):
    """Gives a method that can ``reconstruct`` its anomaly map and its score."""

    @abstractmethod
    def reconstruct(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C H W"]:
        """In 0..1; the method's own."""

    def anomaly_map(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B 1 H W"]:
        """Squared error of each pixel, in 0..1; of a colour image the mean over its channels."""
        return ((images - self.reconstruct(images)) ** 2).mean(1, keepdim=True)

    def score(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B"]:
        """Mean squared error, in 0..1."""
        return self.anomaly_map(images).mean(dim=(1, 2, 3))
