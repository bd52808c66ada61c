"""Precision: the number format in which a training computes where the command names none.

bf16 halves the memory traffic, and processors with arithmetic for it (AMX, part of those with AVX-512) multiply faster
in it. Whether a step is faster depends on its networks, too, so a few steps are timed in both formats. The same seed
gives the same run only in the same format; a run keeps its own in run.json.
"""

from __future__ import annotations

from dataclasses import replace

import torch

from squidlib.training.devices import resolve_device
from squidlib.training.loop_speed import Ready, step_seconds
from squidlib.training.presets import Preset
from squidlib.training.speed import has_fast_bf16

FULL, HALF = "32-true", "bf16-mixed"
WORTH = 1.25  #: from so many times as fast on, bf16 is taken: less could be chance, and then two runs would differ
LEAST_STEPS = 300  #: of a training that is worth a trial
TRIAL_STEPS = 12


def fitting_precision(preset: Preset, device: str, steps: int) -> str:
    """The number format for a training of ``steps`` steps; where there was a choice, a line on stdout says which.

    A GPU computes in the preset's format if it has arithmetic for it. A CPU computes in bf16 where the preset is as
    good in it (``Preset.bf16``) and a trial shows that it is clearly faster.

    Args:
        preset: fitted to the images.
        device: auto, cpu, cuda or mps.
    """
    wanted, accelerator = preset.training.precision, resolve_device(device)
    if wanted not in (FULL, HALF):
        return wanted
    if accelerator == "cuda" and (wanted == FULL or torch.cuda.is_bf16_supported(including_emulation=False)):
        return wanted
    if accelerator == "cpu" and (preset.bf16 or wanted == HALF) and steps >= LEAST_STEPS and has_fast_bf16():
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


def bf16_speed(preset: Preset, device: str = "cpu") -> float:
    """How many times as fast a training step is in bf16 as in fp32: from some steps of new networks on noise."""
    training = replace(preset.training, compile=False)
    noise = torch.rand(
        training.batch_size, *preset.config.image_shape, generator=torch.Generator().manual_seed(training.seed)
    )
    full, half = (
        step_seconds(preset._replace(training=replace(training, precision=name)), Ready(noise), device, TRIAL_STEPS)
        for name in (FULL, HALF)
    )
    return full / half
