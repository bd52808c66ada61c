"""What stops a run: another writer, a folder that is gone, what is not finite. What was trained is never lost."""

from __future__ import annotations

import errno
import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from squidlib.detection.checkpoint import load
from squidlib.training import recorder
from squidlib.training.loop import start
from squidlib.training.run_dir import Run
from squidlib.training.state import DivergenceError
from squidlib.training.trainer import UnfinishedError, train_run
from squidlib.utils.errors import UserError
from squidlib.utils.safetensors_io import read_tensors
from tests.helpers import NoiseData, contents, noise, refusal
from tests.small_runs import CONFIG, OTHER, SETTINGS, TRAINING, At, begun, go_on, stopped


@pytest.fixture(autouse=True)
def save_after_every_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder, "SAVE_SECONDS", -1.0)


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
    assert capsys.readouterr().err.splitlines()[0] == (
        "note: at least 3 held-out normal images are needed to choose a score, got 2; the default score is combined"
    )
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
