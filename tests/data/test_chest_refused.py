"""Chest data that cannot be used: one clear line, or left out and listed."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from squidlib.data.chest import ChestArrays, chexpert_authors, open_images, zhanglab, zhanglab_authors
from tests.chest_folders import write_image, zhanglab_authors_folder, zhanglab_folder
from tests.helpers import refusal

SIZE = 8


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return zhanglab_folder(tmp_path / "data")


def opened(root: Path, skip_bad: bool = False) -> ChestArrays:
    return open_images(zhanglab(root, skip_bad=skip_bad), SIZE, root.parent / "cache", skip_bad)


def first(root: Path, folder: str) -> Path:
    return sorted((root / folder).iterdir())[0]


def corrupt(root: Path) -> None:
    path = first(root, "train/NORMAL")
    path.write_bytes(path.read_bytes()[:60])


def foreign_inside(root: Path) -> None:
    (root / "test/NORMAL/report.png").write_text("no image")


def a_folder(root: Path) -> None:
    (root / "train/NORMAL/more.png").mkdir()


def link_outside(root: Path) -> None:
    write_image(root.parent / "secret.png")
    (root / "train/NORMAL/IM-0900-0001.png").symlink_to(root.parent / "secret.png")


def link_in_a_circle(root: Path) -> None:
    (root / "train/NORMAL/a.png").symlink_to(root / "train/NORMAL/a.png")


def patient_twice(root: Path) -> None:
    write_image(root / "train/NORMAL/IM-0500-0009.jpeg")  # IM-0500 is in test


def pneumonia_patient_twice(root: Path) -> None:
    write_image(root / "train/PNEUMONIA/person50_bacteria_99.jpeg")


def file_in_train_and_test(root: Path) -> None:
    shutil.copy(first(root, "test/NORMAL"), root / "train/NORMAL/IM-0901-0001.jpeg")


def file_of_two_labels(root: Path) -> None:
    shutil.copy(first(root, "test/NORMAL"), root / "test/PNEUMONIA/person900_virus_1.jpeg")


FLAWS: list[tuple[Callable[[Path], None], str]] = [
    (corrupt, "the image is damaged"),
    (foreign_inside, "not an image that can be read"),
    (a_folder, "this is a folder; remove it"),
    (link_outside, "only files below it are read"),
    (link_in_a_circle, "only files below it are read"),
    (patient_twice, "patient IM-0500 is in the test set too"),
    (pneumonia_patient_twice, "patient person50_bacteria is in the test set too"),
    (file_in_train_and_test, "here train normal, there test normal: remove one of the two"),
    (file_of_two_labels, "here test abnormal, there test normal: remove one of the two"),
]


@pytest.mark.parametrize(("flaw", "says"), FLAWS, ids=[flaw.__name__ for flaw, _ in FLAWS])
def test_a_flaw_is_refused_in_one_line_or_left_out_and_listed(
    root: Path, flaw: Callable[[Path], None], says: str
) -> None:
    whole = opened(root)
    flaw(root)
    text = refusal(lambda: opened(root)).replace("here calibration", "here train")
    assert says in text
    assert text.endswith("(or go on without it: --skip-bad)")
    rest = opened(root, skip_bad=True)
    (line,) = rest.skipped
    assert says in line.replace("here calibration", "here train")
    parts = [len(data.train) + len(data.calibration) for data in (whole, rest)]
    assert parts[0] - parts[1] == (flaw is corrupt)
    assert len(rest.test) == len(whole.test)


def test_files_that_are_no_images_are_passed_over_counted_and_named(root: Path) -> None:
    for name in ("test/NORMAL/report.txt", "train/NORMAL/IM-1-1.nii", "test/PNEUMONIA/a.NII", "test/NORMAL/._b.dcm"):
        (root / name).write_bytes(b"no image")
    data = opened(root)
    assert data.skipped == ()
    assert data.notes == ("2 .nii (save them as PNG first), 1 .txt: no image files, passed over",)


def resaved_in_train_and_test(root: Path) -> None:
    """The same pixels; not one byte of the file's beginning is the same."""
    with Image.open(first(root, "test/NORMAL")) as image:
        image.convert("RGB").save(root / "train/NORMAL/IM-0901-0001.bmp", "BMP")


