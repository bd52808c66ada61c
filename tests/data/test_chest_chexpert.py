"""CheXpert: the policy for labels, the views, the test set drawn by patients, and what is refused."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import pytest

from squidlib.data.chest import ChestImages, chexpert, chexpert_valid
from squidlib.data.chest.chexpert_labels import COLUMNS, PATHOLOGIES, label_of, read_labels
from tests.chest_folders import chexpert_folder, chexpert_path, chexpert_row, write_table
from tests.helpers import refusal


def test_there_are_fourteen_labels_and_nineteen_columns() -> None:
    assert len(PATHOLOGIES) == 12
    assert len(COLUMNS) == 19


@pytest.mark.parametrize(
    ("changes", "label"),
    [
        ({"No_Finding": "1.0"}, 0),
        ({"No_Finding": "1.0", "Support_Devices": "1.0"}, 0),
        ({"No_Finding": "1.0", "Edema": "0.0"}, 0),
        ({"No_Finding": "1.0", "Edema": "-1.0"}, None),
        ({"Edema": "1.0"}, 1),
        ({"Edema": "1.0", "Fracture": "-1.0"}, 1),
        ({"No_Finding": "1.0", "Fracture": "1.0"}, 1),
        ({"Edema": "-1.0"}, None),
        ({"Support_Devices": "1.0"}, None),
        ({"Edema": "0.0"}, None),
        ({}, None),
        ({"No_Finding": "-1.0"}, None),
    ],
)
def test_the_policy_for_labels(changes: dict[str, str], label: int | None) -> None:
    assert label_of(chexpert_row("x", **changes)) == label  # type: ignore[arg-type]


@pytest.mark.parametrize("pathology", PATHOLOGIES)
def test_every_pathology_makes_abnormal(pathology: str) -> None:
    assert label_of(chexpert_row("x") | {pathology: "1.0"}) == 1  # type: ignore[arg-type]


def test_only_frontal_pa_views_are_taken_by_default(tmp_path: Path) -> None:
    table = chexpert_folder(tmp_path, 3) / "CheXpert-v1.0-small/train.csv"
    assert {row.path.split("/")[3] for row in read_labels(table)} == {"study1", "study2"}
    assert len(read_labels(table, ("PA", "AP"))) == 9


@pytest.mark.parametrize("within", ["", "CheXpert-v1.0-small"])
def test_no_patient_of_the_drawn_test_set_is_anywhere_else(tmp_path: Path, within: str) -> None:
    images = chexpert(chexpert_folder(tmp_path) / within, test_each=8)
    labels = [file.label for file in images.test]
    assert labels == [0] * 8 + [1] * 8
    for label in (0, 1):
        assert len({file.patient for file in images.test if file.label == label}) == 8
    tested = {file.patient for file in images.test}
    learned = {file.patient for file in (*images.train, *images.calibration, *images.abnormal_train)}
    assert not tested & learned
    assert len(tested | learned) == 30
    assert not {file.patient for file in images.train} & {file.patient for file in images.calibration}
    assert "left out: their patients are in the test set" in images.notes[0]


def test_the_test_set_depends_on_the_seed_alone(tmp_path: Path) -> None:
    chexpert_folder(tmp_path)
    drawn = [chexpert(tmp_path, seed, test_each=8).test for seed in (0, 0, 1)]
    assert drawn[0] == drawn[1]
    assert drawn[0] != drawn[2]


def test_the_radiologists_test_set_is_all_of_valid(tmp_path: Path) -> None:
    images = chexpert_valid(chexpert_folder(tmp_path))
    assert [file.label for file in images.test] == [0, 1] * 5
    assert len(images.train) + len(images.calibration) == len(images.abnormal_train) == 30


def test_too_few_patients_for_the_test_set(tmp_path: Path) -> None:
    text = refusal(lambda: chexpert(chexpert_folder(tmp_path)))
    assert "250 normal patients expected for the test set, got 30" in text


@pytest.mark.parametrize("column", ["Path", "AP/PA", "Pleural Other"])
def test_a_missing_column(tmp_path: Path, column: str) -> None:
    rows = [chexpert_row(chexpert_path("train", 1))]
    write_table(tmp_path / "train.csv", rows, tuple(name for name in COLUMNS if name != column))
    assert f"{column} is missing" in refusal(lambda: read_labels(tmp_path / "train.csv"))


def test_a_value_that_is_no_label(tmp_path: Path) -> None:
    write_table(tmp_path / "train.csv", [chexpert_row("a"), chexpert_row("b", Edema="yes")])
    text = refusal(lambda: read_labels(tmp_path / "train.csv"))
    assert "line 3, Edema: one of 1.0, 0.0, -1.0 and blank expected, got 'yes'" in text


def test_a_row_that_is_cut_off(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text(",".join(COLUMNS) + "\nCheXpert-v1.0-small/train/patient00001\n")
    assert read_labels(tmp_path / "train.csv") == []  # no frontal view


def test_a_path_twice(tmp_path: Path) -> None:
    write_table(tmp_path / "train.csv", [chexpert_row("a"), chexpert_row("a", No_Finding="1.0")])
    assert "line 3: a stands in line 2 already" in refusal(lambda: read_labels(tmp_path / "train.csv"))


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"", b"\x89PNG\r\n"])
def test_a_file_that_is_no_csv(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "train.csv").write_bytes(content)
    assert "train.csv: " in refusal(lambda: read_labels(tmp_path / "train.csv"))


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("{outside}", "is no path like"),
        ("CheXpert-v1.0-small/train/../../secret/patient00099.jpg", "leads outside the data set"),
        ("CheXpert-v1.0-small\\train\\..\\..\\patient00099.jpg", "leads outside the data set"),
        ("CheXpert-v1.0-small/valid/patient00099/study1/view1_frontal.jpg", "is no path like"),
        ("Other/train/patient00099/study1/view1_frontal.jpg", "there is no such file"),
        ("CheXpert-v1.0-small/valid/patient64001/study1/view1_frontal.jpg", "is no path like"),
        ("{base}/train/patient00001/study1/view1_frontal.jpg", "is the file of line 2, too"),
        ("CheXpert-v1.0-small/train/someone/study1/view1_frontal.jpg", "is no path like"),
        ("CheXpert-v1.0-small/train/patient00099/study1/view1_frontal.jpg", "there is no such file"),
        ("CheXpert-v1.0-small/train/patient00098/view1_frontal.jpg", "lies outside"),
    ],
)
def test_a_path_that_leads_elsewhere_is_refused_or_left_out(tmp_path: Path, path: str, says: str) -> None:
    base = chexpert_folder(tmp_path / "data") / "CheXpert-v1.0-small"
    outside = tmp_path / "secret/patient00099.jpg"
    outside.parent.mkdir()
    outside.write_bytes((base / "train/patient00001/study1/view1_frontal.jpg").read_bytes())
    (base / "train/patient00098").mkdir()
    (base / "train/patient00098/view1_frontal.jpg").symlink_to(outside)
    with (base / "train.csv").open("a") as file:
        file.write(f"{path.format(outside=outside, base=base)},Female,60,Frontal,PA,1.0" + "," * 13 + "\n")
    assert says in refusal(lambda: chexpert(base, test_each=8))
    images = chexpert(base, test_each=8, skip_bad=True)
    assert len(images.skipped) == 1
    assert says in images.skipped[0]
    assert all(file.path.resolve().is_relative_to(base.resolve()) for file in (*images.train, *images.test))


def rewritten(table: Path, change: Callable[[str], str]) -> None:
    """The table with other paths."""
    with table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    write_table(table, [row | {"Path": change(row["Path"])} for row in rows])


def names(images: ChestImages) -> list[str]:
    files = (*images.train, *images.calibration, *images.test, *images.abnormal_train)
    return sorted("/".join(file.path.parts[-3:]) for file in files)


@pytest.mark.parametrize(
    "change",
    [
        lambda path: path.removeprefix("CheXpert-v1.0-small/"),
        lambda path: path.removeprefix("CheXpert-v1.0-small/train/"),
        lambda path: path.replace("CheXpert-v1.0-small/train", "CheXpert-v1.0 batch 2 (train 1)"),
        lambda path: path.replace("CheXpert-v1.0-small", "CheXpert-v1.0"),
        lambda path: f"/somewhere/data/{path}",
        lambda path: f"./{path}",
        lambda path: path.replace("/", "\\"),
        lambda path: "D:\\data\\" + path.replace("/", "\\"),
    ],
    ids=["no root", "no split", "batch", "full", "absolute", "dot", "backslashes", "drive"],
)
def test_files_are_found_below_the_folder_however_the_table_writes_their_paths(
    tmp_path: Path, change: Callable[[str], str]
) -> None:
    chexpert_folder(tmp_path)
    usual = names(chexpert(tmp_path, test_each=8))
    assert len(usual) >= 44  # of 60, less the other image of up to 16 patients who are tested
    rewritten(tmp_path / "CheXpert-v1.0-small/train.csv", change)
    assert names(chexpert(tmp_path, test_each=8)) == usual


@pytest.mark.parametrize("first", ["CheXpert-v1.0/train", "CheXpert-v1.0 batch {batch} (train {train})"])
def test_the_full_release_is_read_from_its_batches(tmp_path: Path, first: str) -> None:
    chexpert_folder(tmp_path)
    usual = names(chexpert(tmp_path, test_each=8))
    small, tables = tmp_path / "CheXpert-v1.0-small", tmp_path / "CheXpert-v1.0 batch 1 (validate & csv)"
    small.rename(tables)
    for patient in sorted((tables / "train").iterdir()):
        batch = 2 + int(patient.name[-5:]) % 3
        target = tmp_path / f"CheXpert-v1.0 batch {batch} (train {batch - 1})" / patient.name
        target.parent.mkdir(exist_ok=True)
        patient.rename(target)

    def change(path: str) -> str:
        batch = 2 + int(path.split("/")[2][-5:]) % 3
        return path.replace("CheXpert-v1.0-small/train", first.format(batch=batch, train=batch - 1))

    rewritten(tables / "train.csv", change)
    assert names(chexpert(tmp_path, test_each=8)) == usual
    assert len(chexpert_valid(tmp_path).test) == 10


def test_a_patient_in_train_and_valid(tmp_path: Path) -> None:
    base = chexpert_folder(tmp_path) / "CheXpert-v1.0-small"
    (base / "train/patient64001").symlink_to(base / "valid/patient64001")
    with (base / "train.csv").open("a") as file:
        file.write(f"{chexpert_path('train', 64001)},Male,60,Frontal,PA,1.0" + "," * 13 + "\n")
    assert "patient patient64001 is in the test set too" in refusal(lambda: chexpert_valid(base))


def test_a_missing_table_names_what_was_expected(tmp_path: Path) -> None:
    chexpert_folder(tmp_path)
    (tmp_path / "CheXpert-v1.0-small/train.csv").unlink()
    assert "CheXpert's train.csv and folder train expected" in refusal(lambda: chexpert(tmp_path))
