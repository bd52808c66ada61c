"""kNN on histograms of oriented gradients: the strongest simple score that was found on development digits.

Idea: Dalal and Triggs, "Histograms of Oriented Gradients for Human Detection", CVPR 2005: a patch is described by how
much edge of which direction stands in each of its cells, whatever its ink. Each patch is compared with the normal ones
of its position, and its distance is told in standard deviations of theirs, each left out of its own comparison.

Nothing is trained. It was chosen among nearest neighbours of pixels (several resolutions, unit length or not, with and
without shifts), of gradients, and linear auto-encoders, on digits of the training set (docs/experiments.md).

Differs from the original: no blocks that overlap; a patch's histogram has unit length as a whole.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from squidlib.baselines.base import Progress, check_count
from squidlib.gradients import edge_maps
from squidlib.patches import Grid, cut

LEAST = 1e-3  #: standard deviation of a position's distances, 1 - cosine


class GradientNeighbours:
    """1 - cosine to the ``neighbours`` nearest normal patches of the same position; the worst patch counts.

    Args:
        grid: of patches.
        neighbours: whose cosines are averaged.
        cells: of a patch, along each side.
        directions: that are told apart, of a full circle.
    """

    name = "HOG kNN"

    def __init__(self, grid: Grid, neighbours: int = 3, cells: int = 4, directions: int = 8) -> None:
        self.grid, self.neighbours, self.cells, self.directions = grid, neighbours, cells, directions

    def fit(
        self,
        normals: Float[Tensor, "N C H W"],
        seed: int = 0,
        progress: Progress = range,
        augmented: Float[Tensor, "M C H W"] | None = None,
    ) -> GradientNeighbours:
        """Keep the histograms of every normal patch; nothing else is used.

        Raises:
            UserError: where there are no more images than neighbours.
        """
        check_count(normals, self.neighbours + 1)
        self.known = self.histograms(normals)
        own = self._nearest(self.known, self.neighbours + 1)[..., 1:].mean(-1)  # the first is the patch itself
        self.mean, self.std = own.mean(1), own.std(1).clamp(min=LEAST)
        return self

    def score(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B"]:
        """In standard deviations of the normal images."""
        found = self._nearest(self.histograms(images), self.neighbours).mean(-1)
        return ((found - self.mean[:, None]) / self.std[:, None]).amax(0)

    def histograms(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "R B D"]:
        """Of every patch, of unit length; zeros where it has no edge."""
        patches = cut(images, self.grid)  # (B, R, C, h, w)
        maps = edge_maps(patches.flatten(0, 1), self.directions)
        cells = torch.stack([F.adaptive_avg_pool2d(edges, self.cells) for edges in maps], dim=1)
        found = cells.flatten(1).unflatten(0, patches.shape[:2])
        return F.normalize(found, dim=-1).transpose(0, 1)

    def _nearest(self, queries: Float[Tensor, "R B D"], count: int) -> Float[Tensor, "R B count"]:
        cosines = queries @ self.known.transpose(1, 2)
        return 1 - cosines.topk(count, dim=-1).values
