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


class GeneratorLoss(NamedTuple):
    """The weighted sum, and the four unweighted terms in it; all 0-dimensional."""

    total: Tensor
    reconstruction: Tensor
    teacher: Tensor
    distillation: Tensor
    adversarial: Tensor


def reconstruction_loss(reconstruction: Float[Tensor, "B C H W"], images: Float[Tensor, "B C H W"]) -> Tensor:
    """Mean squared error, for student and teacher."""
    return F.mse_loss(reconstruction, images)


def looks_real_loss(logits: Float[Tensor, "B"]) -> Tensor:
    """Binary cross-entropy against "real"."""
    return F.binary_cross_entropy_with_logits(logits, torch.ones_like(logits))


def looks_fake_loss(logits: Float[Tensor, "B"]) -> Tensor:
    """Binary cross-entropy against "fake"."""
    return F.binary_cross_entropy_with_logits(logits, torch.zeros_like(logits))


def generator_loss(
    output: SquidOutput, images: Float[Tensor, "B C H W"], logits: Float[Tensor, "B"], weights: LossWeights
) -> GeneratorLoss:
    """What encoder, in-painting block and both decoders minimise.

    Args:
        output: of a SQUID in training mode (it has a teacher).
        logits: the discriminator's, of ``output.reconstruction``.
    """
    if output.teacher is None:
        raise ValueError("the generator's loss needs the teacher's reconstruction: put the model into training mode")
    reconstruction = reconstruction_loss(output.reconstruction, images)
    teacher = reconstruction_loss(output.teacher, images)
    distillation = feature_matching(output.student_features, output.teacher_features)
    adversarial = looks_real_loss(logits)
    total = (
        weights.reconstruction * reconstruction
        + weights.teacher * teacher
        + weights.distillation * distillation
        + weights.adversarial * adversarial
    )
    return GeneratorLoss(total, reconstruction, teacher, distillation, adversarial)


def discriminator_loss(real: Float[Tensor, "B"], fake: Float[Tensor, "B"], weights: LossWeights) -> Tensor:
    """What the discriminator minimises, given its logits of real images and of reconstructions."""
    return weights.discriminator * (looks_real_loss(real) + looks_fake_loss(fake))
