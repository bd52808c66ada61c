"""The study of context on X-rays, on a generated folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from squidlib.detection.checkpoint import load
from squidlib.teaching.studies import chest_context, results
from squidlib.teaching.studies.chest_context import WAYS, cells_of, jobs
from squidlib.teaching.studies.results import run_all
from squidlib.training import context
from tests.chest_folders import zhanglab_folder
from tests.helpers import shorten, squid


def test_a_run_is_judged_by_its_own_score_by_the_context_and_by_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shorten(monkeypatch, "zhanglab")
    monkeypatch.setattr(results, "FOLDER", tmp_path)
    real = context.train_context
    monkeypatch.setattr(
        chest_context, "train_context", lambda network, data, seed: real(network, data, seed, steps=2, images=16)
    )
    zhanglab_folder(tmp_path / "data")
    for name, more in (("one", ["--series", "IM"]), ("all", [])):
        words = ["train", "zhanglab", "--data", tmp_path / "data", *more, "--out", tmp_path / name]
        said = squid(capsys, *words)
        assert said.code == 0, said.errors
    before = load(tmp_path / "one").squid.state_dict()
    found = run_all("chest_context", {}, jobs([str(tmp_path / "one"), str(tmp_path / "all")]))
    assert list(found) == ["IM/0", "all normals/0"]
    for run in found.values():
        assert all(0 <= run[way] <= 1 for way in WAYS)
    assert [row[:2] for row in cells_of(found)[1:]] == [["IM", "1"], ["all normals", "1"]]
    assert all((value == before[name]).all() for name, value in load(tmp_path / "one").squid.state_dict().items())
