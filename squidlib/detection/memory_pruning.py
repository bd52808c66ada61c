"""Cleaning: take wrong memories out of a queue, without labels and without training anything again.

Not in the paper. A queue holds copies of features, so a slot can be dropped and the rest works as before (a learned
matrix cannot be taken apart like that). Where most training images are normal, a slot that came from a wrong tile lies
far from most other slots *of its own position*, also where a few others are like it.
"""

from __future__ import annotations

from copy import deepcopy

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from squidlib.detection.calibration import calibrate
from squidlib.detection.detector import Detector

DROPPED = 0.1  #: share of slots that goes; the first guess, see docs/experiments.md


def isolation(slots: Float[Tensor, "R S D"], nearest: int) -> Float[Tensor, "R S"]:
    """1 - mean cosine of each slot to its ``nearest`` most similar others of the same position; 0..2.

    Raises:
        ValueError: where ``nearest`` is not in 1..S-1.
    """
    count = slots.shape[1]
    if not 1 <= nearest < count:
        raise ValueError(f"a slot has {count - 1} others: nearest must be 1..{count - 1}, got {nearest}")
    unit = F.normalize(slots, dim=-1)
    cosine = unit @ unit.transpose(1, 2)
    itself = torch.eye(count, dtype=torch.bool, device=slots.device)
    return 1 - cosine.masked_fill(itself, -2).topk(nearest, dim=-1).values.mean(-1)


def drop_isolated(slots: Float[Tensor, "R S D"], count: int, nearest: int) -> Tensor:
    """Leave out the ``count`` most isolated slots of each position: (R, S - count, D), the rest in its old order.

    Raises:
        ValueError: where ``count`` is not in 0..S-1, or ``nearest`` not in 1..S-1.
    """
    if not 0 <= count < slots.shape[1]:
        raise ValueError(f"0..{slots.shape[1] - 1} of {slots.shape[1]} slots can be dropped, got {count}")
    kept = isolation(slots, nearest).topk(slots.shape[1] - count, largest=False).indices.sort(-1).values
    return torch.take_along_dim(slots, kept[..., None], dim=1)


@torch.no_grad()
def cleaned(detector: Detector, held_out: Float[Tensor, "N C H W"], share: float = DROPPED) -> Detector:
    """A copy of a detector without the ``share`` most isolated slots of each position, calibrated again.

    A slot is compared with its nearest half: one that has fewer likes than that, as every wrong one has where most
    images are normal, cannot hide among them.

    Args:
        held_out: images that training did not see; they may be as dirty as the training set.
        share: 0 to below 1.

    Raises:
        ValueError: where ``share`` is out of range.
    """
    if not 0 <= share < 1:
        raise ValueError(f"the share of slots to drop lies in 0..1 (below 1), got {share}")
    squid, discriminator = deepcopy(detector.squid), deepcopy(detector.discriminator)
    memory = squid.inpainting.memory
    slots = memory.contents()
    kept = drop_isolated(slots, int(share * slots.shape[1]), max(1, slots.shape[1] // 2))
    memory.resize(kept.shape[1])
    memory.push(kept.transpose(0, 1))
    return Detector(squid, discriminator, calibrate(squid, discriminator, held_out), deepcopy(detector.metadata))
