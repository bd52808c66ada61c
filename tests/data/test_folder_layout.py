"""Which images of a folder are used for what: names of folders, masks of several forms, doubles, files with a flaw."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from squidlib.data.folder import FolderData
from squidlib.data.folder_layout import layout_of, shape_of
from tests.helpers import refusal


def picture(path: Path, seed: int) -> Path:
    """Grey noise of its own for each seed, 64 x 64."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (64, 64), dtype=np.uint8)).save(path)
    return path


def normals(folder: Path, count: int = 12) -> Path:
    for seed in range(count):
        picture(folder / f"{seed:02}.png", seed)
    return folder


def names(paths: list[Path]) -> list[str]:
    return [path.name for path in paths]


@pytest.mark.parametrize("where", ["", "normal", "train", "train/normal", "train/NORMAL", "train/Good"])
def test_normal_images_are_found_in_every_usual_place(where: str, tmp_path: Path) -> None:
    normals(tmp_path / where, 7)
    found = layout_of(tmp_path)
    assert names(found.normals) == [f"{number:02}.png" for number in range(7)]
    assert found.tests == []
    assert found.notes == ()


def test_abnormal_images_beside_normal_ones_are_never_taken_for_normal(tmp_path: Path) -> None:
    normals(tmp_path / "normal", 5)
    picture(tmp_path / "tumour" / "a.png", 50)
    picture(tmp_path / "stray.png", 51)
    found = layout_of(tmp_path)
    assert len(found.normals) == 5
    assert found.notes == (
        f"{tmp_path}: tumour, images beside them left out, because training learns from normal images",
    )


def test_folders_that_say_nothing_are_all_normal_and_that_is_said(tmp_path: Path) -> None:
    picture(tmp_path / "train" / "monday" / "a.png", 0)
    picture(tmp_path / "train" / "tuesday" / "b.png", 1)
    found = layout_of(tmp_path)
    assert names(found.normals) == ["a.png", "b.png"]
    assert found.notes == (f"{tmp_path / 'train'}: images of monday, tuesday are all taken for normal",)


def test_test_folders_tell_the_anomaly_type_and_normal_ones_come_first(tmp_path: Path) -> None:
    normals(tmp_path / "train")
    for kind in ("crack", "good", "aged"):
        picture(tmp_path / "test" / kind / f"{kind}.png", len(kind))
    picture(tmp_path / "test" / "nobody knows.png", 60)
    picture(tmp_path / "validation" / "v.png", 61)
    found = layout_of(tmp_path)
    assert [(file.path.name, file.anomaly_type) for file in found.tests] == [
        ("good.png", "normal"),
        ("aged.png", "aged"),
        ("crack.png", "crack"),
    ]
    assert any("1 images in no folder left out" in note for note in found.notes)
    assert f"{tmp_path}: validation beside train left out" in found.notes


def mask(path: Path, *corner: int) -> None:
    """White in the box (left, upper, right, lower)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.new("L", (64, 64))
    image.paste(255, corner)
    image.save(path)


@pytest.mark.parametrize("form", ["masks/dent/a.png", "masks/dent/a_mask.png", "ground_truth/dent/a_mask.bmp"])
def test_masks_of_every_usual_name_are_found(form: str, tmp_path: Path) -> None:
    normals(tmp_path / "train")
    picture(tmp_path / "test" / "dent" / "a.png", 50)
    mask(tmp_path / form, 0, 0, 32, 64)
    test = FolderData(tmp_path, image_size=64).test()
    assert test is not None
    assert test.masks is not None
    assert torch.equal(test.masks[0, 0].nonzero().amax(0), torch.tensor([63, 31]))
    assert int(test.masks.sum()) == 32 * 64


def test_several_masks_of_one_image_are_taken_together_and_a_tiny_one_does_not_vanish(tmp_path: Path) -> None:
    normals(tmp_path / "train")
    picture(tmp_path / "test" / "dent" / "a.png", 50)
    mask(tmp_path / "ground_truth/dent/a/0.png", 0, 0, 32, 32)
    mask(tmp_path / "ground_truth/dent/a/1.png", 63, 63, 64, 64)
    test = FolderData(tmp_path, image_size=32).test()
    assert test is not None
    assert test.masks is not None
    assert test.masks[0, 0, :16, :16].all()
    assert test.masks[0, 0, 31, 31]
    assert int(test.masks.sum()) <= 16 * 16 + 4


def test_masks_of_some_images_only_are_said(tmp_path: Path) -> None:
    normals(tmp_path / "train")
    for name in "ab":
        picture(tmp_path / "test" / "dent" / f"{name}.png", ord(name))
    mask(tmp_path / "masks/dent/a.png", 0, 0, 9, 9)
    data = FolderData(tmp_path)
    assert "masks of 1 of 2 abnormal images only: where they are abnormal is not measured" in data.notes


def test_no_picture_is_in_two_parts(tmp_path: Path) -> None:
    """Saved anew, so that the files differ and the pixels do not."""
    normals(tmp_path / "train")
    Image.open(tmp_path / "train" / "00.png").save(tmp_path / "train" / "again.bmp")
    (tmp_path / "test" / "normal").mkdir(parents=True)
    Image.open(tmp_path / "train" / "01.png").save(tmp_path / "test" / "normal" / "leak.tif")
    data = FolderData(tmp_path, held_back=0.1)
    assert (
        "1 normal images left out, because they show the same as a test image: train/01.png (test/normal/leak.tif)"
        in data.notes
    )
    twins = "1 normal images left out, because they show the same as another normal image: "
    assert f"{twins}train/again.bmp (train/00.png)" in data.notes
    test = data.test()
    assert test is not None
    parts = [data.reference(), data.calibration(), data.validation(), test.images]
    assert sum(map(len, parts)) == 12
    distances = torch.cdist(torch.cat(parts).flatten(1), torch.cat(parts).flatten(1)) + 99 * torch.eye(12)
    assert float(distances.min()) > 1


@pytest.mark.parametrize("where", ["train/05.png", "test/crack/a.png"])
def test_a_damaged_image_is_refused_before_training_or_left_out_when_asked(where: str, tmp_path: Path) -> None:
    normals(tmp_path / "train")
    picture(tmp_path / "test" / "crack" / "a.png", 50)
    picture(tmp_path / "test" / "crack" / "b.png", 51)
    bad = tmp_path / where
    bad.write_bytes(bad.read_bytes()[:300])
    assert refusal(lambda: FolderData(tmp_path)).startswith(f"{bad}: the image is damaged")
    data = FolderData(tmp_path, skip_bad=True)
    assert any(note.startswith(f"{bad}: the image is damaged") and note.endswith("left out") for note in data.notes)
    test = data.test()
    assert test is not None
    assert len(data.reference()) + len(data.calibration()) + len(test.images) == 13
    assert test.ids == (["test/crack/b.png"] if where.startswith("test") else ["test/crack/a.png", "test/crack/b.png"])


def test_most_images_decide_the_shape_wherever_the_odd_ones_stand(tmp_path: Path) -> None:
    files = [picture(tmp_path / f"{seed:03}.png", seed) for seed in range(90)]
    for path in files[:32]:
        Image.new("RGB", (200, 64), (250, 10, 10)).save(path)
    assert shape_of(files) == ((128, 128), 1)
