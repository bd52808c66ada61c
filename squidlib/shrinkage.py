"""Shrinkage: make a distribution over memory slots sparse, so that no patch is rebuilt from a little of everything.

Paper: section 3.2, "Gumbel Shrinkage"; hard shrinkage is MemAE's (Gong et al., ICCV 2019, eq. 7).
Authors' file: models/memory.py (``gumbel_softmax``, ``hard_shrink_relu``).

Differs from the original: two functions under two names, where the authors' code picks one by the *type* of an
argument; exactly k slots survive (theirs subtracts the k-th to zero, so that k = 5 keeps four and k = 1 none).
The paper's "Gumbel" has no Gumbel noise, in their code and here: the name stands for the straight-through gradient.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor


def hard_shrink(weights: Float[Tensor, "*lead S"], threshold: float | Tensor) -> Float[Tensor, "*lead S"]:
    """Set weights at or below ``threshold`` to zero and renormalise: w' = relu(w - t) * w / |w - t|, w' / sum(w').

    Args:
        weights: non-negative, each row sums to 1 (a softmax).
        threshold: in 0..1; 0 changes nothing. Where no weight is above it, the row is all zeros: nothing is recalled.
            A tensor's number is not looked at: a graph that is exported has none yet.

    Raises:
        ValueError: where the threshold is outside 0..1.
    """
    if not isinstance(threshold, Tensor) and not 0 <= threshold <= 1:
        raise ValueError(f"a shrinkage threshold lies in 0..1, got {threshold}")
    kept = F.relu(weights - threshold) * weights / ((weights - threshold).abs() + 1e-12)
    return F.normalize(kept, p=1, dim=-1)


def topk_shrink(weights: Float[Tensor, "*lead S"], k: int, straight_through: bool = True) -> Float[Tensor, "*lead S"]:
    """Keep the k largest weights of each row and renormalise them.

    Args:
        weights: non-negative, each row sums to 1 (a softmax).
        k: 1 .. S.
        straight_through: forward as above, backward as if nothing had been removed, so that slots outside the k
            still receive a gradient. Off, only the k do.

    Raises:
        ValueError: where k is not in 1..S.
    """
    if not 1 <= k <= weights.shape[-1]:
        raise ValueError(f"k of top-k must be 1..{weights.shape[-1]} (the number of slots), got {k}")
    values, indices = weights.topk(k, dim=-1)
    hard = torch.zeros_like(weights).scatter(-1, indices, F.normalize(values, p=1, dim=-1))
    return weights + (hard - weights).detach() if straight_through else hard


def topk_shrink_by(weights: Float[Tensor, "*lead S"], k: Int[Tensor, ""]) -> Float[Tensor, "*lead S"]:
    """``topk_shrink`` with k as a tensor, for an exported graph: by sorting; a k above S keeps all of them."""
    values, indices = weights.topk(weights.shape[-1], dim=-1)  # all of them, the strongest first
    kept = values * (torch.arange(weights.shape[-1], device=weights.device) < k)
    return torch.zeros_like(weights).scatter(-1, indices, F.normalize(kept, p=1, dim=-1))
