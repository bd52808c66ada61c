"""By reconstruction: the map and the score of every system that is judged by how badly it rebuilds an image."""

from __future__ import annotations

from abc import ABC, abstractmethod

from jaxtyping import Float
from torch import Tensor


class ByReconstruction(ABC):
    """Gives a system that can ``reconstruct`` its anomaly map and its score."""

    @abstractmethod
    def reconstruct(self, images: Float[Tensor, "B 1 H W"]) -> Float[Tensor, "B 1 H W"]:
        """In 0..1; the system's own."""

    def anomaly_map(self, images: Float[Tensor, "B 1 H W"]) -> Float[Tensor, "B 1 H W"]:
        """Squared error of each pixel, in 0..1."""
        return (images - self.reconstruct(images)) ** 2

    def score(self, images: Float[Tensor, "B 1 H W"]) -> Float[Tensor, "B"]:
        """Mean squared error, in 0..1."""
        return self.anomaly_map(images).mean(dim=(1, 2, 3))
