"""Files of a benchmark that were damaged, changed or put into the wrong folder: one line each, and what to do."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from squidlib.benchmark import stored as stored_module
from squidlib.benchmark.significance import holm
from squidlib.benchmark.store import JobResult, Store
from squidlib.benchmark.stored import DATASETS, folder_of, stored
from squidlib.utils.errors import UserError
from tests.benchmark_toys import toy_figures
from tests.helpers import refusal, squid

SETTINGS: dict[str, Any] = {"data": "digitanatomy", "minutes_each": 1.0}


def written(folder: Path, settings: dict[str, Any] = SETTINGS, value: float = 0.9) -> Store:
    store = Store(folder)
    store.open(settings)
    for seed in (0, 1):
        scores = torch.linspace(0, value, 6) + seed
        store.write(JobResult("PaDiM", seed, toy_figures(value), None, 3.0), {"scores": scores}, {})
    store.write_result(JobResult("IGD", 0, None, "ValueError: no", 1.0))
    return store


def test_what_was_written_is_read_back(tmp_path: Path) -> None:
    results = written(tmp_path).results()
    assert [(result.method, result.seed, result.failure) for result in results] == [
        ("IGD", 0, "ValueError: no"), ("PaDiM", 0, None), ("PaDiM", 1, None),
    ]  # fmt: skip
    assert results[1].figures == toy_figures(0.9)


def without(*path: str) -> Callable[[dict[str, Any]], None]:
    def change(content: dict[str, Any]) -> None:
        for key in path[:-1]:
            content = content[key]
        del content[path[-1]]

    return change


def with_value(value: Any, *path: str) -> Callable[[dict[str, Any]], None]:
    def change(content: dict[str, Any]) -> None:
        for key in path[:-1]:
            content = content[key]
        content[path[-1]] = value

    return change


CHANGES: dict[str, tuple[Callable[[dict[str, Any]], None], str]] = {
    "a missing key": (without("figures"), "its hash does not match"),
    "a missing figure": (without("figures", "auc"), "its hash does not match"),
    "a changed figure": (with_value(0.99, "figures", "auc", "mean"), "its hash does not match"),
    "a new key": (with_value(1, "colour"), "its hash does not match"),
    "no hash": (without("sha256"), "names no hash"),
    "another seed": (with_value(7, "seed"), "its hash does not match"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_job_is_refused_in_a_line(change: str, tmp_path: Path) -> None:
    store, path = written(tmp_path), tmp_path / "jobs" / "PaDiM-1.json"
    content = json.loads(path.read_text())
    alter, said = CHANGES[change]
    alter(content)
    path.write_text(json.dumps(content))
    told = refusal(store.results)
    assert said in told
    assert str(path) in told
    assert told.endswith("remove it, and the same command makes it again")
    path.unlink()
    assert len(store.results()) == 2


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"method": "PaDiM"}', "[" * 100_000])
def test_a_damaged_job_is_refused_in_a_line(text: str, tmp_path: Path) -> None:
    store, path = written(tmp_path), tmp_path / "jobs" / "PaDiM-1.json"
    path.write_text(text)
    assert refusal(store.results).count(str(path)) == 1


WRONG: dict[str, tuple[Any, str]] = {
    "no area": ({"mean": None}, "AUCs in 0..1"),
    "too large": ({"mean": 1.2}, "AUCs in 0..1"),
    "not a number": ({"mean": float("nan")}, "no finite number"),
    "without a mean": ({"novel": 0.5}, "AUCs in 0..1 with their mean"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_figures_that_cannot_be_are_refused_though_their_hash_is_right(wrong: str, tmp_path: Path) -> None:
    store = written(tmp_path)
    areas, said = WRONG[wrong]
    store.write(JobResult("VAE", 0, toy_figures(0.9) | {"auc": areas}, None, 1.0), {"scores": torch.zeros(3)}, {})
    assert said in refusal(store.results)


def test_a_missing_figure_is_named_though_the_hash_is_right(tmp_path: Path) -> None:
    store, short = written(tmp_path), toy_figures(0.9)
    del short["threads"]
    store.write(JobResult("VAE", 0, short, None, 1.0), {"scores": torch.zeros(3)}, {})
    assert "the figure 'threads' is missing" in refusal(store.results)


def test_a_job_of_another_folder_is_refused(tmp_path: Path) -> None:
    store, other = written(tmp_path / "one"), written(tmp_path / "two", SETTINGS | {"minutes_each": 5.0}, 0.5)
    shutil.copy(other.jobs / "PaDiM-1.json", store.jobs / "PaDiM-1.json")
    assert "a folder of other settings" in refusal(store.results)


def test_a_job_and_its_scores_belong_together(tmp_path: Path) -> None:
    store = written(tmp_path)
    shutil.copy(store.jobs / "PaDiM-0.safetensors", store.jobs / "PaDiM-1.safetensors")
    assert "PaDiM-1.json: the scores beside it are those of another job" in refusal(store.results)
    (store.jobs / "PaDiM-1.safetensors").unlink()
    assert "PaDiM-1.safetensors" in refusal(store.results)


def test_a_job_under_another_name_is_refused(tmp_path: Path) -> None:
    store = written(tmp_path)
    for ending in ("json", "safetensors"):
        (store.jobs / f"PaDiM-1.{ending}").rename(store.jobs / f"VAE-1.{ending}")
    assert "VAE-1.json: it is of PaDiM, seed 1" in refusal(store.results)


def test_the_command_ends_with_that_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["benchmark", "digitanatomy", "--methods", "sharpness", "--seeds", "1", "--minutes-each", "0.001"]
    assert squid(capsys, *arguments, "--out", tmp_path).code == 0
    path = tmp_path / "jobs" / "sharpness-0.json"
    path.write_text(path.read_text().replace('"mean": 0.5', '"mean": 0.9'))
    said = squid(capsys, *arguments, "--out", tmp_path)
    assert said.code == 2
    assert len(said.errors) == 1
    assert "a figure was changed after it was written" in said.errors[0]


@pytest.mark.parametrize("dataset", DATASETS)
def test_the_kits_own_results_are_whole_and_a_changed_one_is_refused(
    dataset: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, _ = stored(dataset)
    corrected = holm({row.name: row.comparison.p for row in rows if row.comparison is not None})
    for row in rows:
        assert row.corrected_p == (pytest.approx(corrected[row.name]) if row.comparison else None)
    text = (folder_of(dataset) / "results.json").read_text()
    monkeypatch.setattr(stored_module, "FOLDER", tmp_path)
    (tmp_path / dataset).mkdir()
    (tmp_path / dataset / "results.json").write_text(text.replace("0.98", "0.99", 1))
    with pytest.raises(UserError, match=r"is damaged \(its hash does not match: a figure was changed"):
        stored(dataset)
