"""Memory distance: how far a patch's feature is from the nearest ones that the memory holds of normal images.

Differs from the paper, which asks each position's memory alone: patients do not stand alike, so a patch may also be
looked for among what the memory holds of the positions around it (``SquidConfig.memory_reach``), as PatchCore and PaDiM
do with whole images.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from squidlib.patches import Grid, rows_and_columns

NEAREST = 3  #: slots that the memory distance averages over


def memory_distance(
    queries: Float[Tensor, "B R D"], slots: Float[Tensor, "R S D"], grid: Grid, reach: int = 0
) -> Float[Tensor, "B R"]:
    """1 - mean cosine to the ``NEAREST`` nearest slots.

    Args:
        slots: what the memory holds at each position.
        grid: rows and columns of positions.
        reach: positions to every side whose slots count as a position's own; 0: only its own.
    """
    queries, slots = F.normalize(queries, dim=-1), F.normalize(slots, dim=-1)
    if not reach:
        return 1 - _nearest(torch.einsum("brd,rsd->brs", queries, slots)).mean(-1)
    rows, columns = rows_and_columns(grid)
    asked = queries.transpose(0, 1).unflatten(0, (rows, columns))  # (rows, columns, B, D)
    held = slots.unflatten(0, (rows, columns)).transpose(2, 3)  # (rows, columns, D, S)
    # no cosine is below -1: where a position has no such neighbour, it is never the nearest
    found = queries.new_full((rows, columns, len(queries), NEAREST), -1.0)
    for row in range(rows):
        for down in range(max(-reach, -row), min(reach, rows - 1 - row) + 1):
            for right in range(-reach, reach + 1):
                low, high = max(0, -right), min(columns, columns - right)
                if low < high:
                    similarity = asked[row, low:high] @ held[row + down, low + right : high + right]
                    found[row, low:high] = _nearest(torch.cat([found[row, low:high], _nearest(similarity)], dim=-1))
    count = min(NEAREST, slots.shape[1])
    return 1 - found[..., :count].mean(-1).flatten(0, 1).T


def _nearest(similarity: Tensor) -> Tensor:
    """The highest along the last dimension, highest first."""
    return similarity.topk(min(NEAREST, similarity.shape[-1]), dim=-1).values
