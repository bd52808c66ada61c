"""Mixing unlabelled abnormals into training and calibration: true unsupervised anomaly detection.

Paper: section 5.3 and its figure over the share of normal images, 100 ... 50 %. Calibration becomes as contaminated
as training, since nobody could have cleaned it, and no patient is in both.

Holding normals back from training, to validate on while it lasts: calibration and test stay what they are.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import UInt8
from torch import Generator

from digitanatomy import seeded_generator
from squidlib.data.chest.arrays import ChestArrays
from squidlib.utils.errors import UserError


class Mixed(NamedTuple):
    """uint8 (N, H, W) to train on, (K, H, W) to calibrate with, and (N,) which of the former are abnormal."""

    train: np.ndarray
    calibration: np.ndarray
    contaminated: np.ndarray


def contaminate(arrays: ChestArrays, share: int, seed: int = 0, images: int | None = None) -> Mixed:
    """Draw a training and a calibration set, both ``share`` per cent normal.

    Args:
        arrays: a clean data set.
        share: 1..100, per cent normal.
        seed: which images are drawn, and their order.
        images: in the training set; None is as many as ``arrays.train``. Calibration keeps its proportion to it.

    Raises:
        UserError: where the data set has too few normals, abnormals or patients for that.
        ValueError: where the share or the number is out of range.
    """
    if not 1 <= share <= 100:
        raise ValueError(f"the share of normal images lies in 1..100 per cent, got {share}")
    total = len(arrays.train) if images is None else images
    if not 1 <= total <= len(arrays.train):
        raise ValueError(f"1..{len(arrays.train)} training images can be drawn, got {images}")
    held = max(2, round(len(arrays.calibration) * total / len(arrays.train)))
    abnormal_count, abnormal_held = (round(count * (100 - share) / 100) for count in (total, held))
    generator = seeded_generator(seed, share)
    taken, taken_held = _abnormal_rows(arrays, abnormal_count, abnormal_held, generator)
    clean = _drawn(len(arrays.train), total - abnormal_count, generator)
    clean_held = _drawn(len(arrays.calibration), held - abnormal_held, generator)
    order = torch.randperm(total, generator=generator).numpy()
    if not abnormal_count + abnormal_held:
        return Mixed(arrays.train[clean][order], arrays.calibration[clean_held], np.zeros(total, dtype=bool))
    abnormal = arrays.abnormals().images
    train = np.concatenate([arrays.train[clean], abnormal[taken]])[order]
    calibration = np.concatenate([arrays.calibration[clean_held], abnormal[taken_held]])
    return Mixed(train, calibration, (np.arange(total) >= total - abnormal_count)[order])


def _abnormal_rows(
    arrays: ChestArrays, train: int, calibration: int, generator: Generator
) -> tuple[list[int], list[int]]:
    """Rows of abnormals for training and for calibration, which share no patient."""
    if not train + calibration:
        return [], []
    own: dict[str, list[int]] = {}
    for row, patient in enumerate(arrays.abnormals().patients):
        own.setdefault(patient, []).append(row)
    patients = [sorted(own)[index] for index in torch.randperm(len(own), generator=generator).tolist()]
    held: list[int] = []
    while patients and len(held) < calibration:
        held += own[patients.pop()]
    rows = [row for patient in patients for row in own[patient]]
    if len(rows) < train or len(held) < calibration:
        there = sum(map(len, own.values()))
        raise UserError(
            f"{arrays.name}: {train} + {calibration} abnormal images of different patients expected for training and "
            f"calibration, got {there} in the training split; ask for fewer training images or a higher share"
        )
    return rows[:train], held[:calibration]


def _drawn(count: int, size: int, generator: Generator) -> np.ndarray:
    return torch.randperm(count, generator=generator)[:size].numpy()


_SEED = 3  #: belongs to the data, not to a run; the calibration's is another one


class HeldBack(NamedTuple):
    """The data set with fewer training images, and those that left."""

    arrays: ChestArrays
    held: UInt8[np.ndarray, "V size size"]


def hold_back(arrays: ChestArrays, share: float) -> HeldBack:
    """Take training images away, patient by patient, until they are this share; image by image where none is known.

    Raises:
        UserError: where fewer than two patients train.
        ValueError: where the share is not between 0 and 1.
    """
    if not 0 < share < 1:
        raise ValueError(f"the share of images to hold back lies between 0 and 1, got {share}")
    count = len(arrays.train)
    owners = list(arrays.patients) or [str(row) for row in range(count)]
    patients = sorted(set(owners))
    if len(patients) < 2:
        raise UserError(f"{arrays.name}: to hold images back, training images of at least two patients are needed")
    order = torch.randperm(len(patients), generator=seeded_generator(_SEED, 0)).tolist()
    chosen: set[str] = set()
    for index in order[:-1]:  # the last one stays
        if sum(owner in chosen for owner in owners) >= share * count:
            break
        chosen.add(patients[index])
    held = np.array([owner in chosen for owner in owners])
    stay = tuple(owner for owner in arrays.patients if owner not in chosen)
    return HeldBack(replace(arrays, train=arrays.train[~held], patients=stay), arrays.train[held])
