"""What several test files build: untrained detectors, noise to train on, the command line as a function."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest
import torch
from torch import Tensor

from squidlib.cli.main import main
from squidlib.config import SquidConfig
from squidlib.detection.calibration import calibrate
from squidlib.detection.detector import Detector
from squidlib.discriminator import Discriminator
from squidlib.squid import Squid, fill_memory
from squidlib.training import context
from squidlib.training.presets import PRESETS


class Said(NamedTuple):
    """What a command left: its exit code, stdout, and the lines of stderr."""

    code: int
    out: str
    errors: list[str]


def squid(capsys: pytest.CaptureFixture[str], *arguments: object) -> Said:
    """Run the command line in this process."""
    capsys.readouterr()
    code = main([str(argument) for argument in arguments])
    out, err = capsys.readouterr()
    return Said(code, out, err.splitlines())


def untrained(config: SquidConfig, normals: Tensor) -> Detector:
    """A whole detector whose weights are random, always the same ones."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network, discriminator = Squid(config), Discriminator(config.image_shape)
    fill_memory(network, normals)
    metadata = {"data": "digitanatomy", "glyphs": "mnist5000"}
    return Detector(network, discriminator, calibrate(network, discriminator, normals), metadata)


def noise(count: int, size: int, seed: int = 0) -> Tensor:
    """(count, 1, size, size) in 0..1."""
    return torch.rand(count, 1, size, size, generator=torch.Generator().manual_seed(seed))


class NoiseData:
    """``NormalData`` of any size."""

    def __init__(self, size: int) -> None:
        self.size = size

    def batch(self, step: int, size: int) -> Tensor:
        return noise(size, self.size, seed=step)

    def reference(self) -> Tensor:
        return noise(9, self.size, seed=1000)

    def calibration(self) -> Tensor:
        return noise(12, self.size, seed=1001)


def contents(folder: Path) -> dict[str, str]:
    """Every path below a folder with the hash of what is in it."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "folder"
        for path in folder.rglob("*")
    }


def refusal(action: Callable[[], object]) -> str:
    """The text of the UserError that an action raises; fails where it raises none or takes more than a line."""
    from squidlib.utils.errors import UserError

    with pytest.raises(UserError) as caught:
        action()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def shorten(monkeypatch: pytest.MonkeyPatch, *datasets: str) -> None:
    """Let the laptop preset of these data sets train for two steps of four images."""
    for name in datasets:
        preset = PRESETS["laptop"][name]
        short = replace(preset.training, steps=2, schedule_steps=2, batch_size=4)
        monkeypatch.setitem(PRESETS["laptop"], name, preset._replace(training=short))
    monkeypatch.setattr(context, "STEPS", 2)
    monkeypatch.setattr(context, "IMAGES", 64)
