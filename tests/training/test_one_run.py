"""A run is one thing: its files belong together, and its settings are read by type and range."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from squidlib.training import recorder
from tests.helpers import contents, refusal
from tests.small_runs import OTHER, SETTINGS, begun, go_on, stopped


@pytest.fixture(autouse=True)
def save_after_every_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder, "SAVE_SECONDS", -1.0)


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
