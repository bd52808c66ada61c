"""PneumoniaMNIST: read by numpy alone, checked by its checksum, never downloaded unasked."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from squidlib.data.chest import PNEUMONIAMNIST, ChestData, pneumoniamnist
from tests.chest_folders import pneumoniamnist_file
from tests.file_server import file_server
from tests.helpers import refusal

module = importlib.import_module("squidlib.data.chest.pneumoniamnist")  # the package shows the function of that name


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with generated files, whose checksums count as the published ones."""
    sums = {size: pneumoniamnist_file(tmp_path / "data", size)[1] for size in (28, 64)}
    monkeypatch.setattr(module, "PNEUMONIAMNIST_MD5", sums | {128: "", 224: ""})
    return tmp_path / "data"


@pytest.mark.parametrize("size", [28, 64])
def test_normals_of_train_and_val_and_the_whole_test_set(root: Path, size: int) -> None:
    arrays = pneumoniamnist(root, size)
    assert arrays.train.shape == (5, size, size)
    assert arrays.calibration.shape == (2, size, size)
    assert arrays.test.shape == (10, size, size)
    assert arrays.labels.tolist() == [0, 1, 1, 1] * 2 + [0, 1]
    assert arrays.abnormals().images.shape == (15, size, size)
    with np.load(root / ("pneumoniamnist.npz" if size == 28 else "pneumoniamnist_64.npz")) as file:
        np.testing.assert_array_equal(arrays.train, file["train_images"][::4])
        np.testing.assert_array_equal(arrays.calibration, file["val_images"][::4])
    assert ChestData(arrays).contaminated(60).batch(0, 4).shape == (4, 1, size, size)


def test_the_published_checksums_are_those_of_medmnist() -> None:
    info = pytest.importorskip("medmnist.info", reason="medmnist is not installed").INFO["pneumoniamnist"]
    for size, md5 in module.PNEUMONIAMNIST_MD5.items():
        assert info["MD5" if size == 28 else f"MD5_{size}"] == md5
    for split, count in info["n_samples"].items():
        assert sum(PNEUMONIAMNIST[split].values()) == count


def test_the_addresses_are_those_of_medmnist() -> None:
    info = pytest.importorskip("medmnist.info", reason="medmnist is not installed").INFO["pneumoniamnist"]
    for size in (28, 64, 128, 224):
        assert module.address_of(size) == info["url" if size == 28 else f"url_{size}"]


def test_nothing_is_downloaded_unasked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.downloading, "download", None)  # calling it would fail
    text = refusal(lambda: pneumoniamnist(tmp_path / "new"))
    assert "pneumoniamnist_128.npz: no such file" in text
    assert f"squid fetch pneumoniamnist --size 128 --data {tmp_path / 'new'}" in text
    assert not (tmp_path / "new").exists()


def test_what_is_there_is_not_downloaded_again(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with file_server(root) as server:
        monkeypatch.setattr(module, "PNEUMONIAMNIST_ADDRESS", server.address + "/{name}")
        assert len(pneumoniamnist(tmp_path / "new", 64, download=True).train) == 5
        server.asked.clear()
        assert len(pneumoniamnist(tmp_path / "new", 64, download=True).train) == 5
        assert server.asked == []


def test_a_size_that_does_not_exist(tmp_path: Path) -> None:
    assert "28, 64, 128, 224 pixels, got 100" in refusal(lambda: pneumoniamnist(tmp_path, 100))


def test_another_file_than_the_published_one(root: Path) -> None:
    path = root / "pneumoniamnist.npz"
    path.write_bytes(path.read_bytes() + b"x")
    assert "its checksum differs" in refusal(lambda: pneumoniamnist(root, 28))


@pytest.mark.parametrize(
    "arrays", [{}, {"train_images": np.zeros((2, 9, 9), np.uint8), "train_labels": np.zeros((2, 1), np.uint8)}, None]
)
def test_a_file_of_another_format(root: Path, arrays: dict[str, Any] | None, monkeypatch: pytest.MonkeyPatch) -> None:
    import hashlib

    path = root / "pneumoniamnist.npz"
    if arrays is None:
        path.write_bytes(b"PK\x03\x04 no archive")
    else:
        np.savez(path, **arrays)
    monkeypatch.setattr(module, "PNEUMONIAMNIST_MD5", {28: hashlib.md5(path.read_bytes()).hexdigest()})
    assert "download it again" in refusal(lambda: pneumoniamnist(root, 28))
