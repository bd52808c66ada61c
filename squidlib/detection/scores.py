"""Scores: how abnormal each tile and each image is, in units of what normal images show.

Paper: eq. 6, A = 1 - sigmoid((D(student) - mu) / sigma), with mu and sigma of normal training images.
Authors' file: alert.py.

Differs from the original: beside the discriminator there are four scores for every patch. Each is standardised by
the mean and deviation that *held-out normal* images show at that position, and an image is as abnormal as its worst
patch. ``combined``, the sum of the four, is the default: it needs no choice between them, so no labels.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from squidlib.patches import Grid, cut, join
from squidlib.squid import Squid, SquidOutput

NEAREST = 3  #: slots that the memory distance averages over

#: What each score measures, in the order of every table.
SCORES = {
    "combined": "sum of error, structure, mismatch and distance; the default",
    "error": "mean squared reconstruction error of the worst patch",
    "structure": "1 - cosine(patch, reconstruction), both blurred: error regardless of how much ink there is",
    "mismatch": "1 - cosine(feature, what the memory recalled for it)",
    "distance": f"1 - cosine to the {NEAREST} nearest memory slots",
    "discriminator": "the paper's: how little the reconstruction looks like a real image",
}
DEFAULT_SCORE = "combined"
PATCH_SCORES = ("error", "structure", "mismatch", "distance")


class RawScores(NamedTuple):
    """Unstandardised scores; higher = more abnormal. The first four (B, R), the last (B,)."""

    error: Tensor
    structure: Tensor
    mismatch: Tensor
    distance: Tensor
    discriminator: Tensor


def blur(images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C H W"]:
    """3x3 mean; the border is averaged over what is inside."""
    return F.avg_pool2d(images, 3, stride=1, padding=1, count_include_pad=False)


def cosine_distance(left: Tensor, right: Tensor) -> Tensor:
    """1 - cosine of the last dimension. Where one side is all zeros the cosine is 0, so the distance is 1."""
    return 1 - F.cosine_similarity(left, right, dim=-1, eps=1e-6)


def raw_scores(
    output: SquidOutput,
    slots: Float[Tensor, "R S D"],
    logits: Float[Tensor, "B"],
    images: Float[Tensor, "B 1 H W"],
    grid: Grid,
) -> RawScores:
    """All scores of one batch, from one forward pass in evaluation mode.

    Args:
        slots: what the memory holds.
        logits: the discriminator's, of the reconstructions.
        grid: P, patches a side.
    """
    squared = cut((output.reconstruction - images) ** 2, grid).flatten(2)
    structure = cosine_distance(cut(blur(images), grid).flatten(2), cut(blur(output.reconstruction), grid).flatten(2))
    similarity = torch.einsum("brd,rsd->brs", F.normalize(output.queries, dim=-1), F.normalize(slots, dim=-1))
    nearest = similarity.topk(min(NEAREST, slots.shape[1]), dim=-1).values.mean(-1)
    mismatch = cosine_distance(output.queries, output.recalled)
    return RawScores(squared.mean(-1), structure, mismatch, 1 - nearest, -logits)


def weighted_difference(
    images: Float[Tensor, "B 1 H W"],
    reconstructions: Float[Tensor, "B 1 H W"],
    patch_scores: Float[Tensor, "B R"],
    limit: float,
    grid: Grid,
) -> Float[Tensor, "B 1 H W"]:
    """The anomaly map: image against reconstruction, weighted by how abnormal its patch is; >= 0.

    Args:
        patch_scores: the combined score of every patch.
        limit: what a normal image scores at its worst; such a patch has weight 1.
    """
    weights = F.softplus(patch_scores / limit, beta=4)[:, :, None, None, None]
    return join(cut(blur((images - reconstructions).abs()), grid) * weights, grid)


@torch.no_grad()
def score_batches(
    squid: Squid, discriminator: nn.Module, images: Float[Tensor, "B 1 H W"], batch_size: int = 64
) -> RawScores:
    """``raw_scores`` of many images, batch by batch, both networks in evaluation mode."""
    squid.eval()
    discriminator.eval()
    parts = []
    for batch in images.split(batch_size):
        output = squid(batch)
        logits = discriminator(output.reconstruction)
        parts.append(raw_scores(output, squid.inpainting.memory.contents(), logits, batch, squid.config.grid))
    return RawScores(*(torch.cat(column) for column in zip(*parts, strict=True)))
