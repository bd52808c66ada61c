"""Distance to the mean image: how far an image is from the average of all normal ones, pixel by pixel."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from squidlib.baselines.fitting import Ticks


class MeanImage:
    """Root mean squared difference to the mean normal image."""

    name = "mean image"

    def fit(
        self,
        normals: Float[Tensor, "N 1 H W"],
        seed: int = 0,
        ticks: Ticks = range,
        varied: Float[Tensor, "M 1 H W"] | None = None,
    ) -> MeanImage:
        """Average the normal images; nothing else is used.

        Raises:
            ValueError: where there is no image.
        """
        if not len(normals):
            raise ValueError("at least one normal image expected, got 0")
        self.mean: Tensor = normals.mean(0)
        return self

    def score(self, images: Float[Tensor, "B 1 H W"]) -> Float[Tensor, "B"]:
        """sqrt(mean (x - mean)^2), in 0..1."""
        return torch.sqrt(((images - self.mean) ** 2).mean(dim=(1, 2, 3)))
