"""Scores: what one forward pass says about how abnormal each patch and each image is, not yet standardised.

Paper: eq. 6 and section 4.2. Authors' file: alert.py.

Differs from the original: beside the discriminator there are four scores for every patch. ``calibration`` standardises
each by what held-out normal images show at that position; an image is as abnormal as its worst patch. ``combined``, the
sum of the four, needs no choice between them, so no labels. A SQUID that has learned what belongs together
(``squidlib.context``) has a fifth, and the higher of it and ``combined``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from squidlib.context import ContextPrediction, context_score
from squidlib.detection.memory_distance import NEAREST, memory_distance
from squidlib.patches import Grid, cut, join
from squidlib.squid import Squid, SquidOutput
from squidlib.utils.modes import evaluating

BATCH = 64  #: images that are scored at once
MOST_WEIGHTS = 2**22  #: similarities to slots at once; allocating more of them costs more time than computing them

#: What each score measures, in the order of every table.
SCORES = {
    "combined": "sum of error, structure, mismatch and distance",
    "error": "mean squared reconstruction error of the worst patch",
    "structure": "1 - cosine(patch, reconstruction), both blurred: error regardless of how much ink there is",
    "mismatch": "1 - cosine(feature, what the memory recalled for it)",
    "distance": f"1 - cosine to the {NEAREST} nearest memory slots",
    "discriminator": "the paper's: how little the reconstruction looks like a real image",
}
#: Of a SQUID that has learned what belongs together; they follow those above in every table.
CONTEXT_SCORES = {
    "context": "how much better the memory's patches fit between the others than the patch that is there",
    "either": "the higher of combined and context, each in standard deviations of normal images",
}
ALL_SCORES = SCORES | CONTEXT_SCORES
DEFAULT_SCORE = "combined"  #: where training chose none
BOTH = "either"  #: where it chose none and the network has learned what belongs together
PATCH_SCORES = ("error", "structure", "mismatch", "distance")


class RawScores(NamedTuple):
    """Unstandardised scores, (B, R), the discriminator's (B,); higher = more abnormal. ``context`` may be missing."""

    error: Tensor
    structure: Tensor
    mismatch: Tensor
    distance: Tensor
    discriminator: Tensor
    context: Tensor | None = None

    def patches(self) -> Float[Tensor, "P B R"]:
        """The patch scores, in the order of ``PATCH_SCORES``, and the context's behind them, where there is one."""
        return torch.stack([getattr(self, name) for name in PATCH_SCORES] + [self.context] * (self.context is not None))

    def each(self, function: Callable[[Tensor], Tensor]) -> RawScores:
        """``function`` of every part that is there."""
        parts = {name: function(part) for name, part in self._asdict().items() if part is not None}
        return RawScores(**parts)

    @classmethod
    def joined(cls, parts: Sequence[RawScores]) -> RawScores:
        """Those of several batches, at least one, as one."""
        there = [name for name, part in parts[0]._asdict().items() if part is not None]
        return cls(**{name: torch.cat([getattr(part, name) for part in parts]) for name in there})


def blur(images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C H W"]:
    """3x3 mean; the border is averaged over what is inside."""
    height, width = images.shape[-2:]
    framed = F.pad(images, (1, 1, 1, 1))
    sums = framed[..., :width] + framed[..., 1:-1] + framed[..., 2:]  # a row of three, then a column of three rows:
    sums = sums[..., :height, :] + sums[..., 1:-1, :] + sums[..., 2:, :]  # a third of the time that avg_pool2d takes
    inside = F.avg_pool2d(F.pad(torch.ones_like(images[:1, :1]), (1, 1, 1, 1)), 3, stride=1)
    return sums / (9 * inside)


def cosine_distance(left: Tensor, right: Tensor) -> Tensor:
    """1 - cosine of the last dimension. Where one side is all zeros the cosine is 0, so the distance is 1."""
    return 1 - F.cosine_similarity(left, right, dim=-1, eps=1e-6)


def raw_scores(
    output: SquidOutput,
    slots: Float[Tensor, "R S D"],
    logits: Float[Tensor, "B"],
    images: Float[Tensor, "B C H W"],
    grid: Grid,
    reach: int = 0,
    context: ContextPrediction | None = None,
) -> RawScores:
    """All scores of one batch, from one forward pass in evaluation mode.

    Args:
        slots: what the memory holds.
        logits: the discriminator's, of the reconstructions.
        grid: P, patches a side.
        reach: of ``memory_distance``.
        context: the network's, where it has learned one.
    """
    squared = cut((output.reconstruction - images) ** 2, grid).flatten(2)
    structure = cosine_distance(cut(blur(images), grid).flatten(2), cut(blur(output.reconstruction), grid).flatten(2))
    distance = memory_distance(output.queries, slots, grid, reach)
    mismatch = cosine_distance(output.queries, output.recalled)
    belongs = None if context is None else context_score(context, output.queries, slots)
    return RawScores(squared.mean(-1), structure, mismatch, distance, -logits, belongs)


def weighted_difference(
    images: Float[Tensor, "B C H W"],
    reconstructions: Float[Tensor, "B C H W"],
    patch_scores: Float[Tensor, "B R"],
    limit: float | Tensor,
    grid: Grid,
) -> Float[Tensor, "B 1 H W"]:
    """The anomaly map: image against reconstruction, weighted by how abnormal its patch is; >= 0.

    Args:
        patch_scores: the combined score of every patch.
        limit: what a normal image scores at its worst; such a patch has weight 1.
    """
    weights = F.softplus(patch_scores / limit, beta=4)[:, :, None, None, None]
    difference = (images - reconstructions).abs().mean(1, keepdim=True)
    return join(cut(blur(difference), grid) * weights, grid)


def score_batches(
    squid: Squid, discriminator: nn.Module, images: Float[Tensor, "B C H W"], batch_size: int = BATCH
) -> RawScores:
    """``raw_scores`` of many images, batch by batch on the network's device; both networks stay as they are."""
    device = next(squid.parameters()).device
    with evaluating(squid, discriminator):
        slots = squid.inpainting.memory.contents()
        parts = [score_batch(squid, discriminator, slots, batch.to(device))[1] for batch in images.split(batch_size)]
    return RawScores.joined(parts)


def score_batch(
    squid: Squid, discriminator: nn.Module, slots: Float[Tensor, "R S D"], images: Float[Tensor, "B C H W"]
) -> tuple[Tensor, RawScores]:
    """The reconstructions (B, C, H, W) and raw scores of one batch, from one forward pass in evaluation mode."""
    step = max(1, MOST_WEIGHTS // slots[:, :, 0].numel())
    if len(images) > step:  # a long memory: a few images at once
        parts = [score_batch(squid, discriminator, slots, some) for some in images.split(step)]
        return torch.cat([pictures for pictures, _ in parts]), RawScores.joined([raw for _, raw in parts])
    output = squid(images)
    logits = discriminator(output.reconstruction)
    config = squid.config
    found = raw_scores(output, slots, logits, images, config.grid, config.memory_reach, squid.context)
    return output.reconstruction, found
