"""Loop speed: how long a training's steps take with their data, and how much of that they wait for it.

The same steps are timed twice, once on batches that are made for them and once on a batch that is ready: what the first
takes longer is time in which the device waits for images. Figures are printed, never asserted.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from itertools import islice
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from squidlib.data.base import NormalData
from squidlib.training.loop import start, train
from squidlib.training.presets import Preset
from squidlib.training.speed import peak_memory

WARM = 8  #: steps before the clock starts: the first ones compile, allocate and choose algorithms


class LoopFigures(NamedTuple):
    """images_a_second, with their data; step_seconds; waiting, the share of a step that waits for data, 0..1; idle, the
    share in which the GPU computes nothing, None on a CPU; peak_memory in bytes."""

    images_a_second: float
    step_seconds: float
    waiting: float
    idle: float | None
    peak_memory: int


class Ready:
    """Data whose every batch is the same one, made once."""

    def __init__(self, images: Float[Tensor, "B C H W"]) -> None:
        self.images = images

    def batch(self, step: int, size: int) -> Float[Tensor, "B C H W"]:
        return self.images

    def reference(self) -> Float[Tensor, "B C H W"]:
        return self.images

    calibration = reference


def loop_figures(preset: Preset, data: NormalData, device: str, steps: int = 40) -> LoopFigures:
    """Train a new network of this preset for so many steps, on ``data`` and on a batch that is ready."""
    size = preset.training.batch_size
    ready = _seconds(preset, Ready(data.batch(0, size)), device, steps)
    taken = _seconds(preset, data, device, steps)
    idle = None
    if device == "cuda":
        idle = idle_share(lambda: _seconds(preset, data, device, steps), (WARM + steps) * taken)
    return LoopFigures(size / taken, taken, waiting_share(taken, ready), idle, peak_memory(device))


def waiting_share(taken: float, ready: float) -> float:
    """Of a step that took ``taken`` seconds, and ``ready`` where nothing had to be made for it; 0 at least."""
    return max(0.0, 1 - ready / taken)


def idle_share(work: Callable[[], object], seconds: float) -> float:
    """The share of ``seconds`` in which the GPU runs no kernel of ``work``; 0 at least."""
    from torch.profiler import ProfilerActivity, profile

    with profile(activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA]) as told:
        work()
    busy = sum(event.self_device_time_total for event in told.key_averages()) / 1e6
    return max(0.0, 1 - busy / seconds)


def _seconds(preset: Preset, data: NormalData, device: str, steps: int) -> float:
    """Of a step of a new network, the mean of so many after the first ``WARM``."""
    training = replace(preset.training, steps=WARM + steps, schedule_steps=WARM + steps, refill_memory=False)
    results = train(start(preset.config, training, device), data, training, preset.weights)
    for _ in islice(results, WARM):
        pass
    _finish(device)
    begun = time.perf_counter()
    for _ in islice(results, steps):
        pass
    _finish(device)
    results.close()  # type: ignore[attr-defined]
    return (time.perf_counter() - begun) / steps


def _finish(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()
