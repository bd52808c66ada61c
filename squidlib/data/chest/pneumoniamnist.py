"""PneumoniaMNIST: the ZhangLab set as others scaled and cut it, in one file that is downloaded only when asked for.

Source: Yang et al., MedMNIST v2, Scientific Data 2023. Facts: ``info.PNEUMONIAMNIST``.

Its file keeps no names, so no patient is known: train and val were cut image by image, and calibration normals (val)
may share patients with training. The test set is the official one, 234 + 390.
"""

from __future__ import annotations

import hashlib
import zipfile
from functools import cache as remembered
from pathlib import Path
from typing import Any

import numpy as np

from squidlib.data.chest.arrays import Abnormals, ChestArrays
from squidlib.data.chest.files import ABNORMAL, NORMAL
from squidlib.data.chest.info import PNEUMONIAMNIST, PNEUMONIAMNIST_ADDRESS, PNEUMONIAMNIST_MD5
from squidlib.data.chest.options import chest_settings, opened
from squidlib.data.options import Entry
from squidlib.utils import downloading
from squidlib.utils.errors import UserError


def pneumoniamnist(root: Path, size: int = 128, download: bool = False) -> ChestArrays:
    """PneumoniaMNIST: its train normals to learn from, its val normals to calibrate with, its whole test set.

    Args:
        root: the folder of ``pneumoniamnist_128.npz`` (64, 224 likewise; ``pneumoniamnist.npz`` has 28 px).
        size: 28, 64, 128 or 224 pixels a side.
        download: where the file is not in ``root``, fetch it from its authors' address.

    Raises:
        UserError: where the size is another, the file missing, damaged or of another format, or the download fails.
    """
    check_size(size)
    path = file_of(root, size)
    if not path.is_file():
        if not download:
            raise UserError(
                f"{path}: no such file; get it with: squid fetch pneumoniamnist --size {size} --data {root} (or allow "
                f"its download with --download, or take it from {_where()} by hand)"
            )
        downloading.download(address_of(size), path, PNEUMONIAMNIST_MD5[size])
    if not is_published(path, size):
        raise UserError(f"{path}: not the published file, its checksum differs; remove it and download it again")
    train, train_labels = _split(path, "train", size)
    val, val_labels = _split(path, "val", size)
    test, labels = _split(path, "test", size)

    @remembered
    def abnormals() -> Abnormals:
        images, own_labels = _split(path, "train", size)  # read again rather than kept: hardly anybody asks
        chosen = np.flatnonzero(own_labels == ABNORMAL)
        return Abnormals(images[chosen], [f"train image {row}" for row in chosen])

    return ChestArrays(
        str(PNEUMONIAMNIST["name"]),
        train[train_labels == NORMAL],
        val[val_labels == NORMAL],
        test,
        labels,
        abnormals,
        notes=("no patients are known: calibration may share some with training",),
    )


def _where() -> str:
    return str(PNEUMONIAMNIST["source"]).rpartition("; ")[2]


def check_size(size: int) -> None:
    """Raises UserError where no file of that size is published."""
    if size not in PNEUMONIAMNIST_MD5:
        sizes = ", ".join(map(str, PNEUMONIAMNIST_MD5))
        raise UserError(f"PneumoniaMNIST comes in squares of {sizes} pixels, got {size}; choose one of these")


def file_of(root: Path, size: int) -> Path:
    """The file in a folder, by its published name."""
    return root / f"pneumoniamnist{'' if size == 28 else f'_{size}'}.npz"


def address_of(size: int) -> str:
    """Where its authors keep the file."""
    return PNEUMONIAMNIST_ADDRESS.format(name=file_of(Path(), size).name)


def is_published(path: Path, size: int) -> bool:
    """Has the file the checksum that its authors publish?"""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "md5").hexdigest() == PNEUMONIAMNIST_MD5[size]


def _split(path: Path, split: str, size: int) -> tuple[np.ndarray, np.ndarray]:
    """uint8 images (N, size, size) and int64 labels (N,), 0 normal and 1 pneumonia."""
    try:
        with np.load(path) as file:
            images, labels = file[f"{split}_images"], file[f"{split}_labels"].reshape(-1)
    except (KeyError, ValueError, OSError, zipfile.BadZipFile) as error:
        raise UserError(f"{path}: PneumoniaMNIST's arrays expected ({error}); download it again") from error
    if images.dtype != np.uint8 or images.shape != (len(labels), size, size) or not np.isin(labels, (0, 1)).all():
        raise UserError(
            f"{path}: {split} images uint8 (N, {size}, {size}) with labels 0 and 1 expected, got {images.dtype} "
            f"{images.shape}; download it again"
        )
    return images, labels.astype(np.int64)


def _arrays(folder: Path, settings: dict[str, Any], download: bool) -> ChestArrays:
    return pneumoniamnist(folder, int(settings["image_size"]), download)


ENTRY = Entry(
    chest_settings("pneumoniamnist", str(PNEUMONIAMNIST["get"])),
    opened("pneumoniamnist", _arrays),
    str(PNEUMONIAMNIST["get"]),
    True,
)
