"""squid score --dicom-maps: maps that a viewer opens, with new identities and nothing of the patient."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.uid import SecondaryCaptureImageStorage

from squidlib.cli.score_dicom import secondary_capture
from tests.cli.score_tables import rows_of
from tests.cli.test_cli_score_resume import interrupt_after
from tests.dicom_files import dicom
from tests.helpers import squid

Capture = pytest.CaptureFixture[str]
#: Of the Patient, Study and Equipment modules: what may say who or where somebody is.
IDENTIFYING = ("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "AccessionNumber", "StudyDate", "StudyID")


def test_a_map_is_a_secondary_capture_with_the_pixels_of_the_png(file: Path, many: Path, capsys: Capture) -> None:
    with Image.open("many/0.png") as image:
        content = dicom(np.asarray(image), PatientID="ZQ-4711", PatientBirthDate="19700101", StudyID="ZQ-1")
    Path("many/0.dcm").write_bytes(content)
    options = ["score", file, many, "--csv", "s.csv", "--maps", "maps", "--dicom-maps"]
    assert squid(capsys, *options).code == 0
    uids = [pydicom.dcmread("many/0.dcm").SOPInstanceUID]
    for row in rows_of(Path("s.csv")):
        path = Path(row["map"]).with_suffix(".dcm")
        data = pydicom.dcmread(path)
        with Image.open(row["map"]) as picture:
            assert (data.pixel_array == np.asarray(picture)).all()
        assert data.SOPClassUID == data.file_meta.MediaStorageSOPClassUID == SecondaryCaptureImageStorage
        assert data.DerivationDescription == "Anomaly map, not for clinical use"
        assert list(data.ImageType[:2]) == ["DERIVED", "SECONDARY"]
        assert [data.get(name) or "" for name in IDENTIFYING] == [""] * len(IDENTIFYING)
        assert b"ZQ-" not in path.read_bytes()
        uids += [data.SOPInstanceUID, data.StudyInstanceUID, data.SeriesInstanceUID]
    assert len(set(uids)) == len(uids) == 1 + 3 * 8
    assert len(list(Path("maps").iterdir())) == 16


def test_a_picture_of_odd_size_is_read_again(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (9, 11, 3), dtype=np.uint8)
    (tmp_path / "odd.dcm").write_bytes(secondary_capture(pixels))
    assert (pydicom.dcmread(tmp_path / "odd.dcm").pixel_array == pixels).all()


def test_maps_in_dicom_are_no_images_to_judge_and_go_with_their_table(file: Path, many: Path, capsys: Capture) -> None:
    options = ["score", file, many, "--csv", "s.csv", "--maps", "maps", "--dicom-maps"]
    assert squid(capsys, *options).code == 0
    said = squid(capsys, "score", file, many, "maps", "--csv", "other.csv")
    assert "it has 14 anomaly maps of squid score" in said.errors[0]
    Path("maps/mine.dcm").write_bytes(Path("many/0.png").read_bytes())
    assert squid(capsys, "score", file, many, "--csv", "s.csv", "--maps", "elsewhere", "--overwrite").code == 0
    assert [path.name for path in Path("maps").iterdir()] == ["mine.dcm"]


def test_an_interrupted_run_goes_on_with_dicom_maps_only_as_it_began(
    file: Path, many: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = ["score", file, many, "--csv", "s.csv", "--maps", "maps"]
    with monkeypatch.context() as patch:
        interrupt_after(patch, 2)
        assert squid(capsys, *options, "--dicom-maps").code == 130
    assert "begun with another dicom-maps" in squid(capsys, *options).errors[0]
    assert squid(capsys, *options, "--dicom-maps").code == 0
    assert len(list(Path("maps").glob("*.dcm"))) == 7


def test_what_dicom_maps_need_is_said_before_anything_is_done(
    file: Path, many: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = squid(capsys, "score", file, many, "--csv", "s.csv", "--dicom-maps")
    assert (said.code, len(said.errors)) == (2, 1)
    assert "beside the PNG files of --maps" in said.errors[0]
    monkeypatch.setitem(sys.modules, "pydicom", None)
    said = squid(capsys, "score", file, many, "--csv", "s.csv", "--maps", "maps", "--dicom-maps")
    assert (said.code, len(said.errors)) == (2, 1)
    assert 'needs pydicom: pip install "squidlib[dicom]"' in said.errors[0]
    assert not Path("s.csv").exists()
    assert not Path("maps").exists()
