"""Position: how much a tile's position says about its pixels. It is what radiographs have and photographs have not.

Paper: section 1 (radiographs are taken in a fixed pose, so that one position shows one anatomy). The number is
ours.
"""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor


def variance_by_position(tiles: Float[Tensor, "N T h w"]) -> float:
    """The share of the tiles' variance that their position explains: 0 nothing, 1 all.

    1 - (mean squared error of guessing the mean tile of its own position)
      / (mean squared error of guessing the mean tile of all positions).

    Raises:
        ValueError: where all tiles are equal, so that there is nothing to explain.
    """
    total = ((tiles - tiles.mean((0, 1))) ** 2).mean()
    if not total > 0:
        raise ValueError(f"tiles that differ expected, got {tuple(tiles.shape)} all equal")
    within = ((tiles - tiles.mean(0)) ** 2).mean()
    return float(1 - within / total)
