"""Chest training: what lesson 13 trains on each machine, and a look at the test set while it does.

A look only: its figures are shown, and nothing is chosen by them.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor

from squidlib.detection.scores import score_batches
from squidlib.training.loop import TrainingState, unwrapped
from squidlib.training.presets import PRESETS, Preset

BATCH = 64  #: images that are looked at at once


def chest_preset(steps: int | None) -> Preset:
    """Ours for chest images, with the warm-up and the schedule of so many steps.

    Args:
        steps: None is as many as the preset has: ``gpu`` where there is a CUDA GPU, else ``laptop``.
    """
    if steps is None:
        return PRESETS["gpu"]["zhanglab"] if torch.cuda.is_available() else PRESETS["laptop"]["zhanglab"]
    preset = PRESETS["laptop"]["zhanglab"]
    warm = min(preset.training.warmup_steps, max(1, steps // 8))
    return preset._replace(training=replace(preset.training, steps=steps, schedule_steps=steps, warmup_steps=warm))


@torch.no_grad()
def glance(state: TrainingState, images: Float[Tensor, "B 1 H W"]) -> dict[str, Tensor]:
    """Two scores as they are at this moment, (B,) each: the discriminator's, and the worst tile's memory distance.

    They are taken in evaluation mode (``score_batches``); the networks are left in training mode.
    """
    squid, discriminator = unwrapped(state.squid), unwrapped(state.discriminator)
    try:
        raw = score_batches(squid, discriminator, images.to(state.fabric.device), BATCH)
    finally:
        state.squid.train()
        state.discriminator.train()
    return {"discriminator": raw.discriminator.cpu(), "memory distance": raw.distance.amax(-1).cpu()}
