"""System: the one interface behind which every detector can be compared.

The harness alone sees labels. A system learns from normal images, may take the statistics of its scores from other,
held-out normal images, and then says of any image how abnormal it is. Images are (B, 1, H, W) in 0..1; a system works
on the device on which ``normals`` lie.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from jaxtyping import Float
from torch import Tensor

from squidlib.baselines.fitting import Ticks


@runtime_checkable
class System(Protocol):
    """What every system offers. One that is trained step by step has ``steps``, the length of its training, too."""

    name: str  #: as tables print it

    def fit(
        self,
        normals: Float[Tensor, "N 1 H W"],
        seed: int = 0,
        ticks: Ticks = range,
        varied: Float[Tensor, "M 1 H W"] | None = None,
    ) -> System:
        """Learn from normal images and return itself.

        Args:
            normals: as they are; banks, means and Gaussians are taken from them.
            seed: of weights and of the order of images.
            ticks: wraps the steps: a progress bar, a stop button.
            varied: the same images in augmented versions; networks are trained on these where they are given.
        """
        ...

    def score(self, images: Float[Tensor, "B 1 H W"]) -> Float[Tensor, "B"]:
        """Higher = more abnormal."""
        ...


@runtime_checkable
class Calibrates(Protocol):
    """A system whose score mixes quantities of different units."""

    def calibrate(self, normals: Float[Tensor, "N 1 H W"]) -> object:
        """Take the units from held-out normal images; called after ``fit`` and before ``score``."""
        ...


@runtime_checkable
class Reconstructs(Protocol):
    """A system that can show what it thinks an image should look like."""

    def reconstruct(self, images: Float[Tensor, "B 1 H W"]) -> Float[Tensor, "B 1 H W"]:
        """In 0..1."""
        ...


@runtime_checkable
class Localises(Protocol):
    """A system that can show where an image is abnormal."""

    def anomaly_map(self, images: Float[Tensor, "B 1 H W"]) -> Float[Tensor, "B 1 H W"]:
        """Higher = more abnormal, in a unit of the system's own."""
        ...
