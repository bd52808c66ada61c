"""Context prediction: nothing of a patch is in its own prediction, and what does not belong scores high."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from squidlib.context import ContextPrediction, all_others, context_loss, context_score
from squidlib.squid import Squid
from squidlib.training.context import rise_and_fall, train_context
from tests.conftest import tiny_config
from tests.helpers import NoiseData

POSITIONS, FEATURES = 6, 12


def model(seed: int = 0) -> ContextPrediction:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return ContextPrediction(FEATURES, all_others(POSITIONS), 16)


def images_of_one_hand(count: int, seed: int, private: float = 0.1) -> Tensor:
    """Features (count, R, D): what an image's patches share, turned in another way at every position, and a little of
    their own."""
    generator = torch.Generator().manual_seed(seed)
    shared = torch.randn(count, 1, FEATURES, generator=generator).expand(-1, POSITIONS, -1)
    turns = torch.randn(POSITIONS, FEATURES, FEATURES, generator=torch.Generator().manual_seed(99))
    own = torch.randn(count, POSITIONS, FEATURES, generator=generator)
    return torch.einsum("brd,rde->bre", shared, torch.linalg.qr(turns).Q) + private * own


def learned() -> ContextPrediction:
    found = model()
    optimizer = torch.optim.Adam(found.parameters(), 3e-3)
    for step in range(250):
        optimizer.zero_grad()
        context_loss(found, images_of_one_hand(64, step)).backward()
        optimizer.step()
    return found.eval()


@pytest.fixture(scope="module")
def trained() -> ContextPrediction:
    return learned()


@pytest.mark.parametrize("place", range(POSITIONS))
def test_a_patch_is_not_in_its_own_prediction(place: int) -> None:
    queries = torch.randn(3, POSITIONS, FEATURES, generator=torch.Generator().manual_seed(1), requires_grad=True)
    predicted = model()(queries).predicted
    (gradient,) = torch.autograd.grad(predicted[:, place].sum(), queries)
    assert not gradient[:, place].any()
    assert gradient.abs().sum((0, 2))[torch.arange(POSITIONS) != place].min() > 0  # every other one is asked
    changed = queries.detach().clone()
    changed[:, place] += 100
    assert torch.equal(model()(changed).predicted[:, place], predicted[:, place])


def test_only_those_that_are_asked_are_heard() -> None:
    asked = np.zeros((3, 3), dtype=bool)
    asked[0, 1] = asked[1, 0] = asked[2, 0] = True
    queries = torch.randn(2, 3, FEATURES, requires_grad=True)
    predicted = ContextPrediction(FEATURES, asked)(queries).predicted
    for place in range(3):
        (gradient,) = torch.autograd.grad(predicted[:, place].sum(), queries, retain_graph=True)
        assert ((gradient.abs().sum((0, 2)) > 0).numpy() == asked[place]).all()


def test_who_would_leak_and_who_is_told_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="leak"):
        ContextPrediction(FEATURES, np.ones((3, 3), dtype=bool))
    with pytest.raises(ValueError, match="at least one other"):
        ContextPrediction(FEATURES, np.zeros((3, 3), dtype=bool))


def test_the_loss_of_images_that_are_all_alike_is_the_logarithm_of_their_number() -> None:
    queries = torch.randn(1, POSITIONS, FEATURES).expand(8, -1, -1)
    assert float(context_loss(model(), queries).detach()) == pytest.approx(math.log(8), abs=1e-5)


def test_patches_that_share_a_hand_are_told_from_others(trained: ContextPrediction) -> None:
    assert float(context_loss(trained, images_of_one_hand(64, 1000)).detach()) < 0.5 * math.log(64)


def test_patches_that_share_nothing_are_not() -> None:
    found = model()
    optimizer = torch.optim.Adam(found.parameters(), 3e-3)
    for step in range(100):
        generator = torch.Generator().manual_seed(step)
        optimizer.zero_grad()
        context_loss(found, torch.randn(64, POSITIONS, FEATURES, generator=generator)).backward()
        optimizer.step()
    fresh = torch.randn(64, POSITIONS, FEATURES, generator=torch.Generator().manual_seed(5000))
    assert float(context_loss(found, fresh).detach()) > 0.95 * math.log(64)


def test_a_patch_of_another_image_scores_higher_than_the_images_own(trained: ContextPrediction) -> None:
    slots = images_of_one_hand(100, 2000).transpose(0, 1)
    images, others = images_of_one_hand(50, 2001), images_of_one_hand(50, 2002)
    strange = images.clone()
    strange[:, 2] = others[:, 2]
    with torch.no_grad():
        before, after = (context_score(trained, each, slots)[:, 2] for each in (images, strange))
    assert float((after > before).float().mean()) > 0.95
    assert float(before.mean()) < 0 < float(after.mean())


def test_where_every_slot_is_the_patch_itself_it_fits_as_well_as_usual() -> None:
    queries = images_of_one_hand(1, 7)
    slots = queries.transpose(0, 1).expand(-1, 5, -1)
    assert torch.allclose(context_score(model(), queries, slots), torch.zeros(1, POSITIONS), atol=1e-5)


def test_the_order_of_slots_and_of_images_does_not_matter(trained: ContextPrediction) -> None:
    slots, queries = images_of_one_hand(20, 3).transpose(0, 1), images_of_one_hand(6, 4)
    with torch.no_grad():
        found = context_score(trained, queries, slots)
        assert torch.allclose(context_score(trained, queries, slots.flip(1)), found, atol=1e-4)
        assert torch.allclose(context_score(trained, queries.flip(0), slots).flip(0), found, atol=1e-4)


def test_training_it_changes_nothing_of_squid_and_is_a_function_of_the_seed() -> None:
    torch.manual_seed(0)
    squid = Squid(tiny_config()).train()
    before = {name: value.clone() for name, value in squid.state_dict().items()}
    drawn = torch.get_rng_state()
    one, same, other = (train_context(squid, NoiseData(24), seed, steps=3, images=20) for seed in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), drawn)
    assert squid.training
    assert all(torch.equal(value, before[name]) for name, value in squid.state_dict().items())
    assert all(value.grad is None for value in squid.parameters())
    pairs = zip(one.parameters(), same.parameters(), strict=True)
    assert all(torch.equal(left, right) for left, right in pairs)
    assert any(not torch.equal(left, right) for left, right in zip(one.parameters(), other.parameters(), strict=True))


@pytest.mark.parametrize("steps", [1, 2, 3, 30])
def test_the_learning_rate_rises_to_its_height_and_falls_to_nearly_nothing(steps: int) -> None:
    factors = [rise_and_fall(step, steps) for step in range(steps)]
    assert max(factors) == 1
    assert min(factors) > 0
    assert factors[-1] <= max(0.3, 1 / steps) or steps < 4


@pytest.mark.parametrize("wrong", [{"steps": 0}, {"images": 0}])
def test_nothing_to_learn_from_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="at least one step and one image"):
        train_context(Squid(tiny_config()), NoiseData(24), **wrong)
