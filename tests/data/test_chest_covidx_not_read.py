"""COVIDx: what lies in the folder and is not read is counted in a note."""

from __future__ import annotations

from pathlib import Path

import pytest

from squidlib.data.chest import covidx
from tests.chest_folders import covidx_folder, write_image


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return covidx_folder(tmp_path / "covidx-cxr2")


def test_images_in_no_list_are_counted_folder_by_folder(root: Path) -> None:
    assert not [note for note in covidx(root).notes if "not read" in note]
    for place in ("train/a.png", "train/b.png", "test/c.png"):
        write_image(root / place, 3)
    (root / "train" / "readme.html").write_text("no image")
    told = [note for note in covidx(root).notes if "not read" in note]
    assert told == [
        f"images in {root / 'train'} that the list does not name: 2; they are not read",
        f"images in {root / 'test'} that the list does not name: 1; they are not read",
    ]


def test_the_validation_list_of_the_version_is_named(root: Path) -> None:
    (root / "val_COVIDx9A.txt").write_text("1 a.png normal rsna\n")
    (root / "val_COVIDx8B.txt").write_text("1 a.png negative rsna\n")
    told = [note for note in covidx(root).notes if "not read" in note]
    assert told == ["val_COVIDx9A.txt is not read: calibration images are drawn from the train list's normals"]