def resaved_turned(root: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down
    with Image.open(first(root, "test/NORMAL")) as image:
        image.rotate(180).save(root / "test/PNEUMONIA/person900_virus_1.png", exif=exif)


@pytest.mark.parametrize(
    ("copied", "says"),
    [
        (resaved_in_train_and_test, "here train normal, there test normal: remove one of the two"),
        (resaved_turned, "here test abnormal, there test normal: remove one of the two"),
    ],
)
def test_the_same_pixels_in_another_file_are_found(root: Path, copied: Callable[[Path], None], says: str) -> None:
    whole = opened(root)
    copied(root)
    text = refusal(lambda: opened(root)).replace("here calibration", "here train")
    assert says in text
    assert f": the same pixels as {first(root, 'test/NORMAL').resolve()};" in text
    rest = opened(root, skip_bad=True)
    assert len(rest.skipped) == 1
    assert len(rest.test) == len(whole.test)
    assert len(rest.train) + len(rest.calibration) == len(whole.train) + len(whole.calibration)


def test_the_files_that_are_damaged_are_named(root: Path) -> None:
    corrupt(root)
    assert refusal(lambda: opened(root)).startswith(str(first(root, "train/NORMAL").resolve()))


def test_of_abnormals_flaws_show_when_they_are_asked_for(root: Path) -> None:
    first(root, "train/PNEUMONIA").write_bytes(b"no image")
    strict, lenient = opened(root), opened(root, skip_bad=True)
    assert "not an image" in refusal(strict.abnormals)
    found = lenient.abnormals()
    assert (len(found.images), len(found.patients), len(found.skipped)) == (23, 23, 1)


def test_an_abnormal_that_is_a_test_image_too(root: Path) -> None:
    shutil.copy(first(root, "test/PNEUMONIA"), root / "train/PNEUMONIA/person900_virus_1.jpeg")
    assert "here train abnormal, there test abnormal" in refusal(opened(root).abnormals)
    assert len(opened(root, skip_bad=True).abnormals().images) == 24


def test_the_same_file_twice_within_one_part_is_noted(root: Path) -> None:
    path = first(root, "test/PNEUMONIA")
    shutil.copy(path, path.with_name("person50_bacteria_99.jpeg"))
    data = opened(root)
    assert len(data.test) == 15
    assert "both kept, since both are test abnormal images" in data.notes[0]


@pytest.mark.parametrize("folder", ["train/NORMAL", "test/NORMAL", "test/PNEUMONIA"])
def test_a_class_folder_is_missing_or_empty(root: Path, folder: str) -> None:
    for path in (root / folder).iterdir():
        path.unlink()
    assert "got 0; add" in refusal(lambda: zhanglab(root))
    (root / folder).rmdir()
    assert f"the class folder {folder} is missing" in refusal(lambda: zhanglab(root))


def test_a_class_folder_that_leads_outside(root: Path) -> None:
    (root / "test/NORMAL").rename(root.parent / "elsewhere")
    (root / "test/NORMAL").symlink_to(root.parent / "elsewhere")
    assert "only files below it are read" in refusal(lambda: zhanglab(root))


def test_a_root_that_is_not_there_or_one_folder_too_high(root: Path) -> None:
    assert "no such folder" in refusal(lambda: zhanglab(root / "nowhere"))
    assert f"it is in {root}: give that" in refusal(lambda: zhanglab(root.parent))
    assert "give the folder that holds it" in refusal(lambda: zhanglab(root / "train"))


def test_one_layout_taken_for_another_names_what_was_expected(root: Path) -> None:
    assert "normal_256" in refusal(lambda: zhanglab_authors(root))
    assert "our_test_256_pa" in refusal(lambda: chexpert_authors(root))


def test_too_few_patients_for_calibration(root: Path) -> None:
    for path in sorted((root / "train/NORMAL").iterdir()):
        if not path.name.startswith(("IM-0100", "NORMAL2-IM-0101")):
            path.unlink()
    assert "at least 3 patients expected" in refusal(lambda: zhanglab(root))


def test_fewer_than_two_calibration_images(tmp_path: Path) -> None:
    zhanglab_authors_folder(tmp_path)
    for path in sorted((tmp_path / "val/normal_256").iterdir())[1:]:
        path.unlink()
    assert "at least 3 calibration images of normals expected, got 1" in refusal(lambda: zhanglab_authors(tmp_path))


def test_skipping_does_not_go_on_without_calibration(root: Path) -> None:
    for file in zhanglab(root).calibration:
        file.path.write_bytes(b"no image")
    assert "3 calibration images" in refusal(lambda: opened(root, skip_bad=True))


def test_a_size_that_is_none(root: Path) -> None:
    assert "at least one pixel" in refusal(lambda: open_images(zhanglab(root), 0, root.parent / "cache"))
