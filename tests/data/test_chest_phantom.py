"""Drawn chests: the same every time, told apart by patient, hazy where abnormal, in the layout of the real data."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from squidlib.data.chest import ChestData, open_images, zhanglab
from squidlib.data.chest.phantom import draw_chests
from squidlib.data.chest.phantom_folder import NOTICE, DrawnCounts, drawn_folder
from squidlib.data.chest.sharpness import gradient
from squidlib.detection.metrics import auc
from tests.helpers import contents, refusal

FEW = DrawnCounts(train=12, train_abnormal=3, test=6, test_abnormal=5)


def test_a_picture_depends_on_patient_image_and_seed_alone() -> None:
    alone, among = draw_chests([7], [3], False), draw_chests([1, 7], [2, 3], False)
    assert torch.allclose(alone[0], among[1], atol=1e-5)
    for other in (draw_chests([8], [3], False), draw_chests([7], [4], False), draw_chests([7], [3], False, seed=1)):
        assert (other - alone).abs().mean() > 0.005
    assert float(alone.min()) >= 0
    assert float(alone.max()) <= 1


def test_the_global_generator_is_left_alone() -> None:
    state = torch.random.get_rng_state()
    draw_chests([0, 1], [0, 1], True)
    assert torch.equal(torch.random.get_rng_state(), state)


def test_images_of_one_patient_are_more_alike_than_those_of_two() -> None:
    first = draw_chests(range(30), range(30), False, size=64)
    second = draw_chests(range(30), range(30, 60), False, size=64)
    distance = torch.cdist(first.flatten(1), second.flatten(1))
    own = distance.diagonal()
    assert (own < distance.median(dim=1).values).float().mean() > 0.8


def test_haze_brightens_the_lungs_and_nothing_outside_the_trunk() -> None:
    clear = draw_chests(range(20), range(20), False)
    hazy = draw_chests(range(20), range(20), True, softer=0.0)
    change = (hazy - clear)[:, 0]
    assert (change.amax((1, 2)) > 0.1).all()
    # What is drawn over haze is fainter, so single pixels of ribs may lose; the picture as a whole gains.
    assert (change.mean((1, 2)) > 0).all()
    outside = clear[:, 0] < 0.02
    assert change[outside].abs().max() < 0.02


def test_the_shortcut_is_drawn_in_and_can_be_left_out() -> None:
    normal = draw_chests(range(60), range(60), False, size=64)
    found = []
    for softer in (0.0, 1.0):
        abnormal = draw_chests(range(100, 160), range(100, 160), True, size=64, softer=softer)
        scores = -gradient(torch.cat([normal, abnormal]))
        found.append(auc(np.repeat([0, 1], 60), scores.numpy()))
    assert 0.3 < found[0] < 0.7  # haze hides a few edges by itself
    assert found[1] > 0.8


def test_the_folder_is_read_as_the_real_one_and_counts_as_asked(tmp_path: Path) -> None:
    root = drawn_folder(tmp_path / "drawn", FEW, size=32)
    images = zhanglab(root)
    assert len(images.train) + len(images.calibration) == FEW.train
    assert sum(file.label for file in images.test) == FEW.test_abnormal
    assert len(images.test) == FEW.test + FEW.test_abnormal
    assert len(images.abnormal_train) == FEW.train_abnormal
    assert images.notes == images.skipped == ()  # every name tells a patient
    normals = [file.patient for file in (*images.train, *images.calibration)]
    assert len(set(normals)) < len(normals)  # some have two images
    assert {patient.partition("IM-")[0] for patient in normals} == {"", "NORMAL2-"}
    assert "no X-rays" in (root / NOTICE).read_text()
    data = ChestData(open_images(images, 32, tmp_path / "cache"))
    assert data.batch(0, 4).shape == (4, 1, 32, 32)


def test_two_files_of_one_patient_show_one_chest(tmp_path: Path) -> None:
    folder = drawn_folder(tmp_path / "drawn", DrawnCounts(40, 1, 6, 1), size=48) / "train/NORMAL"
    pairs = [(folder / f"{path.stem.removesuffix('-0002')}.png", path) for path in sorted(folder.glob("*-0002.png"))]
    assert len(pairs) >= 8

    def read(path: Path) -> np.ndarray:
        return np.asarray(Image.open(path), dtype=float)

    own = np.mean([np.abs(read(one) - read(two)).mean() for one, two in pairs])
    foreign = np.mean([np.abs(read(pairs[i][0]) - read(pairs[i - 1][1])).mean() for i in range(len(pairs))])
    assert own < 0.8 * foreign


def test_the_same_seed_draws_the_same_folder(tmp_path: Path) -> None:
    one, two = (contents(drawn_folder(tmp_path / name, FEW, size=32)) for name in ("a", "b"))
    other = contents(drawn_folder(tmp_path / "c", FEW, seed=1, size=32))
    assert one == two
    assert one != other


def test_what_cannot_be_drawn_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    assert "empty or new folder" in refusal(lambda: drawn_folder(tmp_path, FEW))
    with pytest.raises(ValueError, match="a patient for each image"):
        draw_chests([1, 2], [1], False)
    with pytest.raises(ValueError, match="at least 32 pixels"):
        draw_chests([1], [1], False, size=16)
    assert draw_chests([], [], False).shape == (0, 1, 128, 128)
