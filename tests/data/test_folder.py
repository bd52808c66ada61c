"""A folder of images of one's own: which files are what, which size suits them, and what is refused before training."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from squidlib.data.base import Dataset
from squidlib.data.folder import FolderData
from squidlib.data.folder_layout import shape_of, split
from squidlib.data.options import DataOptions
from squidlib.data.registry import open_dataset, settings_of
from tests.helpers import refusal


def picture(path: Path, size: tuple[int, int] = (64, 64), colour: bool = False, seed: int = 0) -> Path:
    """A smooth picture of its own for each seed; size is (width, height)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    coarse = np.random.default_rng(seed).integers(30, 220, (4, 4, 3), dtype=np.uint8)
    image = Image.fromarray(coarse if colour else coarse.mean(2).astype(np.uint8))
    image.resize(size, Image.Resampling.BICUBIC).save(path)
    return path


def normals(folder: Path, count: int = 20, **how: object) -> Path:
    for number in range(count):
        picture(folder / f"{number:03d}.png", seed=number, **how)  # type: ignore[arg-type]
    return folder


def mvtec(root: Path) -> Path:
    """The layout of MVTec AD: one good test image, two with a hole, and where the hole is."""
    normals(root / "train" / "good")
    picture(root / "test" / "good" / "000.png", seed=50)
    for number in range(2):
        path = picture(root / "test" / "hole" / f"{number:03d}.png", seed=60 + number)
        image = Image.open(path)
        image.paste(0, (0, 0, 16, 16))
        image.save(path)
        mask = Image.new("L", (64, 64))
        mask.paste(255, (0, 0, 16, 16))
        (root / "ground_truth" / "hole").mkdir(parents=True, exist_ok=True)
        mask.save(root / "ground_truth" / "hole" / f"{number:03d}_mask.png")
    return root


def test_normal_images_alone_are_enough(tmp_path: Path) -> None:
    data = FolderData(normals(tmp_path / "mine"))
    assert isinstance(data, Dataset)
    assert data.test() is None
    assert data.image_shape == (1, 128, 128)
    assert len(data.calibration()) == 3
    assert data.epoch_images == len(data.reference()) == 17
    assert data.batch(0, 4).shape == (4, 1, 128, 128)
    assert "17 images to train on, 3 to calibrate with" in " ".join(data.notes)


def test_train_and_calibration_share_no_image_and_are_the_same_for_every_seed(tmp_path: Path) -> None:
    normals(tmp_path)
    one, other = FolderData(tmp_path, seed=0), FolderData(tmp_path, seed=1)
    assert torch.equal(one.calibration(), other.calibration())
    assert not torch.equal(one.batch(0, 4), other.batch(0, 4))
    apart = torch.cdist(one.calibration().flatten(1), one.reference().flatten(1))
    assert float(apart.min()) > 1


def test_two_processes_share_a_batch(tmp_path: Path) -> None:
    data = FolderData(normals(tmp_path))
    whole = data.batch(3, 8)
    assert torch.equal(whole, torch.cat([data.batch(6, 4), data.batch(7, 4)]))


def test_mvtecs_layout_has_masks_and_names_of_defects(tmp_path: Path) -> None:
    test = FolderData(mvtec(tmp_path)).test()
    assert test is not None
    assert test.anomaly_types == ["normal", "hole", "hole"]
    assert test.ids == ["test/good/000.png", "test/hole/000.png", "test/hole/001.png"]
    assert test.labels.tolist() == [0, 1, 1]
    assert test.masks is not None
    assert test.masks.flatten(1).float().mean(1).tolist() == [0, 1 / 16, 1 / 16]
    wrong = test.wrong_tiles((4, 4))
    assert wrong is not None
    assert wrong.nonzero().tolist() == [[1, 0], [2, 0]]  # the first of sixteen tiles


def test_without_a_mask_for_every_abnormal_image_nobody_knows_where(tmp_path: Path) -> None:
    (mvtec(tmp_path) / "ground_truth" / "hole" / "001_mask.png").unlink()
    test = FolderData(tmp_path).test()
    assert test is not None
    assert test.masks is None


@pytest.mark.parametrize(
    ("size", "expected"),
    [((64, 64), (128, 128)), ((640, 480), (96, 128)), ((300, 700), (128, 64)), ((1000, 990), (128, 128))],
)
def test_the_size_follows_the_images_in_tiles_of_32_pixels(
    size: tuple[int, int], expected: tuple[int, int], tmp_path: Path
) -> None:
    """(width, height) of the files -> (height, width) that they are scaled to."""
    assert shape_of([picture(tmp_path / "a.png", size)])[0] == expected


def test_a_preset_of_larger_images_gets_them(tmp_path: Path) -> None:
    options = DataOptions(folder=normals(tmp_path / "mine", size=(96, 64)), preset_size=224)
    assert open_dataset(settings_of("folder", options), 0).image_shape == (1, 160, 224)


def test_colour_is_seen_and_can_be_asked_for(tmp_path: Path) -> None:
    normals(tmp_path / "grey")
    normals(tmp_path / "colour", colour=True)
    assert FolderData(tmp_path / "grey").image_shape[0] == 1
    assert FolderData(tmp_path / "colour").image_shape[0] == 3
    assert FolderData(tmp_path / "colour", channels=1).image_shape[0] == 1
    tinted = FolderData(tmp_path / "colour").reference()
    assert float((tinted[:, 0] - tinted[:, 2]).abs().mean()) > 0.05


def test_settings_make_the_same_data_again(tmp_path: Path) -> None:
    options = DataOptions(folder=normals(tmp_path / "mine", size=(96, 64)), held_back=0.1)
    settings = settings_of("folder", options)
    data = open_dataset(settings, 3)
    again = open_dataset(data.settings, 3)
    assert data.image_shape == (1, 96, 128) == again.image_shape
    assert torch.equal(data.batch(2, 4), again.batch(2, 4))
    assert len(data.validation()) == 2


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda root: root / "nowhere", "there is no such folder"),
        (lambda root: normals(root / "few", 6), "at least 7 normal images expected"),
        (lambda root: (root / "none").mkdir() or root / "none", "no image in this folder"),
        (lambda root: picture(root / "t" / "test" / "x" / "1.png").parents[2], "normal images in"),
    ],
)
def test_what_cannot_be_trained_on_is_refused_before_anything_is_trained(
    make: Callable[[Path], Path], said: str, tmp_path: Path
) -> None:
    folder = make(tmp_path)
    assert said in refusal(lambda: FolderData(folder))


def test_a_folder_beside_good_in_train_is_left_out_and_said(tmp_path: Path) -> None:
    normals(tmp_path / "train" / "good")
    normals(tmp_path / "train" / "broken", 3)
    data = FolderData(tmp_path)
    assert data.epoch_images == 17
    assert "broken left out" in " ".join(data.notes)


def test_split_keeps_every_file_once() -> None:
    train, calibration, held = split(70, 0.1)
    assert (len(train), len(calibration), len(held)) == (53, 10, 7)
    assert sorted([*train, *calibration, *held]) == list(range(70))
