"""Training: who is trained when, what is pushed, one forward pass a step, and the schedule."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

import squidlib.training.loop
from squidlib.config import LossWeights
from squidlib.training.config import TrainingConfig
from squidlib.training.loop import TrainingState, schedule, start, train, train_step, unwrapped
from squidlib.training.presets import PRESETS
from squidlib.utils.errors import UserError
from tests.conftest import tiny_config

TINY = TrainingConfig(steps=3, schedule_steps=3, batch_size=4)
WEIGHTS = PRESETS["laptop"]["digitanatomy"].weights


class Noise:
    """Random images as normal data."""

    def batch(self, step: int, size: int) -> Tensor:
        return torch.rand(size, 1, 24, 24, generator=torch.Generator().manual_seed(step))

    def reference(self) -> Tensor:
        return self.batch(99, 5)

    def calibration(self) -> Tensor:
        return self.batch(98, 5)


def prepared(training: TrainingConfig = TINY) -> TrainingState:
    state = start(tiny_config(), training, "cpu")
    list(train(state, Noise(), replace(training, steps=1, refill_memory=False), WEIGHTS))
    return state


def weights_of(module: nn.Module) -> Tensor:
    return torch.cat([parameter.detach().flatten() for parameter in module.parameters()]).clone()


def test_a_step_runs_the_generator_forward_once() -> None:
    state, calls = prepared(), []
    unwrapped(state.squid).encoder.register_forward_hook(lambda *_: calls.append(1))
    train_step(state, Noise().batch(1, 4), 1, TINY, LossWeights())
    assert len(calls) == 1


@pytest.mark.parametrize(("generator_every", "discriminator_every"), [(1, 1), (2, 1), (1, 2)])
def test_each_network_is_trained_at_its_steps_only(generator_every: int, discriminator_every: int) -> None:
    training = replace(TINY, generator_every=generator_every, discriminator_every=discriminator_every)
    for step in (2, 3):
        state = prepared()
        before = weights_of(unwrapped(state.squid)), weights_of(unwrapped(state.discriminator))
        result = train_step(state, Noise().batch(step, 4), step, training, LossWeights())
        moved = not torch.equal(before[0], weights_of(unwrapped(state.squid)))
        judged = not torch.equal(before[1], weights_of(unwrapped(state.discriminator)))
        assert moved == (step % generator_every == 0) == (result.generator is not None)
        assert judged == (step % discriminator_every == 0) == (result.discriminator is not None)


def test_the_generators_loss_leaves_no_gradient_in_the_discriminator() -> None:
    state = prepared()
    state.discriminator_optimizer.zero_grad()
    train_step(state, Noise().batch(2, 4), 1, replace(TINY, discriminator_every=2), LossWeights())
    assert all(parameter.grad is None for parameter in unwrapped(state.discriminator).parameters())


def test_a_step_pushes_its_own_features() -> None:
    state, seen = prepared(), []
    unwrapped(state.squid).inpainting.reduce.register_forward_hook(lambda module, inputs, output: seen.append(output))
    train_step(state, Noise().batch(1, 4), 1, TINY, LossWeights())
    newest = unwrapped(state.squid).inpainting.memory.contents()[:, -4:]
    assert torch.allclose(newest.transpose(0, 1).flatten(), seen[0].detach().flatten(), atol=1e-6)


def test_the_same_seed_gives_the_same_run_and_another_another() -> None:
    runs = []
    for seed in (5, 5, 6):
        training = replace(TINY, seed=seed)
        state = start(tiny_config(), training, "cpu")
        torch.rand(3)  # whatever else draws random numbers must not matter
        list(train(state, Noise(), training, WEIGHTS))
        runs.append(weights_of(unwrapped(state.squid)))
    assert torch.equal(runs[0], runs[1])
    assert not torch.equal(runs[0], runs[2])


def test_two_seeds_of_one_network_still_draw_different_masks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once every seed had the same masks, for torch's CPU generator takes the lower 32 bits of its seed alone."""
    drawn: list[Tensor] = []
    made = squidlib.training.loop.seeded_generator

    def noted(seed: int, index: int, device: torch.device) -> torch.Generator:
        drawn.append(torch.rand(4, generator=made(seed, index, device)))
        return made(seed, index, device)

    monkeypatch.setattr(squidlib.training.loop, "seeded_generator", noted)
    for seed, step in ((0, 0), (1, 0), (0, 1), (1, 1)):
        train_step(prepared(), Noise().batch(1, 4), step, replace(TINY, seed=seed), LossWeights())
    last = [numbers.tolist() for numbers in drawn[1::2]]
    assert len(drawn) == 8
    assert all(one != other for one, other in itertools.combinations(last, 2))


def test_refilling_leaves_the_reference_images_features() -> None:
    training = replace(TINY, refill_memory=True)
    state = start(tiny_config(), training, "cpu")
    list(train(state, Noise(), training, LossWeights()))
    squid = unwrapped(state.squid).eval()
    assert torch.allclose(
        squid.inpainting.memory.contents().transpose(0, 1), squid.query(Noise().reference()), atol=1e-5
    )


def test_a_memory_that_is_asked_for_keeps_its_size_when_it_is_refilled() -> None:
    training = replace(TINY, refill_memory=True, refill_slots=2)
    state = start(tiny_config(), training, "cpu")
    list(train(state, Noise(), training, LossWeights()))
    squid = unwrapped(state.squid).eval()
    spread = squid.query(Noise().reference()[[0, 2]])
    assert torch.allclose(squid.inpainting.memory.contents().transpose(0, 1), spread, atol=1e-5)


def test_training_reduces_the_reconstruction_error() -> None:
    training = replace(TINY, steps=40, schedule_steps=40, learning_rate=2e-3)
    state = start(tiny_config(), training, "cpu")
    results = list(train(state, Noise(), training, LossWeights()))
    errors = [float(result.generator.reconstruction) for result in results if result.generator is not None]
    assert [result.step for result in results] == list(range(40))
    assert sum(errors[-5:]) < 0.95 * sum(errors[:5])


def test_the_schedule_warms_up_and_ends_where_it_should() -> None:
    training = replace(TINY, steps=100, schedule_steps=100, warmup_steps=9, final_learning_rate=0.1)
    factors = [schedule(step, training) for step in range(101)]
    assert factors[0] == pytest.approx(0.1, rel=1e-2)
    assert max(factors) == factors[9]
    assert factors[100] == pytest.approx(0.1)
    assert all(later <= earlier for earlier, later in itertools.pairwise(factors[9:]))


@pytest.mark.parametrize("changes", [{"steps": 0}, {"batch_size": 0}, {"generator_every": 0}, {"seed": -1}])
def test_impossible_training_numbers_are_named(changes: dict[str, int]) -> None:
    with pytest.raises(UserError, match=next(iter(changes)) if "seed" not in changes else "seed"):
        TrainingConfig(**changes)
