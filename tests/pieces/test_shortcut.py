"""Masked shortcut: open, closed, in between, and closed in evaluation."""

from __future__ import annotations

import pytest
import torch

from squidlib.shortcut import masked_shortcut

INPAINTED, RAW = torch.ones(4, 3, 50, 50), torch.zeros(4, 3, 50, 50)


def test_probability_one_closes_and_zero_opens_the_shortcut(generator: torch.Generator) -> None:
    assert torch.equal(masked_shortcut(INPAINTED, RAW, 1.0, True, generator), INPAINTED)
    assert torch.equal(masked_shortcut(INPAINTED, RAW, 0.0, True, generator), RAW)


def test_evaluation_closes_the_shortcut(generator: torch.Generator) -> None:
    assert torch.equal(masked_shortcut(INPAINTED, RAW, 0.0, False, generator), INPAINTED)


def test_the_share_of_inpainted_places_is_the_probability(generator: torch.Generator) -> None:
    mixed = masked_shortcut(INPAINTED, RAW, 0.95, True, generator)
    assert abs(float(mixed.mean()) - 0.95) < 0.01  # 10,000 places: three deviations are 0.0065


def test_all_channels_of_a_place_go_together(generator: torch.Generator) -> None:
    mixed = masked_shortcut(INPAINTED, RAW, 0.5, True, generator)
    assert torch.equal(mixed[:, 0], mixed[:, 1])
    assert not torch.equal(mixed[0], mixed[1])


def test_the_same_generator_gives_the_same_mask() -> None:
    masks = [masked_shortcut(INPAINTED, RAW, 0.5, True, torch.Generator().manual_seed(seed)) for seed in (3, 3, 4)]
    assert torch.equal(masks[0], masks[1])
    assert not torch.equal(masks[0], masks[2])


def test_gradients_go_where_the_values_came_from(generator: torch.Generator) -> None:
    inpainted, raw = INPAINTED.clone().requires_grad_(), RAW.clone().requires_grad_()
    masked_shortcut(inpainted, raw, 0.5, True, generator).sum().backward()
    assert inpainted.grad is not None
    assert raw.grad is not None
    assert torch.equal(inpainted.grad + raw.grad, torch.ones_like(raw))


@pytest.mark.parametrize("probability", [-0.1, 1.1, float("nan")])
def test_an_impossible_probability_is_named(probability: float) -> None:
    with pytest.raises(ValueError, match=r"0\.\.1, got"):
        masked_shortcut(INPAINTED, RAW, probability, True)
