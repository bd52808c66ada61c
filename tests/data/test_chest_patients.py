"""Whose image a file is: right for the names that the data sets publish, and nobody's for all others."""

from __future__ import annotations

from pathlib import Path, PurePath

import pytest

from squidlib.data.chest import zhanglab
from squidlib.data.chest.patients import patient_of
from tests.chest_folders import write_image, zhanglab_folder
from tests.helpers import refusal


@pytest.mark.parametrize(
    ("path", "patient"),
    [
        ("IM-0115-0001.jpeg", "IM-0115"),
        ("NORMAL2-IM-0429-0001-0002.jpeg", "NORMAL2-IM-0429"),
        ("person1_bacteria_1.jpeg", "person1_bacteria"),
        ("train/patient00001/study1/view1_frontal.jpg", "patient00001"),
        ("00000013_005.png", "00000013"),  # NIH ChestX-ray14: patient, follow-up
        ("images_001/images/00030805_000.png", "00030805"),
        ("test/NORMAL/00000013_005 copy.png", "00000013"),
        ("20200418_0005.png", None),  # more digits than a follow-up has
        ("0000013_005.png", None),
        ("100000013_005.png", None),
        ("00000013.png", None),
        ("scan_00000013_005.png", None),
    ],
)
def test_the_patient_is_what_the_name_says(path: str, patient: str | None) -> None:
    assert patient_of(PurePath(path)) == patient


def test_two_follow_ups_of_one_patient_are_never_in_train_and_test(tmp_path: Path) -> None:
    root = zhanglab_folder(tmp_path)
    write_image(root / "train/NORMAL/00000013_005.png")
    write_image(root / "test/NORMAL/00000013_017.png")
    assert "patient 00000013 is in the test set too" in refusal(lambda: zhanglab(root))
    (root / "test/NORMAL/00000013_017.png").rename(root / "train/NORMAL/00000013_017.png")
    images = zhanglab(root)
    assert images.notes == ()
    parts = [{file.patient for file in part} for part in (images.train, images.calibration)]
    assert ("00000013" in parts[0]) != ("00000013" in parts[1])
