"""Validation without labels: what is held back is nobody else's, the best weights are kept, and nothing is lost."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from digitanatomy import Glyphs
from squidlib.config import LossWeights
from squidlib.data.base import require_test_set
from squidlib.data.chest import ChestData, open_images, zhanglab
from squidlib.data.digits import Digits
from squidlib.data.registry import open_dataset
from squidlib.detection.checkpoint import load
from squidlib.training.config import TrainingConfig
from squidlib.training.early_stopping import validation_loss
from squidlib.training.loop import StepResult, TrainingState, start, train, unwrapped
from squidlib.training.run_dir import Run
from squidlib.training.settings import RunSettings
from squidlib.training.state import networks_of
from squidlib.training.trainer import train_run
from tests.chest_folders import zhanglab_folder
from tests.conftest import tiny_config
from tests.helpers import contents, refusal, squid
from tests.two_processes import StreamOfNoise

#: A rate that ruins the network after some steps: the lowest loss lies before the end.
TRAINING = TrainingConfig(steps=40, schedule_steps=40, batch_size=4, learning_rate=0.05, validate_every=1, patience=3)
DATA = StreamOfNoise(24)
SETTINGS = RunSettings(tiny_config(), TRAINING, LossWeights(), {"data": "noise"})


class Kept:
    """Losses, and the networks after every step."""

    def __init__(self, state: TrainingState) -> None:
        self.state, self.losses, self.networks = state, list[float](), list[dict[str, Tensor]]()

    def note(self, result: StepResult) -> None:
        assert result.validation is not None
        self.losses.append(result.validation)
        self.networks.append(networks_of(self.state))


@pytest.fixture(scope="module")
def kept() -> Kept:
    kept = Kept(start(tiny_config(), TRAINING, "cpu"))
    for result in train(kept.state, DATA, TRAINING, LossWeights()):
        kept.note(result)
    return kept


def test_training_stops_when_the_loss_has_not_fallen_for_so_many_validations(kept: Kept) -> None:
    best = int(np.argmin(kept.losses))
    assert len(kept.losses) == best + 1 + TRAINING.patience < TRAINING.steps
    assert kept.state.best[:2] == (min(kept.losses), best + 1)


def test_the_networks_and_the_memory_of_the_lowest_loss_are_kept(kept: Kept) -> None:
    best, now = kept.networks[int(np.argmin(kept.losses))], networks_of(kept.state)
    assert all(torch.equal(now[name], tensor) for name, tensor in best.items())
    assert not torch.equal(now["squid.inpainting.memory.slots"], kept.networks[-1]["squid.inpainting.memory.slots"])
    assert validation_loss(kept.state, DATA.validation()) == min(kept.losses)


def test_looking_changes_nothing(kept: Kept) -> None:
    plain = start(tiny_config(), TRAINING, "cpu")
    training = replace(TRAINING, steps=len(kept.losses), validate_every=0, patience=0)
    list(train(plain, DATA, training, LossWeights()))
    assert all(torch.equal(kept.networks[-1][name], tensor) for name, tensor in networks_of(plain).items())
    unwrapped(plain.squid).eval()
    validation_loss(plain, DATA.validation())
    assert not unwrapped(plain.squid).training


def test_a_run_stopped_at_any_step_ends_as_one_that_was_not(tmp_path: Path, kept: Kept) -> None:
    from squidlib.training import recorder

    class Stop(Exception):  # noqa: N818
        pass

    class Breaks(StreamOfNoise):
        def batch(self, step: int, size: int) -> Tensor:
            if step in breaks:
                breaks.remove(step)
                raise Stop
            return super().batch(step, size)

    folders = tmp_path / "straight", tmp_path / "broken"
    breaks = list[int]()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recorder, "SAVE_SECONDS", -1.0)
        for folder in folders:
            Run(folder).begin(SETTINGS)
            if folder == folders[1]:
                breaks = [len(kept.losses) - 2, len(kept.losses) - 1]
            while True:
                try:
                    train_run(Run(folder), SETTINGS, Breaks(24), "cpu", progress=False)
                    break
                except Stop:
                    continue
    assert breaks == []
    assert contents(folders[0]) == contents(folders[1])


def test_the_outcome_stands_in_run_json_and_the_losses_in_the_log(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = Run(tmp_path / "run")
    run.begin(SETTINGS)
    train_run(run, SETTINGS, DATA, "cpu", progress=False)
    outcome = json.loads(run.settings_path.read_text())["outcome"]
    with run.log_path.open() as file:
        losses = [float(row["validation"]) for row in csv.DictReader(file)]
    assert outcome["best_step"] == int(np.argmin(losses)) + 1
    assert outcome["stopped_after"] == len(losses)
    said = capsys.readouterr().out.splitlines()
    assert len(said) == 1
    assert f"stopped early after step {len(losses)} of 40; kept: step {outcome['best_step']}" in said[0]
    assert run.check_whole() == SETTINGS
    assert load(run.folder).score(DATA.batch(3, 2)).shape == (2,)


def test_held_back_glyphs_are_trained_on_nowhere_and_calibration_stays(glyphs: Glyphs) -> None:
    whole, less = Digits(glyphs), Digits(glyphs, held_back=0.1)
    rows = {part: {tile.numpy().tobytes() for tile in tiles} for part, tiles in (
        ("trained", less.glyphs.train.tiles), ("all", whole.glyphs.train.tiles), ("held", less._held.tiles)  # type: ignore[union-attr]
    )}  # fmt: skip
    assert rows["held"] == rows["all"] - rows["trained"]
    assert len(less._held) == pytest.approx(0.1 * len(whole.glyphs.train), rel=0.05)  # type: ignore[arg-type]
    assert torch.equal(less.calibration(), whole.calibration())
    assert less.validation().shape[1:] == (1, 96, 96)
    with pytest.raises(ValueError, match="held back"):
        whole.validation()


def test_held_back_radiographs_are_whole_patients_and_calibration_stays(tmp_path: Path) -> None:
    arrays = open_images(zhanglab(zhanglab_folder(tmp_path)), 32)
    whole = ChestData(arrays)
    less = whole.holding_back(0.2)
    assert len(less) + len(less.validation()) == len(whole)
    assert len(less.validation()) >= 0.2 * len(whole)
    held = {image.tobytes() for image in (255 * less.validation()).round().to(torch.uint8).numpy()}
    owners = {
        owner: {
            image.tobytes() in held for image, name in zip(arrays.train, arrays.patients, strict=True) if name == owner
        }
        for owner in arrays.patients
    }
    assert all(len(found) == 1 for found in owners.values())  # a patient is held back, or is not
    assert torch.equal(less.calibration(), whole.calibration())
    assert torch.equal(require_test_set(less).images, require_test_set(whole).images)
    with pytest.raises(ValueError, match="holding_back"):
        whole.validation()


def test_the_command_holds_back_logs_and_says_what_it_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "run"
    arguments = ("--glyphs", "sklearn_digits", "--epochs", 0.02, "--patience", 2, "--device", "cpu")
    said = squid(capsys, "train", "digitanatomy", "--out", out, *arguments)
    assert said.code == 0, said.errors
    settings = json.loads((out / "run.json").read_text())
    assert settings["training"]["validate_every"] == 100
    assert settings["training"]["patience"] == 2
    assert settings["outcome"]["best_step"] == settings["outcome"]["stopped_after"] == 2  # the end is looked at, too
    assert "trained to the end after step 2 of 2; kept: step 2" in said.out
    data = open_dataset(settings["facts"], 0)
    assert isinstance(data, Digits)
    assert len(data.glyphs.train) < len(open_dataset(settings["facts"] | {"held_back": 0}, 0).glyphs.train)  # type: ignore[union-attr]


def test_what_cannot_be_validated_is_refused() -> None:
    assert "validate_every" in refusal(lambda: TrainingConfig(patience=2))
    state = start(tiny_config(), TRAINING, "cpu")

    class Bare:
        def batch(self, step: int, size: int) -> Tensor:
            return DATA.batch(step, size)

        def reference(self) -> Tensor:
            return DATA.reference()

        def calibration(self) -> Tensor:
            return DATA.calibration()

    with pytest.raises(ValueError, match="validation"):
        next(train(state, Bare(), TRAINING, LossWeights()))
