"""A run is one thing: its files belong together, its folder has one writer, and whatever is not finite stops it."""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from squidlib.config import LossWeights
from squidlib.detection.checkpoint import load
from squidlib.training import recorder
from squidlib.training.config import TrainingConfig
from squidlib.training.loop import start
from squidlib.training.run_dir import Run
from squidlib.training.settings import RunSettings
from squidlib.training.state import DivergenceError
from squidlib.training.trainer import UnfinishedError, train_run
from squidlib.utils.errors import UserError
from squidlib.utils.safetensors_io import read_tensors
from tests.conftest import tiny_config
from tests.helpers import NoiseData, contents, noise, refusal

CONFIG = tiny_config()
TRAINING = TrainingConfig(steps=6, schedule_steps=6, batch_size=4, refill_memory=True)
SETTINGS = RunSettings(CONFIG, TRAINING, LossWeights(), {"data": "noise"})
OTHER = replace(SETTINGS, training=replace(TRAINING, seed=1))


@pytest.fixture(autouse=True)
def save_after_every_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder, "SAVE_SECONDS", -1.0)


class At(NoiseData):
    """Noise; something happens when the images of one step are asked for."""

    def __init__(self, step: int, action: Callable[[Tensor], Tensor | None]) -> None:
        super().__init__(CONFIG.image_size)
        self.step, self.action = step, action

    def batch(self, step: int, size: int) -> Tensor:
        images = super().batch(step, size)
        changed = self.action(images) if step == self.step else None
        return images if changed is None else changed


class Stop(Exception):  # noqa: N818 (it is no error)
    """Ends a training in a test."""


def stop(_: Tensor) -> None:
    raise Stop


def begun(folder: Path, settings: RunSettings = SETTINGS) -> Run:
    run = Run(folder)
    run.begin(settings)
    return run


def stopped(folder: Path, settings: RunSettings = SETTINGS) -> Run:
    """A run of which three steps are done and saved."""
    run = begun(folder, settings)
    with pytest.raises(Stop):
        train_run(run, settings, At(3, stop), "cpu", progress=False)
    return run


