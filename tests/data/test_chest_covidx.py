"""COVIDx: lists of every version are read line by line, patients stay apart, sources are told."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from squidlib.data.chest import ChestData, ChestImages, covidx, open_images
from squidlib.data.chest.covidx_lists import ListedImage, lists_of, read_list
from squidlib.data.chest.problems import Problems
from tests.chest_folders import COVIDX_TRAIN, covidx_folder, covidx_lines, write_image
from tests.helpers import refusal

SIZE = 16


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return covidx_folder(tmp_path / "covidx-cxr2")


def appended(path: Path, line: str) -> None:
    with path.open("a") as file:
        file.write(line + "\n")


def types(files: tuple) -> Counter[str]:  # type: ignore[type-arg]
    return Counter(file.anomaly_type for file in files)


def test_the_lists_say_what_is_learned_and_what_is_tested(root: Path) -> None:
    images = covidx(root)
    assert types((*images.train, *images.calibration)) == {"normal": 12}
    assert len(images.calibration) == 3
    assert types(images.test) == {"normal": 4, "pneumonia": 4, "COVID-19": 6}
    assert types(images.abnormal_train) == {"pneumonia": 7, "COVID-19": 9}
    assert {file.source for file in (*images.train, *images.calibration)} == {"rsna"}  # rnsa is a misspelling
    assert {file.path.suffix for file in images.test} == {".png", ".jpg", ".jpeg"}


def test_whole_patients_are_held_out_and_no_seed_of_a_run_matters(tmp_path: Path) -> None:
    root = covidx_folder(tmp_path / "data")
    lines = covidx_lines(root, "train", COVIDX_TRAIN, each=3)
    (root / "train_COVIDx9A.txt").write_text("\n".join(lines))
    images = covidx(root)
    parts = [images.train, images.calibration, images.test]
    owners = [{file.patient for file in part} for part in parts]
    assert not owners[0] & owners[1]
    assert not (owners[0] | owners[1]) & owners[2]
    assert len(images.calibration) % 3 == len(images.train) % 3 == 0
    assert covidx(root) == images


def test_a_patient_of_both_lists_is_refused_or_left_out_of_training(root: Path) -> None:
    patient = (root / "test_COVIDx9A.txt").read_text().split()[0]
    write_image(root / "train/again.png")
    appended(root / "train_COVIDx9A.txt", f"{patient} again.png normal rsna")
    assert f"patient {patient} is in the test set too" in refusal(lambda: covidx(root))
    images = covidx(root, skip_bad=True)
    assert len(images.skipped) == 1
    assert len(images.train) + len(images.calibration) == 12


def test_the_first_versions_have_three_fields_and_then_nothing_is_said_of_sources(root: Path) -> None:
    for path in root.glob("*.txt"):
        lines = [line for line in path.read_text().splitlines() if " sirm" not in line]
        path.write_text("\n".join(line.rpartition(" ")[0] for line in lines))
    images = covidx(root)
    assert types(images.test)["COVID-19"] == 6
    assert {file.source for file in images.test} == {""}
    assert "39 of 39 lines name no source" in images.notes[0]
    assert data_of(images).test().source_rarity is None  # type: ignore[union-attr]


def test_negative_and_positive_are_read_and_what_a_negative_is_stands_in_the_notes(root: Path) -> None:
    for path in list(root.glob("*.txt")):
        text = path.read_text().replace(" normal ", " negative ").replace(" pneumonia ", " negative ")
        path.rename(path.with_name(path.name.replace("9A", "9B"))).write_text(text.replace("COVID-19", "positive"))
    images = covidx(root)
    assert types((*images.train, *images.calibration)) == {"normal": 19}
    assert types(images.test) == {"normal": 8, "COVID-19": 6}
    assert "a negative image is one without COVID-19, not a healthy one" in images.notes[0]
    assert "17 rsna, 2 cohen" in images.notes[1]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("3 a.jpg pneumonia cohen", ListedImage("3", "a.jpg", "pneumonia", "cohen", 1)),
        ("3 a.jpg normal", ListedImage("3", "a.jpg", "normal", "", 1)),
        ("COVID 9 COVID(9).png COVID-19 sirm", ListedImage("COVID 9", "COVID(9).png", "COVID-19", "sirm", 1)),
        ("7 b.JPG positive rnsa", ListedImage("7", "b.JPG", "positive", "rsna", 1)),
    ],
)
def test_a_line_is_read_as_the_versions_write_it(tmp_path: Path, line: str, expected: ListedImage) -> None:
    (tmp_path / "list.txt").write_text(f"{line}\n\n")
    assert read_list(tmp_path / "list.txt", Problems(False)) == [expected]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("3 a.png", "patient, file name, class and source, separated by single spaces"),
        ("a.png normal rsna", "as the last one of a line without source"),
        ("3 a.b normal rsna", "the name of an image file without folder and spaces expected before normal"),
        ("3 a.png healthy rsna", "a class (normal, pneumonia, COVID-19, negative, positive) expected"),
        ("3 a.png normal rsna 2", "a class (normal, pneumonia"),
        ("3,a.png,normal,rsna", "patient, file name, class and source"),
        ("3 a.txt normal rsna", "got 'a.txt'"),
        ("3 ../a.png normal rsna", "got '../a.png'"),
        ("3 b\\a.png normal rsna", "without folder"),
        ("4 b.png negative rsna", "got negative beside"),
    ],
)
def test_a_malformed_line_is_refused_with_its_number(root: Path, line: str, says: str) -> None:
    appended(root / "train_COVIDx9A.txt", line)
    for skip_bad in (False, True):
        text = refusal(lambda skip=skip_bad: covidx(root, skip_bad=skip))
        assert "train_COVIDx9A.txt, line 29" in text
        assert says in text


def missing(root: Path) -> None:
    appended(root / "train_COVIDx9A.txt", "900 nowhere.png normal rsna")


def listed_twice(root: Path) -> None:
    name = (root / "train_COVIDx9A.txt").read_text().split()[1]
    appended(root / "train_COVIDx9A.txt", f"901 {name} normal rsna")


def outside(root: Path) -> None:
    write_image(root.parent / "secret.png")
    (root / "train/link.png").symlink_to(root.parent / "secret.png")
    appended(root / "train_COVIDx9A.txt", "902 link.png normal rsna")


@pytest.mark.parametrize(
    ("flaw", "says"),
    [
        (missing, "line 29: nowhere.png expected in"),
        (listed_twice, "is in line 1 already; remove one of the two"),
        (outside, "only files below it are read"),
    ],
)
def test_a_flaw_is_refused_or_left_out_and_listed(root: Path, flaw: Callable[[Path], None], says: str) -> None:
    whole = covidx(root)
    flaw(root)
    assert says in refusal(lambda: covidx(root))
    rest = covidx(root, skip_bad=True)
    assert says in rest.skipped[0]
    assert (rest.train, rest.calibration, rest.test) == (whole.train, whole.calibration, whole.test)


def test_of_several_versions_the_newest_is_read_and_that_is_said(root: Path) -> None:
    for version in ("", "_COVIDx", "_COVIDx8A", "_COVIDx9B", "_COVIDx_CXR-3A"):
        for split in ("train", "test"):
            shutil.copy(root / f"{split}_COVIDx9A.txt", root / f"{split}{version}.txt")
    order = []
    while True:
        lists = lists_of(root)
        order.append(lists.train.name)
        if not lists.notes:
            break
        assert f"the newest is read, {lists.train.name}; to read another" in lists.notes[0]
        lists.train.unlink()
    assert [name[5:-4] for name in order] == ["_COVIDx_CXR-3A", "_COVIDx9A", "_COVIDx9B", "_COVIDx8A", "_COVIDx", ""]


def test_lists_that_do_not_belong_together_are_refused(root: Path) -> None:
    test = root / "test_COVIDx9A.txt"
    test.write_text(test.read_text().replace("COVID-19", "positive").replace("pneumonia", "negative"))
    assert "the classes of one version expected" in refusal(lambda: covidx(root))
    test.write_text(test.read_text().replace("normal", "negative"))
    assert "take both lists of one version" in refusal(lambda: covidx(root))
    test.unlink()
    assert "train_COVIDx9A.txt has no test_COVIDx9A.txt beside it" in refusal(lambda: covidx(root))
    (root / "train_COVIDx9A.txt").write_text("")
    test.write_text("\n")
    assert "the file is empty" in refusal(lambda: covidx(root))


def test_one_folder_too_high(root: Path) -> None:
    assert f"it is in {root}: give that" in refusal(lambda: covidx(root.parent))


def data_of(images: ChestImages, skip_bad: bool = False) -> ChestData:
    return ChestData(open_images(images, SIZE, images.root.parent / "cache", skip_bad))


def test_every_test_image_keeps_its_type_its_source_and_how_rare_that_is(root: Path) -> None:
    test = data_of(covidx(root)).test()
    assert test is not None
    assert Counter(test.anomaly_types) == {"normal": 4, "pneumonia": 4, "COVID-19": 6}
    assert test.source_rarity is not None
    for name, source, rarity in zip(test.anomaly_types, test.sources, test.source_rarity.tolist(), strict=True):
        assert (source, rarity) == (("ricord", 1.0) if name == "COVID-19" else ("rsna", 0.0))


def test_the_same_picture_under_two_anomaly_types_is_a_flaw(root: Path) -> None:
    lines = [line.split() for line in (root / "test_COVIDx9A.txt").read_text().splitlines()]
    name = next(line[1] for line in lines if line[2] == "pneumonia" and line[1].endswith(".png"))
    with Image.open(root / "test" / name) as image:
        image.save(root / "test/other.bmp")
    appended(root / "test_COVIDx9A.txt", "950 other.bmp COVID-19 ricord")
    text = refusal(lambda: data_of(covidx(root)))
    assert "here test pneumonia, there test COVID-19" in text or "here test COVID-19, there test pneumonia" in text
    assert name in text
    assert "other.bmp" in text
    rest = data_of(covidx(root, skip_bad=True), skip_bad=True).test()
    assert rest is not None
    assert len(rest.images) == 14
    assert np.unique(rest.images.numpy(), axis=0).shape[0] == 14
