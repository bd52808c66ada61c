"""Studies on disk: an interrupted one goes on, one of other settings is kept, those in the package are complete."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from squidlib.data.digits import TEST_COUNTS
from squidlib.teaching.studies import results
from squidlib.teaching.studies.image_order import ORDER, order_of
from squidlib.teaching.studies.results import auc_by_kind, load_runs, run_all
from squidlib.teaching.studies.variants import variants
from tests.helpers import refusal

NAMES = list(variants())
KINDS = ("novel", "disorder", "missing", "flipped", "mean")


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of a study called "trial" in a folder of its own."""
    monkeypatch.setattr(results, "FOLDER", tmp_path)
    return tmp_path / "trial.json"


def jobs(done: list[str], fails: str = "") -> dict[str, Any]:
    def job(key: str) -> dict[str, Any]:
        if key == fails:
            raise KeyboardInterrupt
        done.append(key)
        return {"mean": float(len(key))}

    return {key: (lambda key=key: job(key)) for key in ("a/0", "bb/0", "a/1")}


def test_an_interrupted_study_goes_on_where_it_stopped(study: Path) -> None:
    done: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        run_all("trial", {"steps": 1}, jobs(done, fails="bb/0"))
    assert list(load_runs("trial")) == ["a/0"]
    run_all("trial", {"steps": 1}, jobs(done))
    assert done == ["a/0", "bb/0", "a/1"]
    assert list(load_runs("trial")) == ["a/0", "bb/0", "a/1"]
    assert all(run["seconds"] >= 0 for run in load_runs("trial").values())


def test_a_study_of_other_facts_is_refused_and_kept(study: Path) -> None:
    run_all("trial", {"steps": 1}, jobs([]))
    before = study.read_bytes()
    assert "other settings" in refusal(lambda: run_all("trial", {"steps": 2}, jobs([])))
    assert study.read_bytes() == before


def test_a_missing_or_damaged_study_names_its_command(study: Path) -> None:
    assert "python -m squidlib.teaching.studies.trial" in refusal(lambda: load_runs("trial"))
    study.write_text('{"facts": {}}')
    assert "damaged" in refusal(lambda: load_runs("trial"))


@pytest.mark.parametrize(("study", "settings"), [("ablation", 17), ("contamination", 18)], ids=lambda value: str(value))
def test_a_stored_study_is_complete(study: str, settings: int) -> None:
    stored = json.loads(
        results.path_of(study).read_text()
    )  # where it is not: python -m squidlib.teaching.studies.<study>
    seeds = stored["facts"]["seeds"]
    groups: dict[str, list[int]] = {}
    for key in stored["runs"]:
        setting, _, seed = key.rpartition("/")
        groups.setdefault(setting, []).append(int(seed))
    assert len(groups) == settings
    assert all(sorted(found) == seeds for found in groups.values())


@pytest.mark.parametrize("study", ["ablation", "contamination"])
def test_every_stored_figure_is_an_auc_and_means_are_means(study: str) -> None:
    for run in load_runs(study).values():
        tables = [value for name, value in run.items() if isinstance(value, dict) and name != ORDER] or [run]
        for table in tables:
            assert set(KINDS) <= set(table)
            assert all(0 <= table[kind] <= 1 for kind in KINDS)
            assert table["mean"] == pytest.approx(np.mean([table[kind] for kind in KINDS[:-1]]), abs=2e-4)


def test_the_stored_order_of_images_gives_the_stored_auc() -> None:
    types = [kind for kind, count in TEST_COUNTS.items() for _ in range(count)]
    for key in ("whole/0", "no memory/1", "laptop/2"):
        run = load_runs("ablation")[key]
        assert auc_by_kind(types, torch.tensor(order_of(run, "combined").astype(float))) == run["combined"]


def test_the_ablation_s_rows_are_the_variants() -> None:
    stored = {key.rpartition("/")[0] for key in load_runs("ablation")}
    assert stored == set(NAMES)
