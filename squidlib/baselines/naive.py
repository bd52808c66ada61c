"""Sharpness: minus the mean absolute horizontal gradient. It learns nothing.

A table without it misleads: on chest X-rays blur alone separates pneumonia from normal surprisingly well.

Distance to the mean image: how far an image is from the average of all normal ones, pixel by pixel.

kNN on patches: the distance of each patch's pixels to the nearest normal patches of the same position.

A memory queue without a network. It shows what SQUID's features add to plain copying.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from squidlib.baselines.base import Progress, check_count
from squidlib.patches import Grid, cut


class Sharpness:
    """Blurred images count as abnormal."""

    name = "sharpness"

    def fit(
        self,
        normals: Float[Tensor, "N C H W"],
        seed: int = 0,
        progress: Progress = range,
        augmented: Float[Tensor, "M C H W"] | None = None,
    ) -> Sharpness:
        """Nothing is learned."""
        return self

    def score(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B"]:
        """-mean |x(i, j+1) - x(i, j)|, in -1..0."""
        return -images.diff(dim=-1).abs().mean(dim=(1, 2, 3))


class MeanImage:
    """Root mean squared difference to the mean normal image."""

    name = "mean image"

    def fit(
        self,
        normals: Float[Tensor, "N C H W"],
        seed: int = 0,
        progress: Progress = range,
        augmented: Float[Tensor, "M C H W"] | None = None,
    ) -> MeanImage:
        """Average the normal images; nothing else is used.

        Raises:
            UserError: where there is no image.
        """
        check_count(normals, 1)
        self.mean: Tensor = normals.mean(0)
        return self

    def score(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B"]:
        """sqrt(mean (x - mean)^2), in 0..1."""
        return torch.sqrt(((images - self.mean) ** 2).mean(dim=(1, 2, 3)))


class PatchNeighbours:
    """Mean Euclidean distance to the ``neighbours`` nearest normal patches; the worst patch counts."""

    name = "pixel kNN"

    def __init__(self, grid: Grid, neighbours: int = 5) -> None:
        self.grid, self.neighbours = grid, neighbours

    def fit(
        self,
        normals: Float[Tensor, "N C H W"],
        seed: int = 0,
        progress: Progress = range,
        augmented: Float[Tensor, "M C H W"] | None = None,
    ) -> PatchNeighbours:
        """Keep every normal patch; nothing else is used.

        Raises:
            UserError: where there are fewer images than neighbours.
        """
        check_count(normals, self.neighbours)
        self.patches: Tensor = cut(normals, self.grid).flatten(2).transpose(0, 1)  # (R, N, D)
        return self

    def score(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B"]:
        """In pixel units, >= 0."""
        queries = cut(images, self.grid).flatten(2).transpose(0, 1)  # (R, B, D)
        nearest = torch.cdist(queries, self.patches).topk(self.neighbours, dim=-1, largest=False).values
        return nearest.mean(-1).amax(0)
