"""Batches made ahead: the same images in the same order, errors at their step, and no thread left behind."""

from __future__ import annotations

import threading
from contextlib import closing
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from squidlib.training import loop
from squidlib.training.loop import start, train
from squidlib.training.prefetch import NAME, batch_threads, batches
from squidlib.training.presets import PRESETS
from tests.data.test_large_sets import SIDE, chest
from tests.helpers import NoiseData


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith(NAME)]


@pytest.mark.parametrize("count", [0, 1, 4])
def test_the_images_are_those_of_the_steps_whatever_the_number_of_threads(count: int) -> None:
    data = chest(60)
    found = list(batches(lambda step: data.batch(step, 4), range(3, 40), count))
    assert len(found) == 37
    for step, images in enumerate(found, 3):
        assert images.equal(data.batch(step, 4))
    assert threads() == []


def test_no_more_are_made_ahead_than_are_soon_needed_and_none_by_this_thread() -> None:
    asked, makers = list[int](), set[str]()

    def make(step: int) -> Tensor:
        asked.append(step)
        makers.add(threading.current_thread().name)
        return torch.zeros(1)

    with closing(batches(make, range(100), 2)) as made:
        for _ in range(5):
            next(made)
        assert threads() != []
    assert threads() == []
    assert max(asked) <= 5 + 2
    assert all(name.startswith(NAME) for name in makers)


def test_an_error_is_raised_at_its_step_and_ends_the_threads() -> None:
    def make(step: int) -> Tensor:
        if step == 3:
            raise OSError("the disk of step 3 is gone")
        return torch.full((1,), float(step))

    made = batches(make, range(100), 2)
    assert [float(next(made)) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(OSError, match="step 3"):
        next(made)
    assert threads() == []


def trained(monkeypatch: pytest.MonkeyPatch, count: int) -> dict[str, Tensor]:
    monkeypatch.setattr(loop, "batch_threads", lambda device: count)
    preset = PRESETS["laptop"]["zhanglab"]
    config = replace(preset.config, image_size=SIDE, grid=2, slots=16)
    training = replace(preset.training, steps=3, schedule_steps=3, batch_size=4, refill_memory=False)
    state = start(config, training, "cpu")
    for _ in train(state, NoiseData(SIDE), training, preset.weights):
        pass
    return {name: value.clone() for name, value in state.squid.state_dict().items()}


def test_training_ends_in_the_same_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    plain, ahead = trained(monkeypatch, 0), trained(monkeypatch, 3)
    assert plain.keys() == ahead.keys()
    assert all(ahead[name].equal(value) for name, value in plain.items())
    assert threads() == []


def test_a_cpu_has_no_threads_for_it_and_a_gpu_has() -> None:
    assert batch_threads(torch.device("cpu")) == 0
    assert batch_threads(torch.device("cuda")) > 0
