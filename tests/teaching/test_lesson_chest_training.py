"""Chest training in a lesson: the preset fits the number of steps, and a look at the test set changes nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from squidlib.squid import fill_memory
from squidlib.teaching.lesson.chest_training import chest_preset, glance
from squidlib.training.loop import start, train_step, unwrapped
from squidlib.training.presets import PRESETS
from tests.conftest import tiny_config
from tests.helpers import noise


@pytest.mark.parametrize("steps", [1, 4, 90, 2000])
def test_schedule_and_warm_up_fit_the_steps(steps: int) -> None:
    training = chest_preset(steps).training
    assert (training.steps, training.schedule_steps) == (steps, steps)
    assert 1 <= training.warmup_steps <= max(1, steps // 8)
    assert training.warmup_steps <= PRESETS["laptop"]["zhanglab"].training.warmup_steps


def test_without_a_number_it_is_the_preset_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for there, expected in ((True, PRESETS["gpu"]["zhanglab"]), (False, PRESETS["laptop"]["zhanglab"])):
        monkeypatch.setattr(torch.cuda, "is_available", lambda there=there: there)
        assert chest_preset(None) == expected


def test_a_glance_scores_every_image_and_leaves_the_training_as_it_was() -> None:
    preset = PRESETS["laptop"]["zhanglab"]
    training = replace(preset.training, steps=2, batch_size=4)
    seen = []
    for looks in (False, True):
        state = start(tiny_config(), training, "cpu")
        fill_memory(unwrapped(state.squid), noise(4, 24))
        for step in range(2):
            train_step(state, noise(4, 24, seed=step), step, training, preset.weights)
            if looks:
                scores = glance(state, noise(5, 24, seed=9))
                assert {name: tuple(values.shape) for name, values in scores.items()} == {
                    "discriminator": (5,), "memory distance": (5,),
                }  # fmt: skip
                assert state.squid.training
                assert state.discriminator.training
        seen.append(torch.cat([value.flatten().float() for value in unwrapped(state.squid).state_dict().values()]))
    assert torch.equal(seen[0], seen[1])


def test_a_glance_does_not_depend_on_the_images_beside_it() -> None:
    """In training mode, batch normalisation would mix them."""
    state = start(tiny_config(), replace(PRESETS["laptop"]["zhanglab"].training, steps=1), "cpu")
    images = noise(6, 24)
    fill_memory(unwrapped(state.squid), images)
    state.squid.train()
    state.discriminator.train()
    alone, among = glance(state, images[:1]), glance(state, images)
    for name, values in alone.items():
        assert torch.allclose(values[0], among[name][0], atol=1e-5)
