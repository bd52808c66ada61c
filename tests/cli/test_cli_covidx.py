"""``squid train covidx``: from lists to a table that has the source alone beside every score."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from tests.chest_folders import covidx_folder
from tests.helpers import shorten, squid

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def few_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """The preset, for two steps of four images."""
    shorten(monkeypatch, "covidx")


def test_covidx_is_trained_evaluated_and_scored(capsys: Capture, tmp_path: Path) -> None:
    folder, out, table = covidx_folder(tmp_path / "data"), tmp_path / "run", tmp_path / "scores.csv"
    said = squid(capsys, "train", "covidx", "--data", folder, "--out", out, "--cache", tmp_path / "cache")
    assert said.code == 0, said.errors
    notes = [line for line in said.out.splitlines() if line.startswith("note: ")]
    assert any("AUC of 0.500 for pneumonia, 1.000 for COVID-19" in line for line in notes)
    assert any("normal against COVID-19 compares sources" in line for line in notes)
    said = squid(capsys, "evaluate", out)
    assert said.code == 0, said.errors
    assert "4 normal, 4 pneumonia, 6 COVID-19" in said.out.replace("6 COVID-19, 4 pneumonia", "4 pneumonia, 6 COVID-19")
    for name in ("source alone", "within one source", "pneumonia (rsna)", "4 normal, 4 abnormal"):
        assert name in said.out
    (figures,) = json.loads((out / "evaluation.json").read_text()).values()
    alone = figures["baselines"]["source alone"]["kinds"]
    assert {name: row["value"] for name, row in alone.items()} == {"pneumonia": 0.5, "COVID-19": 1.0}
    assert list(figures["same_source"]) == ["pneumonia (rsna)"]
    score = next(iter(figures["scores"]))
    assert set(figures["scores"][score]["kinds"]) == {"pneumonia", "COVID-19"}
    assert squid(capsys, "score", out, folder / "test", "--csv", table).code == 0
    assert len(list(csv.DictReader(table.open()))) == 14


def test_a_folder_without_lists_says_which_are_wanted_and_where_they_are(capsys: Capture, tmp_path: Path) -> None:
    folder = covidx_folder(tmp_path / "data")
    for path in folder.glob("*.txt"):
        path.unlink()
    said = squid(capsys, "train", "covidx", "--data", folder, "--out", tmp_path / "run")
    assert said.code == 2
    assert len(said.errors) == 1
    assert "train_COVIDx9A.txt" in said.errors[0]
    assert not (tmp_path / "run").exists()
