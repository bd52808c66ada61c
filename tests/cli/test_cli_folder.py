"""A folder of one's own through the command line: normals alone, and MVTec's layout in colour, trained and scored."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from squidlib.training.presets import PRESETS
from tests.data.test_folder import mvtec, normals
from tests.helpers import squid

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def few_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    preset = PRESETS["laptop"]["folder"]
    short = preset._replace(training=replace(preset.training, steps=2, schedule_steps=2, batch_size=4))
    monkeypatch.setitem(PRESETS["laptop"], "folder", short)


def test_normals_alone_are_trained_on_and_score_others(capsys: Capture, tmp_path: Path) -> None:
    folder, out = normals(tmp_path / "mine", 24, size=(96, 64)), tmp_path / "run"
    said = squid(capsys, "train", "folder", "--data", folder, "--out", out)
    assert said.code == 0, said.errors
    assert "read as grey, 128 x 96 pixels" in said.out
    assert "cut into 3 x 4 tiles of 32 x 32 pixels" in said.out
    said = squid(capsys, "evaluate", out)
    assert said.code == 2
    assert "cannot be said without test images of both classes" in said.errors[-1]
    assert "held-out normal images are above the threshold" in said.errors[-1]
    others = normals(tmp_path / "others", 3, size=(96, 64))
    said = squid(capsys, "score", out, others, "--csv", tmp_path / "s.csv")
    assert said.code == 0, said.errors
    assert len((tmp_path / "s.csv").read_text().splitlines()) == 4


def test_mvtecs_layout_is_evaluated_by_defect_with_pixel_auc(capsys: Capture, tmp_path: Path) -> None:
    folder, out = mvtec(tmp_path / "tile"), tmp_path / "run"
    options = ("--size", 64, "--channels", 3)
    said = squid(capsys, "train", "folder", "--data", folder, "--out", out, *options)
    assert said.code == 0, said.errors
    assert "in colour, 64 x 64 pixels" in said.out
    said = squid(capsys, "evaluate", out)
    assert said.code == 0, said.errors
    assert "1 normal, 2 hole" in said.out
    assert "pixel AUC" in said.out


def test_runs_of_different_folders_stand_in_no_common_table(capsys: Capture, tmp_path: Path) -> None:
    for name in ("one", "two"):
        folder = mvtec(tmp_path / name)
        if name == "two":
            (folder / "test" / "hole" / "001.png").unlink()
        assert squid(capsys, "train", "folder", "--data", folder, "--out", tmp_path / f"run {name}").code == 0
    said = squid(capsys, "evaluate", tmp_path / "run one", tmp_path / "run two")
    assert said.code == 2
    assert len(said.errors) == 1
    assert "have different test data (folder: " in said.errors[0]


def test_too_few_images_are_refused_before_the_folder_is_touched(capsys: Capture, tmp_path: Path) -> None:
    said = squid(capsys, "train", "folder", "--data", normals(tmp_path / "mine", 6), "--out", tmp_path / "run")
    assert (said.code, len(said.errors)) == (2, 1)
    assert "at least 7 normal images expected" in said.errors[0]
    assert not (tmp_path / "run").exists()
