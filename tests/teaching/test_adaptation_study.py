"""The study of adaptation on a generated folder: every way is judged on the same images, no patient on both sides."""

from __future__ import annotations

from pathlib import Path

import pytest

from squidlib.data.chest.patients import patient_of
from squidlib.teaching.studies import adaptation, results
from squidlib.teaching.studies.adaptation import AS_TRAINED, cells_of, jobs, split
from squidlib.teaching.studies.results import load_runs, run_all
from tests.chest_folders import zhanglab_folder
from tests.helpers import shorten, squid


def test_every_way_is_judged_and_an_interrupted_study_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shorten(monkeypatch, "zhanglab")
    monkeypatch.setattr(results, "FOLDER", tmp_path)
    monkeypatch.setattr(adaptation, "SIZES", (4, 5))
    monkeypatch.setattr(adaptation, "TESTED", 4)
    zhanglab_folder(tmp_path / "data")
    for seed in (0, 1):
        said = squid(
            capsys, "train", "zhanglab", "--data", tmp_path / "data", "--series", "IM", "--seed", seed,
            "--out", tmp_path / f"run_{seed}",
        )  # fmt: skip
        assert said.code == 0, said.errors
    runs = [str(tmp_path / f"run_{seed}") for seed in (0, 1)]
    run_all("adaptation", {}, jobs(runs[:1], retrain=True))
    found = run_all("adaptation", {}, jobs(runs))
    assert list(found) == ["laptop/IM/0", "laptop/IM/1"]
    assert load_runs("adaptation") == found
    cells = cells_of(found)
    assert {row[0] for row in cells[1:]} == {"laptop"}
    assert [row[1] for row in cells[1:]] == [
        AS_TRAINED,
        "4 normals, calibration alone",
        "4 normals, adapted",
        "5 normals, calibration alone",
        "5 normals, adapted",
        "5 normals, trained again",
    ]
    assert [row[2] for row in cells[1:]] == ["2"] * 5 + ["1"]
    for run in found.values():
        for setting in (AS_TRAINED, "5 normals, adapted"):
            assert all(0 <= run[setting][name] <= 1 for name in adaptation.FIGURES)


def test_no_patient_is_adapted_with_and_tested_on() -> None:
    names = [f"NORMAL2-IM-{number:04d}-0001{again}.jpeg" for number in range(200) for again in ("", "-0002")]
    test, rest = split(names, 3)
    owners = [{patient_of(Path(names[row])) for row in rows} for rows in (test, rest)]
    assert not owners[0] & owners[1]
    assert sorted(test + rest) == list(range(400))
    assert len(test) == adaptation.TESTED
    assert split(names, 4)[0] != test
