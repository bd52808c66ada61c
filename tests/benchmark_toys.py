"""Toy methods and a toy data set for the benchmark's tests; another process imports them by name."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from squidlib.baselines.base import Method, Progress
from squidlib.benchmark.registry import NAIVE, Entry
from squidlib.benchmark.source import FitData
from squidlib.data.base import TestSet
from squidlib.training.presets import Preset
from squidlib.utils.safetensors_io import write_atomically
from tests.helpers import noise

SIDE = 24
KINDS = ["normal"] * 8 + ["novel"] * 6 + ["missing"] * 6


def toy_images() -> Tensor:
    """Normal images are dim, abnormal ones brighter, but not all of them clearly."""
    images = 0.5 * noise(len(KINDS), SIDE, seed=7)
    bright = torch.tensor([0.0 if kind == "normal" else 0.1 for kind in KINDS]) + 0.05 * torch.arange(len(KINDS)) % 0.07
    return (images + bright[:, None, None, None]).clamp(0, 1)


@dataclass(frozen=True)
class ToySource:
    """``Source`` of noise."""

    def fit_data(self, seed: int, augmented: bool = True) -> FitData:
        normals = 0.5 * noise(9, SIDE, seed=1)
        return FitData(
            normals, 0.5 * noise(20 if augmented else 0, SIDE, seed=2 + seed), 0.5 * noise(12, SIDE, 3), toy_images()
        )

    def test_set(self) -> TestSet:
        masks = torch.zeros(len(KINDS), 1, SIDE, SIDE, dtype=torch.bool)
        masks[[kind != "normal" for kind in KINDS], :, :4] = True
        return TestSet(toy_images(), KINDS, masks, None, [0, 8, 14])


def toy_figures(value: float) -> dict[str, Any]:
    """What a job finds, all AUCs being ``value``."""
    decision = {"threshold": 1.0, "accuracy": 0.5, "f1": 0.25, "sensitivity": 0.75, "specificity": 0.125}
    return {
        "auc": {"abnormal": value, "mean": value, "all": value},
        "calibrated": decision,
        "oracle": decision | {"accuracy": 0.625},
        "pixel_auc": None,
        "name": "PaDiM (random weights)",
        "steps": 1234,
        "fit_seconds": 9.6,
        "images_a_second": 321.4,
        "parameters": 5_500_000,
        "peak_memory_bytes": 1_500_000_000,
        "peak_cuda_bytes": None,
        "threads": 2,
        "device": "cpu",
    }


class Brightness:
    """Score: mean brightness; notes in ``calls`` what it was asked, in the order."""

    name = "brightness (of pixels)"

    def __init__(self) -> None:
        self.calls: list[tuple[str, tuple[object, ...]]] = []

    def fit(
        self, normals: Tensor, seed: int = 0, progress: Progress = range, augmented: Tensor | None = None
    ) -> Brightness:
        self.calls.append(("fit", (normals, seed, augmented)))
        return self

    def calibrate(self, normals: Tensor) -> Brightness:
        self.calls.append(("calibrate", (normals,)))
        return self

    def score(self, images: Tensor) -> Tensor:
        self.calls.append(("score", (images,)))
        return images.mean(dim=(1, 2, 3))

    def reconstruct(self, images: Tensor) -> Tensor:
        return 1 - images

    def anomaly_map(self, images: Tensor) -> Tensor:
        return images


def busy(seconds: float) -> None:
    """Keep the processor at work; sleeping would not count where its own time is measured."""
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


class Stepwise(Brightness):
    """Trained in two phases, of which the second has a quarter of the steps."""

    name = "stepwise"

    def __init__(self, seconds: float = 0.001) -> None:
        super().__init__()
        self.steps, self.seconds, self.done = 1000, seconds, 0

    def fit(
        self, normals: Tensor, seed: int = 0, progress: Progress = range, augmented: Tensor | None = None
    ) -> Stepwise:
        self.calls.append(("fit", (normals, seed, augmented)))
        self.weights = torch.nn.Linear(3, 2)  # 8 parameters
        for phase in (self.steps - self.steps // 4, self.steps // 4):
            for _ in progress(phase):
                busy(self.seconds)
                self.done += 1
        return self


class Failing(Brightness):
    name = "failing"

    def fit(
        self, normals: Tensor, seed: int = 0, progress: Progress = range, augmented: Tensor | None = None
    ) -> Brightness:
        raise RuntimeError("the toy\nis broken")


class Killed(Brightness):
    """As the operating system's out-of-memory killer does it."""

    name = "killed"

    def score(self, images: Tensor) -> Tensor:
        os.kill(os.getpid(), signal.SIGKILL)
        return images


class Blind(Brightness):
    name = "blind"

    def score(self, images: Tensor) -> Tensor:
        return torch.full((len(images),), float("nan"))


class Marked(Brightness):
    """Takes a second; a file marks its beginning and holds its process and its parent's, another one its end."""

    name = "marked"

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder, self.stem = folder, f"{os.getpid()}-{id(self)}"

    def fit(
        self, normals: Tensor, seed: int = 0, progress: Progress = range, augmented: Tensor | None = None
    ) -> Brightness:
        mark = self.folder / f"{seed}-{self.stem}"
        write_atomically(mark.with_suffix(".begun"), f"{os.getpid()} {os.getppid()}".encode())
        time.sleep(1)
        write_atomically(mark.with_suffix(".ended"), b"")
        return self


@dataclass(frozen=True)
class Marking:
    """``Entry.build`` of ``Marked``."""

    folder: Path

    def __call__(self, preset: Preset) -> Method:
        return Marked(self.folder)


def brightness(preset: Preset) -> Method:
    return Brightness()


def stepwise(preset: Preset) -> Method:
    return Stepwise()


def failing(preset: Preset) -> Method:
    return Failing()


def killed(preset: Preset) -> Method:
    return Killed()


def blind(preset: Preset) -> Method:
    return Blind()


TOYS = {
    "SQUID": Entry(stepwise),
    "brightness": Entry(brightness, NAIVE),
    "failing": Entry(failing),
    "killed": Entry(killed),
}


def ending(code: int) -> None:
    """For ``run_apart``: the process is gone before anybody can say why."""
    os._exit(code)


def deaf(ready: Event) -> None:
    """A process that does not end when it is told to."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    ready.set()
    time.sleep(60)
