"""The registry: one file and one line make a data set that trains and is evaluated like the kit's own."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import Tensor

from squidlib.benchmark.evaluate import evaluate
from squidlib.config import LossWeights
from squidlib.data.base import Dataset, TestSet
from squidlib.data.digits import Digits
from squidlib.data.options import DataOptions, Entry
from squidlib.data.registry import DATASETS, entry, open_dataset, settings_of, where_to_get
from squidlib.training.config import TrainingConfig
from squidlib.training.loop import train
from squidlib.training.presets import PRESETS, fit_to, preset_for
from squidlib.training.state import start
from squidlib.training.trainer import finish
from squidlib.utils.errors import UserError
from tests.conftest import tiny_config
from tests.helpers import refusal


class Stripes:
    """Normal images have stripes down, abnormal ones across."""

    settings, notes, photographic = {"data": "stripes"}, ("made of stripes",), False
    epoch_images, image_shape = 32, (1, 24, 24)

    def batch(self, step: int, size: int) -> Tensor:
        generator = torch.Generator().manual_seed(step)
        stripes = (torch.arange(24) // 3 % 2).float().expand(size, 1, 24, 24)
        return (0.8 * stripes + 0.2 * torch.rand(size, 1, 24, 24, generator=generator)).contiguous()

    def reference(self) -> Tensor:
        return self.batch(100, 16)

    def calibration(self) -> Tensor:
        return self.batch(101, 24)

    def validation(self) -> Tensor:
        return self.batch(102, 8)

    def test(self) -> TestSet:
        images = torch.cat([self.batch(103, 8), self.batch(104, 8).transpose(2, 3)])
        return TestSet(images, ["normal"] * 8 + ["across"] * 8)


def _none(options: DataOptions) -> dict[str, Any]:
    return {}


@pytest.fixture
def stripes(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("stripes_of_a_test")
    module.ENTRY = Entry(_none, lambda settings, seed, download: Stripes(), "draw them")  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setitem(DATASETS, "stripes", module.__name__)


@pytest.mark.usefixtures("stripes")
def test_a_new_data_set_is_trained_on_and_evaluated() -> None:
    data = open_dataset(settings_of("stripes", DataOptions()), 0)
    assert isinstance(data, Dataset)
    assert where_to_get("stripes") == "draw them"
    training = TrainingConfig(steps=12, schedule_steps=12, batch_size=4, learning_rate=2e-3, refill_memory=True)
    state = start(tiny_config(), training, "cpu")
    for _ in train(state, data, training, LossWeights()):
        pass
    found = evaluate(finish(state, data, {}), data)
    assert found.images == {"normal": 8, "across": 8}
    assert found.scores["distance"].mean == 1.0


@pytest.mark.usefixtures("stripes")
def test_a_new_data_set_has_the_presets_of_a_folder() -> None:
    assert preset_for("laptop", "stripes") == PRESETS["laptop"]["folder"]


@pytest.mark.parametrize("name", DATASETS)
def test_every_data_set_has_an_entry_and_a_preset_of_its_own(name: str) -> None:
    assert callable(entry(name).open)
    assert all(name in column or (preset, name) == ("backbone", "digitanatomy") for preset, column in PRESETS.items())
    assert entry(name).private == (name != "digitanatomy")


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    for action in (lambda: entry("cifar"), lambda: open_dataset({}, 0)):
        text = refusal(action)
        assert "digitanatomy, zhanglab, chexpert, covidx, pneumoniamnist, folder" in text


def test_settings_of_digits_make_the_same_digits_again() -> None:
    settings = settings_of("digitanatomy", DataOptions(glyphs="sklearn_digits", held_back=0.1))
    data = open_dataset({**settings, "preset": "laptop", "seed": 3}, 3)
    assert isinstance(data, Digits)
    assert data.settings == settings
    assert torch.equal(open_dataset(data.settings, 3).batch(1, 4), data.batch(1, 4))


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("digitanatomy", DataOptions(folder=Path()), "--glyphs"),
        ("digitanatomy", DataOptions(contamination=0.1), "--contamination is for chest X-rays"),
        ("digitanatomy", DataOptions(image_size=64), "--size is for a folder"),
        ("digitanatomy", DataOptions(test_each=9), "--test-each is for chexpert"),
        ("zhanglab", DataOptions(), "--data: the folder of zhanglab is needed"),
        ("zhanglab", DataOptions(folder=Path(), test_each=9), "--test-each is for chexpert"),
        ("zhanglab", DataOptions(folder=Path(), contamination=0.7), "0..0.5, got 0.7"),
        ("zhanglab", DataOptions(folder=Path(), image_size=(64, 96)), "squares, one number expected"),
        ("folder", DataOptions(), "--data: a folder of normal images"),
        ("folder", DataOptions(folder=Path(), contamination=0.1), "--contamination is for chest X-rays"),
        ("folder", DataOptions(folder=Path(), channels=2), "--channels is 1 for grey or 3 for colour, got 2"),
    ],
)
def test_an_option_that_does_not_go_with_the_data_is_refused(name: str, options: DataOptions, said: str) -> None:
    with pytest.raises(UserError, match=said.replace("(", r"\(")):
        settings_of(name, options)


def test_a_preset_fits_images_of_another_shape() -> None:
    plain = PRESETS["laptop"]["folder"]
    assert fit_to(plain, (1, 128, 128)) is plain
    wide = fit_to(plain, (3, 96, 160)).config
    assert (wide.image_shape, wide.grid_shape, wide.patch_shape) == ((3, 96, 160), (3, 5), (32, 32))
    assert fit_to(PRESETS["paper"]["folder"], (3, 64, 128)).config.grid_shape == (2, 2)
