"""Few images, or normal ones alone: enough to train, calibrate and score, or refused before anything is trained."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from squidlib.data.chest import ChestData
from squidlib.detection.checkpoint import load
from tests.chest_folders import chexpert_folder, write_image, zhanglab_folder
from tests.helpers import shorten, squid

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def few_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """The preset, for two steps of four images."""
    shorten(monkeypatch, "zhanglab", "chexpert")


def normals_of(root: Path, patients: int) -> Path:
    """Only train/NORMAL, an image a patient."""
    for patient in range(patients):
        write_image(root / f"train/NORMAL/IM-{patient:04}-0001.jpeg")
    return root


def test_train_normal_alone_is_trained_on_calibrated_with_and_scored(capsys: Capture, tmp_path: Path) -> None:
    """Row 18 of the faults."""
    folder, out = zhanglab_folder(tmp_path / "data"), tmp_path / "run"
    shutil.rmtree(folder / "test")
    shutil.rmtree(folder / "train/PNEUMONIA")
    said = squid(capsys, "train", "zhanglab", "--data", folder, "--out", out)
    assert said.code == 0, said.errors
    detector = load(out)
    count = len(detector.normal_scores())
    assert count >= 3
    said = squid(capsys, "evaluate", out)
    assert (said.code, said.errors) == (0, [])
    assert f"of {count} held-out normal images are above it" in said.out
    assert "AUC) cannot be said, because normal and abnormal test images are missing" in said.out
    assert squid(capsys, "score", out, folder / "train/NORMAL", "--csv", tmp_path / "s.csv").code == 0


def test_twelve_patients_with_an_image_each_are_enough(capsys: Capture, tmp_path: Path) -> None:
    """Row 7: the calibration patients are chosen so that they are enough for all that follows training."""
    out = tmp_path / "run"
    said = squid(capsys, "train", "zhanglab", "--data", normals_of(tmp_path / "data", 12), "--out", out)
    assert said.code == 0, said.errors
    assert len(load(out).normal_scores()) == 3
    (line,) = [line for line in said.errors if "unlike" in line]  # said at once, and not when the first image comes
    assert line.startswith("note: ")
    assert "calibrated on 3 images, and 20 are needed" in line
    assert f"score {out} IMAGES --csv scores.csv" in said.out


@pytest.mark.parametrize(
    ("patients", "expected"),
    [(2, "normal images of at least 3 patients expected"), (3, "at least 3 calibration images of normals expected")],
)
def test_too_few_patients_are_refused_before_training(
    patients: int, expected: str, capsys: Capture, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    said = squid(capsys, "train", "zhanglab", "--data", normals_of(tmp_path / "data", patients), "--out", out)
    assert said.code == 2
    assert len(said.errors) == 1
    assert expected in said.errors[0]
    assert not out.exists()


def test_a_data_set_that_holds_out_too_few_is_refused_before_training(
    capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Row 7, whatever the data set: nothing is trained that cannot be calibrated."""
    whole = ChestData.calibration
    monkeypatch.setattr(ChestData, "calibration", lambda data: whole(data)[:2])
    folder, out = zhanglab_folder(tmp_path / "data"), tmp_path / "run"
    said = squid(capsys, "train", "zhanglab", "--data", folder, "--out", out)
    assert said.code == 2
    assert said.errors == [
        "squid: at least 3 held-out normal images are needed to calibrate with after training, got 2; add normal images"
    ]
    assert not out.exists()


def test_chexpert_of_few_patients_is_refused_with_the_option_that_helps(capsys: Capture, tmp_path: Path) -> None:
    """Row 17 of the faults."""
    folder, out = chexpert_folder(tmp_path / "data", 40), tmp_path / "run"
    said = squid(capsys, "train", "chexpert", "--data", folder, "--out", out)
    assert said.code == 2
    assert "250 normal patients expected for the test set, got 40; ask for fewer with --test-each" in said.errors[0]
    assert not out.exists()
    said = squid(capsys, "train", "chexpert", "--data", folder, "--out", out, "--test-each", 10)
    assert said.code == 0, said.errors
    said = squid(capsys, "evaluate", out)
    assert said.code == 0, said.errors
    assert "10 normal, 10 abnormal" in said.out


def test_chexpert_without_a_test_set_trains_on_all_normals(capsys: Capture, tmp_path: Path) -> None:
    folder, out = chexpert_folder(tmp_path / "data", 12), tmp_path / "run"
    said = squid(capsys, "train", "chexpert", "--data", folder, "--out", out, "--test-each", 0)
    assert said.code == 0, said.errors
    assert "(there are: none)" in squid(capsys, "evaluate", out).out
    said = squid(capsys, "train", "chexpert", "--data", folder, "--out", tmp_path / "other", "--test-each", -1)
    assert (said.code, len(said.errors)) == (2, 1)
    assert "0 for no test set; got -1" in said.errors[0]
