"""The shared type: which files are training, calibration and test images, and whose they are.

Every layout (``zhanglab``, ``chexpert``) ends in ``ChestImages``; only names are read so far, no image.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch

from digitanatomy import seeded_generator
from squidlib.data.chest.problems import Problems
from squidlib.utils.errors import UserError

NORMAL, ABNORMAL = 0, 1  #: labels
CALIBRATION_SHARE = 0.15  #: of the normals, where a layout has no calibration images of its own
LEAST_PATIENTS = 2  #: in calibration: a standard deviation needs two
LEAST_CALIBRATION = 3  #: images: half of them tell what is normal where the default score is chosen


class ChestFile(NamedTuple):
    """One image file that is known to lie below the data set's root."""

    path: Path
    patient: str
    label: int  #: NORMAL or ABNORMAL
    anomaly_type: str = ""  #: "normal" or what it is abnormal by; "" where only the label is known
    source: str = ""  #: where it comes from, in a data set of several sources; "" where nobody says


@dataclass(frozen=True)
class ChestImages:
    """The files of one data set by what they are for. No patient is in two of train, calibration and test.

    Attributes:
        name: of the data set.
        root: every path lies below it.
        train: normals to learn from.
        calibration: normals that training never sees.
        test: normals and abnormals.
        abnormal_train: abnormals of the training split; for contamination experiments (true UAD) only.
        skipped: one line for each thing left out because it was flawed.
        notes: one line for each thing worth knowing.
    """

    name: str
    root: Path
    train: tuple[ChestFile, ...]
    calibration: tuple[ChestFile, ...]
    test: tuple[ChestFile, ...]
    abnormal_train: tuple[ChestFile, ...] = ()
    skipped: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def split_calibration(
    normals: Sequence[ChestFile], seed: int = 0, share: float = CALIBRATION_SHARE
) -> tuple[list[ChestFile], list[ChestFile]]:
    """Cut normals into train and calibration, patient by patient: (train, calibration), each in the given order.

    Args:
        normals: one or more images a patient.
        seed: belongs to the data, not to a run: runs with other seeds should see the same calibration images.
        share: calibration gets whole patients until it holds this share of the images, and at least two patients and
            three images.

    Raises:
        UserError: where fewer than three patients are given: one to train on, two to calibrate with.
    """
    patients = sorted({file.patient for file in normals})
    if len(patients) <= LEAST_PATIENTS:
        raise UserError(
            f"normal images of at least {LEAST_PATIENTS + 1} patients expected, to train on and to calibrate with, "
            f"got {len(patients)}; add images of others"
        )
    order = torch.randperm(len(patients), generator=seeded_generator(seed, 0)).tolist()
    counts = {patient: 0 for patient in patients}
    for file in normals:
        counts[file.patient] += 1
    chosen: set[str] = set()
    held = 0
    for index in order[:-1]:  # the last one stays in train
        if len(chosen) >= LEAST_PATIENTS and held >= max(share * len(normals), LEAST_CALIBRATION):
            break
        chosen.add(patients[index])
        held += counts[patients[index]]
    train = [file for file in normals if file.patient not in chosen]
    return train, [file for file in normals if file.patient in chosen]


def without_shared_patients(
    files: Sequence[ChestFile], test: Sequence[ChestFile], problems: Problems
) -> list[ChestFile]:
    """Training files less those of patients who are in the test set, each of which is a flaw of the data.

    Raises:
        UserError: unless ``problems`` skips.
    """
    tested = {file.patient: file for file in test}
    kept = []
    for file in files:
        twin = tested.get(file.patient)
        if twin is None:
            kept.append(file)
        else:
            problems.found(
                f"{file.path}: patient {file.patient} is in the test set too ({twin.path}); "
                "train and test must share no patient, move or remove one of the two"
            )
    return kept


def require(images: ChestImages) -> ChestImages:
    """The same, where every part holds what is needed.

    Raises:
        UserError: where train is empty, calibration has fewer than three images, or the test set has one class alone.
    """
    tested = 1 if images.test else 0  # normals alone are enough to train, calibrate and score
    parts = {
        "training images of normals": (len(images.train), 1),
        "calibration images of normals": (len(images.calibration), LEAST_CALIBRATION),
        "normal test images": (sum(file.label == NORMAL for file in images.test), tested),
        "abnormal test images": (sum(file.label == ABNORMAL for file in images.test), tested),
    }
    for what, (count, least) in parts.items():
        if count < least:
            raise UserError(f"{images.root}: at least {least} {what} expected, got {count}; add some")
    return images
