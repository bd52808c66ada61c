"""Large sets: no tensor of a training grows with the number of images; small sets are used as a whole."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from squidlib.data import large_sets
from squidlib.data.chest import ChestData
from squidlib.data.chest.arrays import Abnormals, ChestArrays
from squidlib.data.large_sets import held_out_of, large_set_notes, reference_of
from squidlib.training.loop import start, train
from squidlib.training.presets import PRESETS
from squidlib.training.trainer import finish

SIDE = 32


class Largest(TorchDispatchMode):
    """Remembers the bytes of the largest tensor that any operation returns."""

    def __init__(self) -> None:
        super().__init__()
        self.bytes = 0

    def __torch_dispatch__(self, function: Any, types: Any, arguments: Any = (), options: Any = None) -> Any:
        found = function(*arguments, **(options or {}))
        for made in found if isinstance(found, tuple | list) else [found]:
            if isinstance(made, torch.Tensor):
                self.bytes = max(self.bytes, made.untyped_storage().nbytes())
        return found


def chest(images: int) -> ChestData:
    """Noise; a sixth of it is held out."""
    pixels = np.random.default_rng(0).integers(0, 256, (images, SIDE, SIDE), dtype=np.uint8)
    held = images // 6
    none = pixels[:0]
    labels = np.zeros(0, dtype=np.int64)
    arrays = ChestArrays("noise", pixels[held:], pixels[:held], none, labels, lambda: Abnormals(none, []))
    return ChestData(arrays, acquisition=True)


def largest_tensor(images: int) -> int:
    """Of two steps, the filling of the memory, the choice of a score and the calibration."""
    preset = PRESETS["laptop"]["zhanglab"]
    config = replace(preset.config, image_size=SIDE, grid=2, slots=16)
    training = replace(preset.training, steps=2, schedule_steps=2, batch_size=4)
    data, state = chest(images), start(config, training, "cpu")
    with Largest() as seen:
        for _ in train(state, data, training, preset.weights):
            pass
        detector = finish(state, data, {}, choose=True)
    assert detector.calibration.normal_scores.shape[1] == 40
    return seen.bytes


def test_no_tensor_grows_with_the_number_of_images(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(large_sets, "MOST_REFERENCE", 100)
    monkeypatch.setattr(large_sets, "MOST_HELD_OUT", 40)
    assert largest_tensor(300) == largest_tensor(3000)


def test_small_sets_are_whole_and_large_ones_evenly_spaced(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (large_sets.MOST_REFERENCE, large_sets.MOST_HELD_OUT) == (4096, 2048)
    small = np.arange(2048)
    assert held_out_of(small) is reference_of(small) is small
    assert large_set_notes(4096, 2048) == ()
    spread = reference_of(np.arange(40_960))
    assert spread.tolist() == list(range(0, 40_960, 10))
    assert len(held_out_of(np.arange(2049))) == len(set(held_out_of(np.arange(2049)).tolist())) == 2048
    training, calibration = large_set_notes(170_000, 30_000)
    assert training.startswith("4096 of the 170000 training images")
    assert calibration.startswith("2048 of the 30000 calibration images")
