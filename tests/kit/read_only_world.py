"""What public callables are called on: a detector, a network, images and arrays, and how calls are written down."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Generator, Tensor, nn

from digitanatomy import DigitAnatomy, Glyphs, mnist5000
from squidlib import (
    shrinkage,
    squid,
)  # fmt: skip
from squidlib.context import ContextPrediction, all_others
from squidlib.detection import (
    checkpoint,
    prediction,
    scores,
)  # fmt: skip
from squidlib.detection.detector import Detector
from squidlib.squid import Squid
from squidlib.training.presets import PRESETS
from tests.conftest import tiny_config
from tests.helpers import noise, untrained


@lru_cache
def _detector(normals: int) -> Detector:
    return untrained(tiny_config(), noise(normals, 24))


class World:
    """What calls are made on: a detector whose networks are partly in training mode, images, arrays.

    ``network`` is for the paper's pieces; it is in evaluation mode, because in training mode they rightly keep
    statistics.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.detector = deepcopy(_detector(40))
        self.detector.squid.train()
        self.detector.squid.encoder.eval()
        self.detector.discriminator.train()
        self.images = noise(5, 24, seed=3)
        self.normals = noise(24, 24, seed=4)
        self.network: Squid = deepcopy(_detector(4)).squid  # 4 of its 6 slots are filled
        self.labels, self.values = np.array([0, 0, 1, 1, 0, 1]), np.array([0.1, 0.4, 0.35, 0.8, 0.2, 0.9])
        self.generator = Generator().manual_seed(0)
        self.points = torch.randn(12, 6, generator=Generator().manual_seed(1))
        self.made: list[nn.Module] = []

    @cached_property
    def glyphs(self) -> Glyphs:
        return mnist5000().split().test

    @cached_property
    def slots(self) -> Tensor:
        return self.network.inpainting.memory.contents()

    @cached_property
    def levels(self) -> list[Tensor]:
        with torch.no_grad():
            return self.network.encode(self.images)

    @cached_property
    def output(self) -> squid.SquidOutput:
        with torch.no_grad():
            return self.network(self.images)

    @cached_property
    def queries(self) -> Tensor:
        return self.output.queries

    @cached_property
    def context(self) -> ContextPrediction:
        length = self.queries.shape[-1]
        return self.keep(ContextPrediction(length, all_others(self.network.config.positions)))  # type: ignore[no-any-return]

    @cached_property
    def knowing(self) -> Any:
        """A detector that also asks the other patches."""
        config = replace(PRESETS["laptop"]["digitanatomy"].config, context=True, slots=12, width=8)
        return untrained(config, DigitAnatomy(self.glyphs, {"normal": 6}, hand=1.0).images())

    @cached_property
    def raw(self) -> scores.RawScores:
        return self.detector.raw_scores(self.normals)

    @cached_property
    def prediction(self) -> prediction.Prediction:
        return self.detector.predict(self.images)

    @cached_property
    def file(self) -> Path:
        checkpoint.save(self.detector, self.folder / "d.safetensors")
        return self.folder / "d.safetensors"

    def keep(self, module: nn.Module) -> Any:
        """A module of its own that is watched, too."""
        self.made.append(module.eval())
        return module


Call = Callable[[World], tuple[Any, ...]]


def properties(home: str, get: Callable[[World], object], *names: str) -> dict[str, Call]:
    """Calls that look at an attribute."""
    return {f"{home}.{name}": lambda w, name=name: (getattr, get(w), name) for name in names}


def two_strongest(weights: Tensor) -> Tensor:
    """A shrinkage."""
    return shrinkage.topk_shrink(weights, 2)
