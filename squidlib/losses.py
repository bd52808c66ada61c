"""The loss terms, one function each, and their weighted sum.

Paper: section 3.5, eq. 3-5. Authors' file: main.py (``gan_train``, ``train_discriminator``).

generator: ls * MSE(student, x) + lt * MSE(teacher, x) + ld * matching + lg * BCE(D(student), real)
discriminator: lD * (BCE(D(x), real) + BCE(D(student), fake))
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from squidlib.config import LossWeights
from squidlib.distillation import feature_matching
from squidlib.squid import SquidOutput

POSITION_SCALE = 10.0  #: inverse temperature of ``position_loss``


class GeneratorLoss(NamedTuple):
    """The weighted sum, and the unweighted terms in it; all 0-dimensional."""

    total: Tensor
    reconstruction: Tensor
    teacher: Tensor
    distillation: Tensor
    adversarial: Tensor
    position: Tensor


def reconstruction_loss(reconstruction: Float[Tensor, "B C H W"], images: Float[Tensor, "B C H W"]) -> Tensor:
    """Mean squared error, for student and teacher."""
    return F.mse_loss(reconstruction, images)


def looks_real_loss(logits: Float[Tensor, "B"]) -> Tensor:
    """Binary cross-entropy against "real"."""
    return F.binary_cross_entropy_with_logits(logits, torch.ones_like(logits))


def looks_fake_loss(logits: Float[Tensor, "B"]) -> Tensor:
    """Binary cross-entropy against "fake"."""
    return F.binary_cross_entropy_with_logits(logits, torch.zeros_like(logits))


def position_loss(queries: Float[Tensor, "B R D"], slots: Float[Tensor, "R S D"]) -> Tensor:
    """Minus the log of the attention share that falls on a patch's own position, among the slots of all positions.

    Not in the paper, which keeps one memory a position but never asks that a feature be at home in its own. Weight 0
    gives the paper's loss. It needs no label: where a patch was cut is known. Cosine similarity, temperature 0.1.
    """
    positions, count, _ = slots.shape
    similarity = F.normalize(queries, dim=-1).flatten(0, 1) @ F.normalize(slots, dim=-1).flatten(0, 1).T
    shares = torch.log_softmax(POSITION_SCALE * similarity, dim=-1).view(-1, positions, positions, count)
    own = torch.diagonal(shares, dim1=1, dim2=2)  # (B, S, R)
    return -torch.logsumexp(own, dim=1).mean()


def generator_loss(
    output: SquidOutput,
    images: Float[Tensor, "B C H W"],
    logits: Float[Tensor, "B"] | None,
    slots: Float[Tensor, "R S D"],
    weights: LossWeights,
) -> GeneratorLoss:
    """What encoder, in-painting block and both decoders minimise.

    Args:
        output: of a SQUID in training mode (it has a teacher).
        logits: the discriminator's, of ``output.reconstruction``; None in a step without adversary.
        slots: the memory that the output was read from.

    Raises:
        ValueError: where the output has no teacher.
    """
    if output.teacher is None:
        raise ValueError("the generator's loss needs the teacher's reconstruction: put the model into training mode")
    zero = images.new_zeros(())
    reconstruction = reconstruction_loss(output.reconstruction, images)
    teacher = reconstruction_loss(output.teacher, images)
    distillation = feature_matching(output.student_features, output.teacher_features)
    adversarial = zero if logits is None else looks_real_loss(logits)
    position = position_loss(output.queries, slots) if weights.position else zero
    total = (
        weights.reconstruction * reconstruction
        + weights.teacher * teacher
        + weights.distillation * distillation
        + weights.adversarial * adversarial
        + weights.position * position
    )
    return GeneratorLoss(total, reconstruction, teacher, distillation, adversarial, position)


def discriminator_loss(real: Float[Tensor, "B"], fake: Float[Tensor, "B"], weights: LossWeights) -> Tensor:
    """What the discriminator minimises, given its logits of real images and of reconstructions."""
    return weights.discriminator * (looks_real_loss(real) + looks_fake_loss(fake))