@pytest.fixture(scope="module")
def straight(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What is in the folder of a run that nothing disturbed."""
    run = begun(tmp_path_factory.mktemp("straight") / "run")
    train_run(run, SETTINGS, NoiseData(CONFIG.image_size), "cpu", progress=False)
    return contents(run.folder)


def go_on(run: Run) -> None:
    train_run(run, run.check_whole(), NoiseData(CONFIG.image_size), "cpu", progress=False)


def test_a_stopped_run_goes_on_to_what_it_would_have_been(tmp_path: Path, straight: dict[str, str]) -> None:
    run = stopped(tmp_path / "run")
    go_on(run)
    assert contents(run.folder) == straight


def test_the_state_of_another_run_is_refused(tmp_path: Path) -> None:
    own, other = stopped(tmp_path / "own"), stopped(tmp_path / "other", OTHER)
    shutil.copy(other.state_path, own.state_path)
    before = contents(own.folder)
    assert "no saved training of the run in run.json" in refusal(lambda: go_on(own))
    assert contents(own.folder) == before


def test_the_settings_of_another_run_are_refused(tmp_path: Path) -> None:
    own, other = stopped(tmp_path / "own"), stopped(tmp_path / "other", OTHER)
    shutil.copy(other.settings_path, own.settings_path)
    assert "no saved training of the run in run.json" in refusal(lambda: go_on(own))
    assert not own.finished


def test_the_model_of_another_run_is_refused(tmp_path: Path) -> None:
    own, other = begun(tmp_path / "own"), begun(tmp_path / "other", OTHER)
    go_on(other)
    shutil.copy(other.model_path, own.model_path)
    assert "model.safetensors is not of the run in run.json" in refusal(lambda: go_on(own))
    assert other.check_whole() == OTHER


@pytest.mark.parametrize(("name", "value"), [("seed", 7), ("steps", 4), ("learning_rate", 0.5)])
def test_changed_settings_are_refused(tmp_path: Path, name: str, value: float) -> None:
    run = stopped(tmp_path / "run")
    plain = json.loads(run.settings_path.read_text())
    plain["training"][name] = value
    run.settings_path.write_text(json.dumps(plain))
    assert "run.json was changed after its run began" in refusal(lambda: go_on(run))


def test_an_unfinished_run_of_an_older_squid_is_refused_and_a_finished_one_is_known(tmp_path: Path) -> None:
    run = begun(tmp_path / "run")
    plain = json.loads(run.settings_path.read_text())
    del plain["id"]
    run.settings_path.write_text(json.dumps(plain))
    assert "written by an older squid" in refusal(run.check_whole)
    run.model_path.write_bytes(b"")
    assert run.check_whole() == SETTINGS


@pytest.mark.parametrize(
    ("part", "name", "value", "said"),
    [
        ("training", "seed", 1.5, "seed is a whole number, got 1.5"),
        ("training", "seed", -1, "seed must be at least 0"),
        ("training", "seed", 2**31, "seed must be at most"),
        ("training", "steps", 6.0, "steps is a whole number, got 6.0"),
        ("training", "steps", 10**12, "steps must be at most 100,000,000"),
        ("training", "steps", 10**400, "steps must be at most"),
        ("training", "steps", True, "steps is a whole number, got True"),
        ("training", "steps", "6", "steps is a whole number, got '6'"),
        ("training", "batch_size", 0, "batch_size must be at least 1"),
        ("training", "learning_rate", float("nan"), "learning_rate is a finite number"),
        ("training", "learning_rate", None, "learning_rate is a number, got None"),
        ("training", "beta1", 1.0, "beta1 must be at most"),
        ("training", "weight_decay", -1, "weight_decay must be at least 0"),
        ("training", "precision", "8", "precision is one of"),
        ("training", "precision", [], "precision is one of"),
        ("training", "refill_memory", 1, "refill_memory is true or false"),
        ("training", "surprise", 1, "surprise"),
        ("weights", "position", float("inf"), "position is a finite number"),
        ("weights", "teacher", "much", "teacher is a number"),
        ("weights", "surprise", 1, "surprise"),
        ("config", "slots", 2.5, "slots is a whole number"),
        ("config", "levels", 10**9, "levels must be at most"),
        ("config", "mask_probability", float("nan"), "mask_probability is a finite number"),
    ],
)
def test_settings_are_read_by_type_and_range(tmp_path: Path, part: str, name: str, value: Any, said: str) -> None:
    run = begun(tmp_path / "run")
    plain = json.loads(run.settings_path.read_text())
    plain[part][name] = value
    run.settings_path.write_text(json.dumps(plain))
    text = refusal(run.read_settings)
    assert "run.json is damaged" in text
    assert said in text


@pytest.mark.parametrize("facts", [[], "text", 3, None])
def test_metadata_that_is_no_table_is_refused(tmp_path: Path, facts: object) -> None:
    run = begun(tmp_path / "run")
    plain = json.loads(run.settings_path.read_text()) | {"facts": facts}
    run.settings_path.write_text(json.dumps(plain))
    assert "is damaged" in refusal(run.read_settings)


def test_a_folder_has_one_writer_and_the_line_names_its_process(tmp_path: Path) -> None:
    run = begun(tmp_path / "run")
    said: list[str] = []

    def second_start(_: Tensor) -> None:
        before = contents(run.folder)
        said.append(refusal(lambda: go_on(Run(run.folder))))
        said.append(refusal(lambda: Run(run.folder).begin(OTHER, overwrite=True)))
        assert contents(run.folder) == before

    train_run(run, SETTINGS, At(3, second_start), "cpu", progress=False)
    assert len(said) == 2
    for line in said:
        assert f"is being trained in by process {os.getpid()} of " in line
    assert {path.name for path in run.folder.iterdir()} == {"run.json", "log.csv", "model.safetensors"}
    Run(run.folder).begin(OTHER, overwrite=True)  # the lock is free again


def test_a_folder_that_is_removed_while_training_stops_it_and_is_not_made_again(tmp_path: Path) -> None:
    run = begun(tmp_path / "run")
    data = At(3, lambda _: shutil.rmtree(run.folder))
    text = refusal(lambda: train_run(run, SETTINGS, data, "cpu", progress=False))
    assert "was removed or replaced while the run was being trained in it" in text
    assert not run.folder.exists()


def test_a_run_that_is_put_in_the_place_of_another_while_that_trains_is_left_alone(tmp_path: Path) -> None:
    run = begun(tmp_path / "run")
    found: list[dict[str, str]] = []

    def replaced(_: Tensor) -> None:
        shutil.rmtree(run.folder)
        begun(run.folder, OTHER)
        found.append(contents(run.folder))

    text = refusal(lambda: train_run(run, SETTINGS, At(3, replaced), "cpu", progress=False))
    assert "was removed or replaced" in text
    assert [contents(run.folder)] == found


def test_a_loss_that_is_not_finite_stops_at_that_step_and_the_last_good_state_stays(tmp_path: Path) -> None:
    run = begun(tmp_path / "run")
    for _ in range(2):  # the second time from what was saved
        with pytest.raises(DivergenceError, match=r"at step 3 a loss is not finite.*; step 3 is kept\. Train again"):
            train_run(run, SETTINGS, At(3, lambda images: images * torch.nan), "cpu", progress=False)
        assert not run.finished
        tensors, metadata = read_tensors(run.state_path)
        assert metadata["step"] == 3
        assert all(tensor.isfinite().all() for tensor in tensors.values())
        assert len(run.log_path.read_text().splitlines()) == 4


def test_a_loss_that_is_not_finite_at_once_says_that_nothing_was_saved(tmp_path: Path) -> None:
    run = begun(tmp_path / "run")
    text = refusal(lambda: train_run(run, SETTINGS, At(0, lambda images: images + torch.inf), "cpu", progress=False))
    assert "at step 0 a loss is not finite" in text
    assert "nothing was saved yet" in text
    assert {path.name for path in run.folder.iterdir()} == {"run.json"}


def test_a_state_that_is_not_finite_is_not_saved(tmp_path: Path) -> None:
    run = stopped(tmp_path / "run")
    before, state = contents(run.folder), start(CONFIG, TRAINING, "cpu")
    state.squid.inpainting.memory.slots[0, 0, 0] = torch.inf
    text = refusal(lambda: run.save_state(state, SETTINGS.run_id))
    assert "squid.inpainting.memory.slots is not finite" in text
    assert contents(run.folder) == before


class Calibrates(NoiseData):
    """Noise with so many calibration images."""

    def __init__(self, count: int) -> None:
        super().__init__(CONFIG.image_size)
        self.count = count

    def calibration(self) -> Tensor:
        return noise(self.count, CONFIG.image_size, seed=1001)


def test_what_was_trained_is_kept_where_it_cannot_be_calibrated(tmp_path: Path, straight: dict[str, str]) -> None:
    run = begun(tmp_path / "run")
    with pytest.raises(UnfinishedError, match=r"all steps are done and saved, but .*at least two normal images"):
        train_run(run, SETTINGS, Calibrates(1), "cpu", progress=False)
    assert read_tensors(run.state_path)[1]["step"] == 6
    go_on(run)
    assert contents(run.folder) == straight


def test_what_was_trained_is_kept_where_the_detector_cannot_be_written(
    tmp_path: Path, straight: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run, rename = begun(tmp_path / "run"), os.replace

    def full(source: Any, target: Any) -> None:
        if Path(target).name == "model.safetensors":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        rename(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", full)
        with pytest.raises(UnfinishedError, match="free some space"):
            go_on(run)
    assert run.state_path.is_file()
    go_on(run)
    assert contents(run.folder) == straight


def test_too_few_normals_to_choose_a_score_leave_the_default_and_a_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = replace(SETTINGS, training=replace(TRAINING, choose_score=True))
    run = begun(tmp_path / "run", settings)
    train_run(run, settings, Calibrates(2), "cpu", progress=False)
    said = capsys.readouterr().err.splitlines()
    assert said == [
        "note: at least 3 held-out normal images are needed to choose a score, got 2; the default score is combined"
    ]
    assert load(run.folder).default_score == "combined"


def test_losses_that_are_missing_on_going_on_are_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = stopped(tmp_path / "run")
    lines = run.log_path.read_text().splitlines()
    run.log_path.write_text("\n".join(lines[:2]) + "\n")  # step 0 alone
    go_on(run)
    assert "log.csv lacks 2 of the 3 steps so far" in capsys.readouterr().err
    assert [row.split(",")[0] for row in run.log_path.read_text().splitlines()] == ["step", "0", "3", "4", "5"]


def test_a_run_is_refused_by_a_folder_that_is_not_its_own(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="removed or replaced"):
        train_run(Run(tmp_path / "none"), SETTINGS, NoiseData(CONFIG.image_size), "cpu", progress=False)
