"""Series-out: one series of normals is learned, the others are tested, and no patient is in both."""

from __future__ import annotations

from pathlib import Path

import pytest

from squidlib.data.chest import zhanglab
from squidlib.data.chest.files import ChestImages
from squidlib.data.chest.series import series_of, series_out
from tests.chest_folders import write_image
from tests.helpers import refusal


@pytest.fixture
def images(tmp_path: Path) -> ChestImages:
    for patient in range(8):
        write_image(tmp_path / f"train/NORMAL/IM-{patient:04}-0001.jpeg")
        write_image(tmp_path / f"train/NORMAL/NORMAL2-IM-{patient:04}-0001.jpeg")
    write_image(tmp_path / "test/NORMAL/IM-0900-0001.jpeg")
    write_image(tmp_path / "test/NORMAL/NORMAL2-IM-0901-0001.jpeg")
    write_image(tmp_path / "test/PNEUMONIA/person1_virus_1.jpeg")
    return zhanglab(tmp_path)


def names(files: tuple) -> list[str]:  # type: ignore[type-arg]
    return [file.path.name for file in files]


@pytest.mark.parametrize(("series", "other"), [("IM", "NORMAL2"), ("NORMAL2", "IM")])
def test_one_series_is_learned_and_the_other_tested(images: ChestImages, series: str, other: str) -> None:
    found = series_out(images, series)
    learned, tested = names(found.train) + names(found.calibration), names(found.test)
    assert len(learned) == 8
    assert {series_of(name) for name in learned} == {series}
    assert len(tested) == 8 + 1 + 1  # the other's normals, that of the test folder among them, and the pneumonia
    assert {series_of(name) for name in tested} == {other, None}
    assert not {file.patient for file in (*found.train, *found.calibration)} & {file.patient for file in found.test}


def test_unknown_and_missing_series_are_refused(images: ChestImages, tmp_path: Path) -> None:
    assert "IM, NORMAL2, got OTHER" in refusal(lambda: series_out(images, "OTHER"))
    for path in tmp_path.rglob("NORMAL2*"):
        path.unlink()
    assert "another one expected, got IM" in refusal(lambda: series_out(zhanglab(tmp_path), "IM"))
