"""Reading: one trained SQUID, its memory read at another size or by another shrinkage, without changing it.

Paper: section 3.2. A queue holds copies of features, so that slots can be left out and nothing has to be trained again;
the encoder's work does not depend on the memory and is done once.
"""

from __future__ import annotations

from typing import NamedTuple

from jaxtyping import Float
from torch import Tensor

from squidlib.detection.detector import Detector
from squidlib.detection.scores import BATCH, RawScores, raw_scores
from squidlib.memory import Shrink
from squidlib.squid import Squid, SquidOutput
from squidlib.utils.modes import evaluating


class Encoded(NamedTuple):
    """Images and what the encoder makes of them, batch by batch.

    images: (B, 1, H, W) each.
    levels: of each batch, the encoder's levels.
    """

    images: list[Tensor]
    levels: list[list[Tensor]]


def encode(detector: Detector, images: Float[Tensor, "B C H W"]) -> Encoded:
    """Encode once what is to be read often."""
    batches = list(images.to(detector.device).split(BATCH))
    with evaluating(detector.squid):
        return Encoded(batches, [detector.squid.encode(batch) for batch in batches])


def newest(slots: Float[Tensor, "R S D"], count: int) -> Float[Tensor, "R count D"]:
    """The ``count`` newest slots of each position; what ``MemoryQueue.resize`` keeps.

    Raises:
        ValueError: where ``count`` is not in 1..S.
    """
    if not 1 <= count <= slots.shape[1]:
        raise ValueError(f"a memory of 1..{slots.shape[1]} slots can be had, got {count}")
    return slots[:, -count:]


def read(squid: Squid, levels: list[Tensor], slots: Float[Tensor, "R S D"], shrink: Shrink) -> SquidOutput:
    """The forward pass behind the encoder, in evaluation mode, with these slots and this shrinkage."""
    block = squid.inpainting
    with evaluating(squid):
        queries = block.query(levels[-1])
        recalled, weights = block.read(queries, slots, shrink)
        codes = block.rebuild(levels[-1], block.inpaint(queries, recalled))
        reconstruction, features = squid.student(codes, levels)
    return SquidOutput(reconstruction, None, queries, recalled, weights, features, [])


def read_scores(detector: Detector, encoded: Encoded, slots: Float[Tensor, "R S D"], shrink: Shrink) -> RawScores:
    """``raw_scores`` of encoded images, with these slots and this shrinkage."""
    parts = []
    for images, levels in zip(*encoded, strict=True):
        output = read(detector.squid, levels, slots, shrink)
        config, context = detector.config, detector.squid.context
        with evaluating(detector.squid, detector.discriminator):
            logits = detector.discriminator(output.reconstruction)
            parts.append(raw_scores(output, slots, logits, images, config.grid, config.memory_reach, context))
    return RawScores.joined(parts)
