"""Prototypes: how MNAD's items are read and moved, and what keeps features near one item and far from the next.

Park et al., "Learning Memory-guided Normality for Anomaly Detection", CVPR 2020, section 3. Queries and items
have length 1, so that their product is a cosine.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

COMPACTNESS, SEPARATENESS, MARGIN = 0.1, 0.1, 1.0


def read_items(queries: Float[Tensor, "N D"], items: Float[Tensor, "S D"]) -> Float[Tensor, "N D"]:
    """The mixture of items that each query asks for."""
    return torch.softmax(queries @ items.T, dim=1) @ items


@torch.no_grad()
def moved_items(queries: Float[Tensor, "N D"], items: Float[Tensor, "S D"]) -> Float[Tensor, "S D"]:
    """The items after the queries nearest to each have moved it; an item that none chose stays."""
    similarity = queries @ items.T
    chosen = F.one_hot(similarity.argmax(1), len(items)).bool()
    best = similarity.masked_fill(~chosen, -torch.inf).amax(0)
    weights = torch.where(chosen, (similarity - best).exp(), 0.0)  # softmax / its largest = exp(s - largest s)
    return F.normalize(items + weights.T @ queries, dim=1)


def nearest_two(queries: Float[Tensor, "N D"], items: Float[Tensor, "S D"]) -> Float[Tensor, "N 2"]:
    """|q - p1| and |q - p2|: distances to the nearest and the second nearest item."""
    nearest = items[(queries @ items.T).topk(2, dim=1).indices]  # (N, 2, D)
    return torch.linalg.vector_norm(queries[:, None] - nearest, dim=2)


def memory_loss(distances: Float[Tensor, "N 2"]) -> Float[Tensor, ""]:
    """Compactness and separateness, weighted, as means over queries."""
    near, second = distances.T
    return COMPACTNESS * (near**2).mean() + SEPARATENESS * F.relu(near - second + MARGIN).mean()
