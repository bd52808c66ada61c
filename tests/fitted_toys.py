"""Small IF 2D, IGD, CutPaste and M-KD, and images for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from squidlib.backbone import Backbone
from squidlib.baselines import IGD, CutPaste, ImplicitField, MultiresolutionDistillation
from squidlib.baselines.base import seeded
from tests.helpers import noise


def small_teacher(size: int = 32) -> Backbone:
    """Random convolutions at strides 4, 8, 16 and 32."""

    def build() -> nn.Sequential:
        stages = [nn.Sequential(nn.Conv2d(3, 8, 4, 4), nn.ReLU())]
        return nn.Sequential(*stages, *(nn.Sequential(nn.Conv2d(8, 8, 2, 2), nn.ReLU()) for _ in range(3)))

    return Backbone("small", list(seeded(0, build)), (8, 8, 8, 8), size)


def distillation(steps: int) -> MultiresolutionDistillation:
    return MultiresolutionDistillation(small_teacher(), width=4, steps=steps, batch_size=8)


METHODS: dict[str, Callable[[int], Any]] = {
    "IF 2D": lambda steps: ImplicitField(
        code=8, width=32, layers=2, pixels=64, steps=steps, batch_size=8, learning_rate=5e-3, fitting_steps=5
    ),
    "IGD": lambda steps: IGD(code=8, width=4, steps=steps, batch_size=8),
    "CutPaste": lambda steps: CutPaste(width=4, steps=steps, batch_size=8),
    "M-KD (small, random weights)": distillation,
}
NORMALS = noise(12, 32)


def discs(count: int, seed: int, square: bool = False) -> Tensor:
    """Bright discs near the middle of noisy images; or squares, which no normal image shows."""
    generator = torch.Generator().manual_seed(seed)
    middles = 12 + 8 * torch.rand(count, 2, 1, 1, generator=generator)
    rows = torch.arange(32.0)[None, :, None] - middles[:, 0]
    columns = torch.arange(32.0)[None, None, :] - middles[:, 1]
    inside = (rows.abs().maximum(columns.abs()) < 9) if square else (rows**2 + columns**2 < 36)
    noisy = 0.8 * inside + 0.2 * torch.rand(count, 32, 32, generator=generator)
    return noisy[:, None]
