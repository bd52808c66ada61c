"""What the started processes of a test do; a module of its own, so that they can import it."""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from squidlib.config import LossWeights, SquidConfig
from squidlib.training import recorder
from squidlib.training.config import TrainingConfig
from squidlib.training.devices import Layout, make_fabric
from squidlib.training.loop import start, train, unwrapped
from squidlib.training.run_dir import Run
from squidlib.training.settings import RunSettings
from squidlib.training.state import snapshot
from squidlib.training.trainer import train_run
from squidlib.utils.distributed import world
from squidlib.utils.signals import Interrupted


class StreamOfNoise:
    """``NormalData``: image i of an endless stream is noise that depends on i alone."""

    def __init__(self, size: int, dtype: torch.dtype = torch.float32) -> None:
        self.size, self.dtype = size, dtype

    def images(self, first: int, count: int) -> Tensor:
        return torch.stack(
            [
                torch.rand(1, self.size, self.size, generator=torch.Generator().manual_seed(index)).to(self.dtype)
                for index in range(first, first + count)
            ]
        )

    def batch(self, step: int, size: int) -> Tensor:
        return self.images(step * size, size)

    def reference(self) -> Tensor:
        return self.images(10_000, 9)

    def calibration(self) -> Tensor:
        return self.images(20_000, 12)

    def validation(self) -> Tensor:
        return self.images(30_000, 7)


Ended = tuple[list[list[float]], dict[str, Tensor]]


def trained(fabric: Any, config: SquidConfig, training: TrainingConfig, weights: LossWeights) -> Ended:
    """The losses of every step, and everything that a training leaves.

    In double precision nothing hides behind rounding: what is zero but for rounding, Adam blows up to a whole step.
    """
    state, losses = start(config, training, "cpu", fabric=fabric), list[list[float]]()
    unwrapped(state.squid).double()
    unwrapped(state.discriminator).double()

    for result in train(state, StreamOfNoise(config.image_size, torch.float64), training, weights):
        terms = [] if result.generator is None else [float(term) for term in result.generator]
        terms += [] if result.discriminator is None else [float(result.discriminator)]
        losses.append(terms + ([] if result.validation is None else [result.validation]))
    return losses, snapshot(state)[0]


class StopsAt(StreamOfNoise):
    """At one step, the last process is told to end."""

    def __init__(self, size: int, step: int) -> None:
        super().__init__(size)
        self.step = step

    def batch(self, step: int, size: int) -> Tensor:
        if step == self.step * world() + world() - 1:  # batches are counted over all processes
            os.kill(os.getpid(), signal.SIGTERM)
        return super().batch(step, size)


def run_in(fabric: Any, settings: RunSettings, folder: Path) -> None:
    """Train the run in a folder to its end, saving after every step."""
    recorder.SAVE_SECONDS = -1.0
    train_run(Run(folder), settings, StreamOfNoise(24), fabric=fabric, progress=False)


def stop_in(fabric: Any, settings: RunSettings, folder: Path, step: int) -> str:
    """Train the run in a folder until the last process is told to end at a step; what was said."""
    try:
        train_run(Run(folder), settings, StopsAt(24, step), fabric=fabric, progress=False)
    except Interrupted as stopped:
        return str(stopped)
    return ""


def die_in(fabric: Any, settings: RunSettings, folder: Path, saves: int) -> None:
    """As ``run_in``, but the first process is killed for good when it has saved so often."""
    rename, left = os.replace, [saves]

    def replace(source: Any, target: Any) -> None:
        rename(source, target)
        left[0] -= Path(target).name == "training.safetensors"
        if not left[0]:
            os.kill(os.getpid(), signal.SIGKILL)

    os.replace = replace
    run_in(fabric, settings, folder)


def everything(
    fabric: Any, numbers: tuple[Any, ...], settings: RunSettings, straight: Path, stopped: Path
) -> tuple[Ended, str]:
    """Several things in one start of processes, which is what costs time."""
    ended = trained(fabric, *numbers)
    run_in(fabric, settings, straight)
    said = stop_in(fabric, settings, stopped, 3)
    run_in(fabric, settings, stopped)
    return ended, said


def _of_all(fabric: Any, work: Callable[[Any], Any], file: str) -> None:
    import torch.distributed as dist

    result = work(fabric)
    results: list[Any] = [None] * dist.get_world_size()
    dist.all_gather_object(results, result)
    if dist.get_rank() == 0:
        torch.save(results, file)


def _called(work: Callable[..., Any], arguments: tuple[Any, ...], fabric: Any) -> Any:
    return work(fabric, *arguments)


def by_two(work: Callable[..., Any], *arguments: Any) -> list[Any]:
    """What ``work(fabric, *arguments)`` returns in each of two real processes on the CPU, joined by gloo."""
    with tempfile.TemporaryDirectory() as folder:  # the pipe of the launcher would block where a result is large
        file = f"{folder}/results"
        make_fabric(Layout("cpu", 2)).launch(_of_all, partial(_called, work, arguments), file)
        results: list[Any] = torch.load(file, weights_only=False)
    return results
