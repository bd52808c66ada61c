"""Benchmarks: what this machine can do, and how much of it training and inference reach.

The yardstick is the machine's own matrix product: a step that spends its time in convolutions and products can reach
most of that rate, and whatever else it does shows as the missing share. Figures are printed, never asserted.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import torch

from squidlib.squid import fill_memory
from squidlib.training.loop import TrainingState, start, train_step, unwrapped
from squidlib.training.presets import Preset

PRODUCT_SIZE = 2048  #: rows and columns of the matrix product


class StepFigures(NamedTuple):
    """One preset in one precision. Rates in FLOP/s, memory in bytes (the process's peak so far)."""

    flop: float
    step_seconds: float
    training_rate: float
    images_a_second: float
    inference_images_a_second: float
    peak_memory: int


def product_rate(dtype: torch.dtype, device: str, seconds: float = 2.0) -> float:
    """FLOP/s of a square matrix product: the median over repetitions within ``seconds``."""
    left = torch.randn(PRODUCT_SIZE, PRODUCT_SIZE).to(device, dtype)
    right = torch.randn(PRODUCT_SIZE, PRODUCT_SIZE).to(device, dtype)
    return 2 * PRODUCT_SIZE**3 / _median_seconds(lambda: left @ right, device, seconds)


def has_fast_bf16() -> bool:
    """Whether this CPU multiplies bf16 in hardware (AVX-512 BF16 or AMX, or Arm's BF16), as far as torch tells."""
    return _has("avx512_bf16", "amx_bf16", "bf16")


def has_bf16_matrices() -> bool:
    """Whether it multiplies whole matrices of bf16 in hardware (AMX), which is far faster than any fp32 of it."""
    return _has("amx_bf16")


def _has(*names: str) -> bool:
    known: dict[str, bool] = getattr(torch.cpu, "get_capabilities", dict)()
    return any(known.get(name, False) for name in names)


def step_figures(preset: Preset, precision: str, device: str, seconds: float) -> StepFigures:
    """Measure a preset's training step (generator and discriminator both at work) and its inference."""
    from torch.utils.flop_counter import FlopCounterMode

    training = replace(preset.training, precision=precision, generator_every=1, discriminator_every=1)
    state = start(preset.config, training, device)
    images = torch.rand(training.batch_size, *preset.config.image_shape, generator=torch.Generator().manual_seed(0))
    images = images.to(state.fabric.device)
    fill_memory(unwrapped(state.squid), images)
    state.squid.train()

    def step() -> None:
        train_step(state, images, 0, training, preset.weights)

    step()
    with FlopCounterMode(display=False) as counter:
        step()
    flop = float(counter.get_total_flops())
    step_seconds = _median_seconds(step, device, seconds)
    inference_seconds = _median_seconds(lambda: _infer(state, images), device, seconds / 3)
    return StepFigures(
        flop,
        step_seconds,
        flop / step_seconds,
        len(images) / step_seconds,
        len(images) / inference_seconds,
        peak_memory(device),
    )


def peak_memory(device: str) -> int:
    """Bytes: of the GPU where it is used, else of the process."""
    if device == "cuda":
        return torch.cuda.max_memory_allocated()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _infer(state: TrainingState, images: torch.Tensor) -> None:
    state.squid.eval()
    with torch.no_grad():
        state.squid(images)
    state.squid.train()


def _median_seconds(work: Callable[[], object], device: str, seconds: float) -> float:
    work()
    taken: list[float] = []
    while sum(taken) < seconds or len(taken) < 3:
        if device == "cuda":
            torch.cuda.synchronize()
        begun = time.perf_counter()
        work()
        if device == "cuda":
            torch.cuda.synchronize()
        taken.append(time.perf_counter() - begun)
    return sorted(taken)[len(taken) // 2]
