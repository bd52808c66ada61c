"""Precision: the number format in which a training computes where the command names none.

bf16 halves the memory traffic, and processors with AMX multiply matrices of it far faster. How much faster a step is
depends on its networks, too, so a few steps are timed in both formats. The same seed gives the same run only in the
same format: where the gain is small, as with AVX-512 BF16 alone, nothing is tried, for chance would decide. A run keeps
its format in run.json.
"""

from __future__ import annotations

import time
from dataclasses import replace

import torch

from squidlib.training.devices import resolve_device
from squidlib.training.loop import start, train
from squidlib.training.loop_speed import WARM, Ready
from squidlib.training.presets import Preset
from squidlib.training.speed import has_bf16_matrices

FULL, HALF = "32-true", "bf16-mixed"
WORTH = 1.35  #: from so many times as fast on, bf16 is taken: less could be chance, and then two runs would differ
LEAST_STEPS = 300  #: of a training that is worth a trial
TRIAL_STEPS = 12


def fitting_precision(preset: Preset, device: str, steps: int) -> str:
    """The number format for a training of ``steps`` steps; where there was a choice, a line on stdout says which.

    A GPU computes in the preset's format if it has arithmetic for it. A CPU with AMX computes in bf16 where the preset
    is as good in it (``Preset.bf16``) and a trial shows that it is clearly faster.

    Args:
        preset: fitted to the images.
        device: auto, cpu, cuda or mps.
    """
    wanted, accelerator = preset.training.precision, resolve_device(device)
    if wanted not in (FULL, HALF):
        return wanted
    if accelerator == "cuda" and (wanted == FULL or torch.cuda.is_bf16_supported(including_emulation=False)):
        return wanted
    if accelerator == "cpu" and (preset.bf16 or wanted == HALF) and steps >= LEAST_STEPS and has_bf16_matrices():
        ratio = bf16_speed(preset)
        found = HALF if ratio >= WORTH else FULL
        print(
            f"note: precision {found}: a step in {HALF} is {ratio:.1f} times as fast as in {FULL} here, and is taken "
            f"from {WORTH} on (--precision overrules it)"
        )
        return found
    if wanted == HALF:
        print(f"note: precision {FULL} on this {accelerator} (--precision overrules it)")
    return FULL


def bf16_speed(preset: Preset) -> float:
    """How many times as fast a training step on this CPU is in bf16 as in fp32: from steps of new networks on noise.

    The formats take turns and the fastest step of each counts, so that what else the machine does slows neither alone.
    """
    training = replace(
        preset.training, steps=WARM + TRIAL_STEPS + 1, compile=False, generator_every=1, discriminator_every=1
    )
    shape, generator = preset.config.image_shape, torch.Generator().manual_seed(training.seed)
    data = Ready(torch.rand(training.batch_size, *shape, generator=generator))
    runs = []
    for name in (FULL, HALF):
        one = replace(training, precision=name)
        runs.append(train(start(preset.config, one, "cpu"), data, one, preset.weights))
    least = [float("inf")] * len(runs)
    for number in range(WARM + TRIAL_STEPS):
        for place, run in enumerate(runs):
            begun = time.perf_counter()
            next(run)
            if number >= WARM:
                least[place] = min(least[place], time.perf_counter() - begun)
    return least[0] / least[1]
