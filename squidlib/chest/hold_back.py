"""Holding normals back from training, to validate on while it lasts: calibration and test stay what they are."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import UInt8

from digitanatomy import seeded_generator
from squidlib.chest.arrays import ChestArrays
from squidlib.errors import UserError

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
