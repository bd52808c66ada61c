"""Tile neighbours: a method of one's own in twenty lines, as lesson 14 asks for; its own answer to it.

Each tile is softened and brought to unit length, so that an empty one is not near to everything; its distance to the
nearest normal tiles of its position is measured in the standard deviations that normal tiles have there. The worst tile
counts.
No paper: kNN on pixels (``squidlib.baselines.PatchNeighbours``) with two changes.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from squidlib.baselines.base import Progress
from squidlib.patches import cut

GRID = 3
NEIGHBOURS = 5
LEAST_STD = 1e-3  #: of the distances, which lie in 0..2: tiles that are alike in all normal images have none


class TileNeighbours:
    """Score: the worst tile's distance to its like, in standard deviations of normal tiles of its position."""

    name = "tile neighbours"

    def fit(
        self,
        normals: Float[Tensor, "N C H W"],
        seed: int = 0,
        progress: Progress = range,
        augmented: Float[Tensor, "M C H W"] | None = None,
    ) -> TileNeighbours:
        """Keep every tile, and what is usual between them; nothing else is used.

        Raises:
            ValueError: where there are not more images than neighbours.
        """
        if len(normals) <= NEIGHBOURS:
            raise ValueError(f"more than {NEIGHBOURS} normal images expected, got {len(normals)}")
        self.kept = described(normals)
        others = torch.cdist(self.kept, self.kept).topk(NEIGHBOURS + 1, largest=False).values[..., 1:]  # not itself
        near = others.mean(-1)  # (T, N)
        self.usual, self.spread = near.mean(1, keepdim=True), near.std(1, keepdim=True).clamp(min=LEAST_STD)
        return self

    def score(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B"]:
        """In standard deviations of normal tiles."""
        near = torch.cdist(described(images), self.kept).topk(NEIGHBOURS, largest=False).values.mean(-1)  # (T, B)
        return ((near - self.usual) / self.spread).amax(0)


def described(images: Float[Tensor, "B C H W"]) -> Float[Tensor, "T B D"]:
    """Every tile at half its size, as a vector of length 1; an empty one stays 0."""
    return F.normalize(cut(F.avg_pool2d(images, 2), GRID).flatten(2).transpose(0, 1), dim=-1)
