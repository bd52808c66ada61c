"""The real ZhangLab images that this project develops on, where they are. Nothing is written beside them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from squidlib.data.chest import ChestData, open_images, zhanglab
from tests.chest_folders import real_zhanglab
from tests.data.test_chest_layouts import assert_disjoint

HEAVY = {"matplotlib", "sklearn", "scipy", "pandas", "torchvision", "PIL", "tqdm", "medmnist"}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ChestData]:
    root = real_zhanglab()
    before = sorted(root.iterdir())
    yield ChestData(open_images(zhanglab(root), 64, tmp_path_factory.mktemp("cache")))
    assert sorted(root.iterdir()) == before


def test_all_files_are_found_and_no_patient_twice() -> None:
    images = zhanglab(real_zhanglab())
    assert_disjoint(images)
    assert images.notes == images.skipped == ()  # every name tells a patient
    assert len(images.train) + len(images.calibration) == 1241
    assert 0.15 <= len(images.calibration) / 1241 < 0.16
    assert (len(images.test), len(images.abnormal_train)) == (200, 400)


def test_all_images_can_be_read(data: ChestData) -> None:
    assert data.arrays.skipped == ()
    test = data.test()
    assert test is not None
    assert test.images.shape == (200, 1, 64, 64)
    assert test.labels.sum() == 100
    assert 0.2 < test.images.mean() < 0.8
    assert 0.2 < data.batch(7, 16).mean() < 0.8


def test_the_pairs_of_equal_files_that_were_published_are_noted(data: ChestData) -> None:
    assert len(data.arrays.notes) == 2
    assert all("both kept" in note for note in data.arrays.notes)


def test_importing_brings_nothing_heavy() -> None:
    probe = (
        "import sys, json, torch; before = set(sys.modules); import squidlib.data.chest; "
        "print(json.dumps(list(set(sys.modules) - before)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", probe], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2]
    )
    assert not {name.split(".")[0] for name in json.loads(done.stdout)} & HEAVY
