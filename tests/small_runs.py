"""Small runs in folders, for the tests of what a run's files and folder go through."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from torch import Tensor

from squidlib.config import LossWeights
from squidlib.training.config import TrainingConfig
from squidlib.training.run_dir import Run
from squidlib.training.settings import RunSettings
from squidlib.training.trainer import train_run
from tests.conftest import tiny_config
from tests.helpers import NoiseData

CONFIG = tiny_config()
TRAINING = TrainingConfig(steps=6, schedule_steps=6, batch_size=4, refill_memory=True)
SETTINGS = RunSettings(CONFIG, TRAINING, LossWeights(), {"data": "noise"})
OTHER = replace(SETTINGS, training=replace(TRAINING, seed=1))


class At(NoiseData):
    """Noise; something happens when the images of one step are asked for."""

    def __init__(self, step: int, action: Callable[[Tensor], Tensor | None]) -> None:
        super().__init__(CONFIG.image_size)
        self.step, self.action = step, action

    def batch(self, step: int, size: int) -> Tensor:
        images = super().batch(step, size)
        changed = self.action(images) if step == self.step else None
        return images if changed is None else changed


class Stop(Exception):  # noqa: N818 (it is no error)
    """Ends a training in a test."""


def stop(_: Tensor) -> None:
    raise Stop


def begun(folder: Path, settings: RunSettings = SETTINGS) -> Run:
    run = Run(folder)
    run.begin(settings)
    return run


def stopped(folder: Path, settings: RunSettings = SETTINGS) -> Run:
    """A run of which three steps are done and saved."""
    run = begun(folder, settings)
    with pytest.raises(Stop):
        train_run(run, settings, At(3, stop), "cpu", progress=False)
    return run


def go_on(run: Run) -> None:
    train_run(run, run.check_whole(), NoiseData(CONFIG.image_size), "cpu", progress=False)
