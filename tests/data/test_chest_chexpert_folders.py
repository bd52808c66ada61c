"""CheXpert as people have it on disk: small and full-size folders, paths written in other ways, small test sets."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import pytest

from squidlib.data.chest import ChestImages, chexpert, chexpert_valid
from squidlib.data.options import DataOptions
from squidlib.data.registry import open_dataset, settings_of
from tests.chest_folders import chexpert_folder, write_table
from tests.helpers import refusal

SMALL = "CheXpert-v1.0-small"


def names(images: ChestImages) -> list[str]:
    """Patient, study and file of all images."""
    files = (*images.train, *images.calibration, *images.test, *images.abnormal_train)
    return sorted("/".join(file.path.parts[-3:]) for file in files)


def rewritten(table: Path, change: Callable[[int, str], str]) -> None:
    """The table with other paths; ``change`` gets the row's number, too."""
    with table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    write_table(table, [row | {"Path": change(number, row["Path"])} for number, row in enumerate(rows)])


@pytest.fixture
def usual(tmp_path: Path) -> list[str]:
    """What the official small folder gives."""
    return names(chexpert(chexpert_folder(tmp_path / "usual"), test_each=8))


@pytest.mark.parametrize("written", ["CheXpert-v1.0", SMALL], ids=["its own prefix", "the small one's"])
@pytest.mark.parametrize("given", ["", "CheXpert-v1.0"], ids=["the folder above", "the folder"])
def test_a_full_size_folder_is_read(tmp_path: Path, usual: list[str], written: str, given: str) -> None:
    root = chexpert_folder(tmp_path / "data")
    (root / SMALL).rename(root / "CheXpert-v1.0")
    rewritten(root / "CheXpert-v1.0/train.csv", lambda _, path: path.replace(SMALL, written))
    assert names(chexpert(root / given, test_each=8)) == usual


def test_tables_beside_the_batches_are_found(tmp_path: Path, usual: list[str]) -> None:
    root = chexpert_folder(tmp_path / "data")
    (root / SMALL / "train").rename(root / "CheXpert-v1.0 batch 2 (train 1)")
    for table in ("train.csv", "valid.csv"):
        (root / SMALL / table).rename(root / table)
    assert names(chexpert(root, test_each=8)) == usual


def test_one_table_may_write_its_paths_in_several_ways(tmp_path: Path, usual: list[str]) -> None:
    root = chexpert_folder(tmp_path / "data")
    ways: list[Callable[[str], str]] = [
        lambda path: path,
        lambda path: path.removeprefix(f"{SMALL}/"),
        lambda path: path.replace(SMALL, "CheXpert-v1.0"),
        lambda path: f"/data/someone/data/{path}",
        lambda path: "C:\\data\\" + path.replace("/", "\\"),
        lambda path: f"Z:/data/{path}",
        lambda path: f"//server/share/{path}",
    ]
    rewritten(root / SMALL / "train.csv", lambda number, path: ways[number // 5 % len(ways)](path))
    assert names(chexpert(root, test_each=8)) == usual


def test_paths_of_the_radiologists_table_are_found_too(tmp_path: Path) -> None:
    root = chexpert_folder(tmp_path / "data")
    before = chexpert_valid(root)
    rewritten(root / SMALL / "valid.csv", lambda _, path: "D:\\" + path.replace("/", "\\"))
    assert chexpert_valid(root) == before
    assert len(before.test) == 10


def test_a_path_with_windows_separators_cannot_leave_the_folder(tmp_path: Path) -> None:
    root = chexpert_folder(tmp_path / "data")
    rewritten(root / SMALL / "train.csv", lambda _, path: path.replace(f"{SMALL}/", f"{SMALL}\\..\\"))
    assert "leads outside the data set" in refusal(lambda: chexpert(root, test_each=8))


@pytest.mark.parametrize("each", [1, 3, 8])
def test_a_smaller_test_set_holds_as_many_of_each_and_the_rest_is_learned(tmp_path: Path, each: int) -> None:
    options = DataOptions(folder=chexpert_folder(tmp_path / "data"), test_each=each, image_size=16)
    data = open_dataset(settings_of("chexpert", options), 0)
    test = data.test()
    assert test is not None
    assert test.labels.tolist() == [0] * each + [1] * each
    used = len(data.reference()) + len(data.calibration())
    assert 30 - 2 * each <= used <= 30 - each  # a patient with a tested image trains with no other


def test_no_test_set_at_all_leaves_every_normal_image_to_learn_from(tmp_path: Path) -> None:
    options = DataOptions(folder=chexpert_folder(tmp_path / "data"), test_each=0, image_size=16)
    data = open_dataset(settings_of("chexpert", options), 0)
    assert data.test() is None
    assert len(data.reference()) + len(data.calibration()) == 30
