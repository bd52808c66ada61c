"""DICOM files in chest folders: patients apart by their PatientID, which is kept, written and shown nowhere."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from squidlib.data.chest import zhanglab
from squidlib.data.chest.arrays import open_images
from squidlib.data.chest.files import ChestFile, ChestImages
from squidlib.data.chest.patients import Pseudonyms
from squidlib.utils.errors import UserError
from tests.dicom_files import dicom
from tests.helpers import contents

SECRET = "ZQ-4711"


def put(path: Path, patient: str | None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    seed = int.from_bytes(path.name.encode(), "big")  # so that no two files are equal
    pixels = np.random.default_rng(seed).integers(0, 256, (16, 16), dtype=np.uint8)
    path.write_bytes(dicom(pixels, PatientID=patient))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """12 normals of 6 patients and 2 of nobody in training, 2 + 2 images of 3 patients in the test set."""
    for index in range(12):
        put(tmp_path / f"train/NORMAL/{index:02}.dcm", f"{SECRET}-{index % 6}")
    put(tmp_path / "train/NORMAL/x.DICOM", "")
    put(tmp_path / "train/NORMAL/y.dcm", None)
    for index in range(2):
        put(tmp_path / f"test/NORMAL/n{index}.dcm", f"{SECRET}-t{index}")
        put(tmp_path / f"test/PNEUMONIA/p{index}.dcm", f"{SECRET}-t{2 * index}")
    return tmp_path


def owners(files: tuple[ChestFile, ...]) -> dict[str, str]:
    return {file.path.name: file.patient for file in files}


def cut(found: ChestImages) -> list[list[str]]:
    return [[file.path.name for file in part] for part in (found.train, found.calibration, found.test)]


def test_images_of_one_patient_are_one_patients_and_never_in_two_parts(root: Path) -> None:
    found = zhanglab(root)
    named = owners((*found.train, *found.calibration))
    for index in range(6):
        assert named[f"{index:02}.dcm"] == named[f"{index + 6:02}.dcm"]
    assert len(set(named.values())) == 6 + 2
    assert named["x.DICOM"] == "train/NORMAL/x"
    assert named["y.dcm"] == "train/NORMAL/y"
    assert not {file.patient for file in found.train} & {file.patient for file in found.calibration}
    tested = owners(found.test)
    assert tested["n0.dcm"] == tested["p0.dcm"] != tested["p1.dcm"]
    assert found.notes == ("2 of 18 files tell no patient: each counts as a patient of its own",)


def test_a_patient_of_training_in_the_test_set_is_a_flaw_that_names_nobody(root: Path) -> None:
    put(root / "test/NORMAL/leak.dcm", f" {SECRET}-3 ")  # blanks around a value mean nothing
    with pytest.raises(UserError, match=r"03\.dcm: patient DICOM patient 0000\d\d is in the test set too") as caught:
        zhanglab(root)
    assert SECRET not in str(caught.value)
    left = owners((*(found := zhanglab(root, skip_bad=True)).train, *found.calibration))
    assert {"03.dcm", "09.dcm"} & set(left) == set()
    assert len(left) == 12


def test_a_data_set_is_cut_alike_every_time(root: Path) -> None:
    assert cut(zhanglab(root)) == cut(zhanglab(root))


def test_nothing_of_a_patient_is_kept_or_written(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = set(contents(root))
    found = zhanglab(root)
    arrays = open_images(found, 16)
    written = [name for name in set(contents(root)) - before if (root / name).is_file()]
    assert len(written) == 4
    for name in written:
        assert SECRET.encode() not in (root / name).read_bytes()
        assert b"Nobody" not in (root / name).read_bytes()
    said = "".join(capsys.readouterr())
    assert SECRET not in repr(found) + repr(arrays.notes) + repr(arrays.patients) + said


def test_one_id_has_another_hash_in_every_data_set(root: Path) -> None:
    keys = []
    for _ in range(2):
        pseudonyms = Pseudonyms()
        assert pseudonyms.of_file(root / "train/NORMAL/00.dcm") == "DICOM patient 000001"
        assert SECRET not in repr(vars(pseudonyms))
        keys.append(set(pseudonyms._numbers))
    assert not keys[0] & keys[1]


def test_a_dicom_file_is_decoded_as_the_same_picture_in_a_png(root: Path) -> None:
    pixels = np.random.default_rng(5).integers(0, 256, (16, 16), dtype=np.uint8)
    (root / "test/NORMAL/n0.dcm").write_bytes(dicom(pixels, PatientID=f"{SECRET}-t0"))
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    decoded = open_images(zhanglab(root), 16).test
    (root / "test/NORMAL/n0.dcm").unlink()
    (root / "test/NORMAL/n0.png").write_bytes(buffer.getvalue())
    assert (open_images(zhanglab(root), 16).test == decoded).all()
    assert (decoded[0] == pixels).all()
