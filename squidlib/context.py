"""Context prediction: which of the memory's patches belongs between these neighbours?

The paper's in-painting block is trained to reconstruct, and the patch's own feature reaches the decoder by the query,
by what is recalled for it and by the shortcut: nothing makes the block ask the neighbours. Here nothing of the patch
itself enters: from the other patches' features a key is predicted, and that key has to pick the patch's own feature out
of those that other normal images show at the same position. What it scores is how much better the memory's patches fit
than the patch that is there.

Not in the paper. The loss is InfoNCE (van den Oord et al., "Representation Learning with Contrastive Predictive
Coding", 2018, equation 4); that a queue of features serves as its negatives is MoCo's idea (He et al., CVPR 2020).

Shapes: B images, R positions, S slots, D the length of a feature, E that of a key.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor, nn

KEY_LENGTH = 64  #: E
START = 10.0  #: the factor on cosines before training; it is learned


class Context(NamedTuple):
    """keys (B, R, E), what the patches say of themselves; predicted (B, R, E), what the others say of each."""

    keys: Tensor
    predicted: Tensor


class ContextPrediction(nn.Module):
    """Keys of patches, and their prediction from the other patches of the image.

    Args:
        features: D.
        asked: (R, R) bool; row q says which positions are asked about position q, never q itself.
        length: E.

    Raises:
        ValueError: where a position is asked about itself, or nobody is asked about one.
    """

    share: Tensor

    def __init__(self, features: int, asked: Bool[np.ndarray, "R R"], length: int = KEY_LENGTH) -> None:
        super().__init__()
        if np.diagonal(asked).any():
            raise ValueError("no position may be asked about itself: its feature would leak into its own prediction")
        if not asked.any(1).all():
            raise ValueError("every position needs at least one other that is asked about it")
        positions = len(asked)
        share = asked / asked.sum(1, keepdims=True)
        self.register_buffer("share", torch.tensor(share, dtype=torch.float32))
        self.norm = nn.LayerNorm(features)
        self.key = nn.Sequential(nn.Linear(features, 2 * length), nn.ReLU(), nn.Linear(2 * length, length))
        self.message = nn.Sequential(nn.Linear(length, length), nn.ReLU(), nn.Linear(length, length))
        self.answer = nn.Sequential(nn.Linear(length, 2 * length), nn.ReLU(), nn.Linear(2 * length, length))
        self.sender = nn.Parameter(0.1 * torch.randn(positions, length))
        self.receiver = nn.Parameter(0.1 * torch.randn(positions, length))
        self.log_scale = nn.Parameter(torch.tensor(math.log(START)))

    def keys(self, features: Float[Tensor, "... D"]) -> Float[Tensor, "... E"]:
        """What patches say of themselves; of queries (B, R, D) or of slots (R, S, D)."""
        return self.key(self.norm(features))

    def forward(self, queries: Float[Tensor, "B R D"]) -> Context:
        keys = self.keys(queries)
        heard = torch.einsum("qr,bre->bqe", self.share, self.message(keys + self.sender))
        return Context(keys, self.answer(heard + self.receiver))

    def similarity(self, predicted: Tensor, keys: Tensor) -> Tensor:
        """The learned factor times the cosine, of the last dimension; the others are broadcast."""
        return self.log_scale.exp() * (F.normalize(predicted, dim=-1) * F.normalize(keys, dim=-1)).sum(-1)

    def fit_of_slots(self, predicted: Float[Tensor, "B R E"], keys: Float[Tensor, "R S E"]) -> Float[Tensor, "B R S"]:
        """How well each slot fits into the gap at its position."""
        unit = F.normalize(predicted, dim=-1), F.normalize(keys, dim=-1)
        return self.log_scale.exp() * torch.einsum("bre,rse->brs", *unit)


def all_others(positions: int) -> Bool[np.ndarray, "R R"]:
    """Every position is asked about every other one. An array of NumPy's: it is looked at before there is a device."""
    return ~np.eye(positions, dtype=bool)


def context_loss(model: ContextPrediction, queries: Float[Tensor, "B R D"]) -> Tensor:
    """InfoNCE: each prediction has to pick its own image's patch among those of the whole batch at that position.

    ``log B`` where it can tell nothing.
    """
    context = model(queries)
    fits = model.fit_of_slots(context.predicted, context.keys.transpose(0, 1))  # the batch in place of slots
    own = torch.arange(len(queries), device=queries.device)
    return F.cross_entropy(fits.transpose(1, 2), own[:, None].expand(-1, fits.shape[1]))


def context_score(
    model: ContextPrediction, queries: Float[Tensor, "B R D"], slots: Float[Tensor, "R S D"]
) -> Float[Tensor, "B R"]:
    """How much better the memory's patches fit than the patch that is there: high where a patch does not belong.

    The logarithm of the mean of exp(fit) over the slots, less the patch's own fit; below 0 where the patch fits better
    than a usual one.
    """
    context = model(queries)
    fits = model.fit_of_slots(context.predicted, model.keys(slots))
    count = fits.new_ones(slots.shape[1]).sum()  # a tensor: an exported graph takes any number of slots
    usual = torch.logsumexp(fits, dim=-1) - count.log()
    return usual - model.similarity(context.predicted, context.keys)
