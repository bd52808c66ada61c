"""Masked in-painting: several patches at once are hidden, and what the memory holds has to fill the gaps.

The training of masked auto-encoders (He et al., CVPR 2022) in the space of SQUID's frozen features: a transformer sees
the patches that are left, and says for each hidden one which of the memory's slots belong there; their mean by its
weights is the in-painted feature. So memory and neighbours decide together, and nothing of a hidden patch enters. To
score an image each patch is hidden once, by itself.

A comparison for the study of neighbours: its loss asks for the feature that was there, that of ``squidlib.context`` for
the one that tells it from others.

Shapes: B images, R positions, S slots, D the length of a feature.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor, nn

from digitanatomy import seeded_generator
from squidlib.detection.scores import cosine_distance
from squidlib.training.context import BATCH, ORDER, minimise

WIDTH, HEADS, LAYERS = 128, 4, 2
STEPS, RATE = 2000, 1e-3
MOST_HIDDEN = 0.6  #: of the patches
START = 10.0  #: the factor on cosines before training


class MaskedInpainting(nn.Module):
    """Features of hidden patches, from those of the others and the memory.

    Args:
        slots: (R, S, D), the memory as dictionary; it is not learned.
    """

    slots: Tensor

    def __init__(self, slots: Float[Tensor, "R S D"]) -> None:
        super().__init__()
        positions, _, features = slots.shape
        self.register_buffer("slots", F.normalize(slots, dim=-1))
        self.enter = nn.Linear(features, WIDTH)
        self.hidden = nn.Parameter(0.02 * torch.randn(WIDTH))
        self.place = nn.Parameter(0.02 * torch.randn(positions, WIDTH))
        layer = nn.TransformerEncoderLayer(WIDTH, HEADS, 2 * WIDTH, dropout=0.0, batch_first=True, norm_first=True)
        self.layers = nn.TransformerEncoder(layer, LAYERS, enable_nested_tensor=False)
        self.ask = nn.Sequential(nn.LayerNorm(WIDTH), nn.Linear(WIDTH, features))
        self.log_scale = nn.Parameter(torch.tensor(START).log())

    def forward(self, queries: Float[Tensor, "B R D"], hidden: Bool[Tensor, "B R"]) -> Float[Tensor, "B R D"]:
        """What belongs at every position; where ``hidden`` is true, the patch's own feature had no part in it."""
        seen = self.enter(F.normalize(queries, dim=-1))
        tokens = torch.where(hidden[..., None], self.hidden, seen) + self.place
        wanted = F.normalize(self.ask(self.layers(tokens)), dim=-1)
        weights = (self.log_scale.exp() * torch.einsum("brd,rsd->brs", wanted, self.slots)).softmax(-1)
        return torch.einsum("brs,rsd->brd", weights, self.slots)


def train_masked(
    features: Float[Tensor, "N R D"], slots: Float[Tensor, "R S D"], seed: int, steps: int = STEPS
) -> MaskedInpainting:
    """Masked in-painting of normal features: cosine distance to what was hidden."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = MaskedInpainting(slots)

    def loss_of(step: int) -> Tensor:
        generator = seeded_generator(seed, ORDER + step)
        batch = features[torch.randint(len(features), (BATCH,), generator=generator)]
        hidden = some_hidden(batch.shape[0], batch.shape[1], generator)
        return cosine_distance(model(batch, hidden), batch)[hidden].mean()

    minimise(model, loss_of, steps, RATE)
    return model.eval()


def some_hidden(images: int, positions: int, generator: torch.Generator) -> Bool[Tensor, "B R"]:
    """From one patch an image to ``MOST_HIDDEN`` of them, as many as any other number equally often."""
    count = 1 + (torch.rand(images, 1, generator=generator) * int(MOST_HIDDEN * positions)).long()
    rank = torch.rand(images, positions, generator=generator).argsort(1).argsort(1)
    return rank < count


@torch.no_grad()
def masked_score(model: MaskedInpainting, queries: Float[Tensor, "B R D"]) -> Float[Tensor, "B R"]:
    """1 - cosine between each patch's feature and what belongs there by all others."""
    found = []
    for place in range(queries.shape[1]):
        hidden = torch.zeros(queries.shape[:2], dtype=torch.bool)
        hidden[:, place] = True
        found.append(cosine_distance(model(queries, hidden)[:, place], queries[:, place]))
    return torch.stack(found, 1)
