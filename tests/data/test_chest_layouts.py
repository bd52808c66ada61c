"""ZhangLab's layouts: every file is found, in the part it belongs to, and no patient is in two parts."""

from __future__ import annotations

import shutil
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from squidlib.data.chest import ChestFile, ChestImages, chexpert_authors, split_calibration, zhanglab, zhanglab_authors
from squidlib.data.chest.patients import patient_of
from tests.chest_folders import chexpert_authors_folder, write_image, zhanglab_authors_folder, zhanglab_folder


def patients(files: tuple[ChestFile, ...]) -> set[str]:
    return {file.patient for file in files}


def assert_disjoint(images: ChestImages) -> None:
    assert not patients(images.train) & patients(images.calibration)
    assert not (patients(images.train) | patients(images.calibration)) & patients(images.test)
    assert not patients(images.abnormal_train) & patients(images.test)


@pytest.mark.parametrize(
    ("path", "patient"),
    [
        ("train/NORMAL/IM-0115-0001.jpeg", "IM-0115"),
        ("NORMAL2-IM-0115-0001.jpeg", "NORMAL2-IM-0115"),
        ("IM-0429-0001-0002.jpeg", "IM-0429"),
        ("person1_bacteria_1.jpeg", "person1_bacteria"),
        ("person1_virus_6.png", "person1_virus"),
        ("train/patient00001/study1/view1_frontal.jpg", "patient00001"),
        ("train_patient00007_study1.jpg", "patient00007"),
        ("train/NORMAL/scan_12.png", None),
    ],
)
def test_a_name_tells_the_patient(path: str, patient: str | None) -> None:
    assert patient_of(PurePosixPath(path)) == patient


def test_the_public_layout_is_read_whole(tmp_path: Path) -> None:
    images = zhanglab(zhanglab_folder(tmp_path))
    assert_disjoint(images)
    normals = sorted(file.path.name for file in (*images.train, *images.calibration))
    assert normals == sorted(path.name for path in (tmp_path / "train/NORMAL").iterdir())
    assert {file.path.parent.name for file in images.abnormal_train} == {"PNEUMONIA"}
    assert len(images.abnormal_train) == 24
    assert [file.label for file in images.test] == [0] * 6 + [1] * 8
    assert images.skipped == images.notes == ()


def test_val_of_the_public_layout_belongs_to_train(tmp_path: Path) -> None:
    zhanglab_folder(tmp_path)
    write_image(tmp_path / "val/NORMAL/NORMAL2-IM-1427-0001.jpeg")
    images = zhanglab(tmp_path)
    assert "NORMAL2-IM-1427" in patients(images.train) | patients(images.calibration)


def test_what_systems_put_beside_images_is_no_image(tmp_path: Path) -> None:
    zhanglab_folder(tmp_path)
    for name in (".DS_Store", "._IM-0001-0001.jpeg", "Thumbs.db"):
        (tmp_path / "train/NORMAL" / name).write_bytes(b"x")
    assert zhanglab(tmp_path).skipped == ()


def test_the_cut_depends_on_the_seed_alone(tmp_path: Path) -> None:
    zhanglab_folder(tmp_path / "a")
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    cuts = [
        [file.path.name for file in zhanglab(tmp_path / place, seed).calibration]
        for place, seed in (("a", 0), ("b", 0), ("a", 1))
    ]
    assert cuts[0] == cuts[1]
    assert cuts[0] != cuts[2]


@given(counts=st.lists(st.integers(1, 4), min_size=3, max_size=60), seed=st.integers(0, 5))
def test_calibration_holds_whole_patients_and_about_its_share(counts: list[int], seed: int) -> None:
    files = [ChestFile(Path(f"{who}-{n}"), str(who), 0) for who, count in enumerate(counts) for n in range(count)]
    train, calibration = split_calibration(files, seed)
    held = {file.patient for file in calibration}
    assert sorted(train + calibration) == sorted(files)
    assert train
    assert len(held) >= 2
    assert not held & {file.patient for file in train}
    if len(held) > 2:
        share = max(0.15 * len(files), 3)
        assert min(share, len(files) - 4) <= len(calibration) < share + 4


def test_the_authors_layout_calibrates_with_the_normals_of_val(tmp_path: Path) -> None:
    images = zhanglab_authors(zhanglab_authors_folder(tmp_path))
    assert_disjoint(images)
    assert len(images.train) == 16
    assert sorted(file.path for file in images.calibration) == sorted((tmp_path / "val/normal_256").resolve().iterdir())
    assert [file.label for file in images.test] == [0] * 6 + [1] * 8
    assert images.abnormal_train == ()


def test_of_the_authors_val_no_patient_is_kept_who_is_in_train(tmp_path: Path) -> None:
    zhanglab_authors_folder(tmp_path)
    write_image(tmp_path / "val/normal_256/IM-0100-0009.jpeg")  # IM-0100 is in train
    images = zhanglab_authors(tmp_path)
    assert_disjoint(images)
    assert len(images.train) == 16
    assert images.notes == ("1 images of val left out: their patients are in train",)


def test_the_authors_chexpert_layout_is_read(tmp_path: Path) -> None:
    images = chexpert_authors(chexpert_authors_folder(tmp_path))
    assert_disjoint(images)
    assert (len(images.train), len(images.calibration), len(images.test)) == (8, 3, 8)


def test_names_without_a_patient_are_told_of(tmp_path: Path) -> None:
    zhanglab_folder(tmp_path)
    write_image(tmp_path / "train/NORMAL/mine.png")
    write_image(tmp_path / "test/NORMAL/mine.png")
    images = zhanglab(tmp_path)
    assert images.notes == ("2 of 32 file names tell no patient: each counts as a patient of its own",)
    assert_disjoint(images)


def test_a_root_that_is_a_link_is_followed(tmp_path: Path) -> None:
    zhanglab_folder(tmp_path / "real")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert len(zhanglab(tmp_path / "link").test) == 14
