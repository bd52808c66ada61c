"""Losses: each term against its equation, and the weighted sum of them."""

from __future__ import annotations

import math

import pytest
import torch

from squidlib.config import LossWeights
from squidlib.distillation import feature_matching
from squidlib.losses import (
    POSITION_SCALE,
    discriminator_loss,
    generator_loss,
    looks_fake_loss,
    looks_real_loss,
    position_loss,
)
from squidlib.squid import Squid, fill_memory
from tests.conftest import tiny_config


def test_real_and_fake_losses_are_the_logistic_ones() -> None:
    logits = torch.tensor([0.0, 2.0])
    expected_real = (math.log(2) + math.log(1 + math.exp(-2))) / 2
    assert math.isclose(float(looks_real_loss(logits)), expected_real, rel_tol=1e-5)
    assert math.isclose(float(looks_fake_loss(-logits)), expected_real, rel_tol=1e-5)


def test_feature_matching_sums_the_levels_mean_squares() -> None:
    student, teacher = [torch.zeros(2, 3), torch.zeros(4)], [torch.ones(2, 3), 2 * torch.ones(4)]
    assert float(feature_matching(student, teacher)) == 1 + 4
    with pytest.raises(ValueError, match="got 2 and 1"):
        feature_matching(student, teacher[:1])


def test_the_total_is_the_weighted_sum_and_each_weight_counts() -> None:
    torch.manual_seed(0)
    squid = Squid(tiny_config())
    images = torch.rand(4, 1, 24, 24)
    fill_memory(squid, images)
    output, logits, slots = squid(images), torch.randn(4), squid.inpainting.memory.contents()
    weights = LossWeights(reconstruction=2.0, teacher=3.0, distillation=5.0, adversarial=7.0, position=11.0)
    loss = generator_loss(output, images, logits, slots, weights)
    terms = (loss.reconstruction, loss.teacher, loss.distillation, loss.adversarial, loss.position)
    assert all(float(term.detach()) > 0 for term in terms)
    expected = sum(factor * term for factor, term in zip((2, 3, 5, 7, 11), terms, strict=True))
    assert torch.allclose(loss.total, torch.as_tensor(expected))
    assert generator_loss(output, images, None, slots, weights).adversarial == 0
    assert generator_loss(output, images, logits, slots, LossWeights()).position == 0


def test_the_generator_loss_needs_a_teacher() -> None:
    squid = Squid(tiny_config())
    images = torch.rand(2, 1, 24, 24)
    fill_memory(squid, images)
    squid.eval()
    with pytest.raises(ValueError, match="training mode"):
        generator_loss(squid(images), images, None, squid.inpainting.memory.contents(), LossWeights())


def test_the_discriminator_loss_is_lowest_when_it_is_right() -> None:
    weights = LossWeights(discriminator=0.5)
    right = discriminator_loss(torch.tensor([9.0]), torch.tensor([-9.0]), weights)
    wrong = discriminator_loss(torch.tensor([-9.0]), torch.tensor([9.0]), weights)
    assert float(right) < 1e-3
    assert math.isclose(float(wrong), 0.5 * 2 * 9, rel_tol=1e-3)


def test_position_loss_is_the_share_of_attention_at_home() -> None:
    """Two positions whose slots are orthogonal: at home the share is e^s / (e^s + 1), abroad 1 / (e^s + 1)."""
    slots = torch.eye(2)[:, None]  # (R = 2, S = 1, D = 2)
    at_home, abroad = torch.eye(2)[None], torch.eye(2).flip(0)[None]
    share = math.exp(POSITION_SCALE) / (math.exp(POSITION_SCALE) + 1)
    assert math.isclose(float(position_loss(at_home, slots)), -math.log(share), abs_tol=1e-5)
    assert math.isclose(float(position_loss(abroad, slots)), -math.log(1 - share), rel_tol=1e-4)


def test_position_loss_of_features_that_are_alike_everywhere_is_log_positions() -> None:
    alike = torch.ones(3, 9, 4)
    assert math.isclose(float(position_loss(alike, torch.ones(9, 5, 4))), math.log(9), rel_tol=1e-5)
