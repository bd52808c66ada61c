"""CheXpert (Irvin et al. 2019): chest X-rays of adults, here the frontal PA views. Facts: ``info.CHEXPERT``.

Paper: section 4.1: 250 normals and 250 abnormals of train become the test set. Authors' file:
dataloader/dataloader_chexpert.py. Which images are normal: ``chexpert_labels``.

Differs from the original: the authors' list of test images is not published, so the test set is drawn by seed, one
image of a patient in each class, and all other images of those patients are left out of training.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from digitanatomy import seeded_generator
from squidlib.data.chest.arrays import ChestArrays
from squidlib.data.chest.authors import authors_folders
from squidlib.data.chest.chexpert_labels import read_labels
from squidlib.data.chest.chexpert_paths import files_of, roots
from squidlib.data.chest.files import (
    ABNORMAL,
    NORMAL,
    ChestFile,
    ChestImages,
    require,
    split_calibration,
    without_shared_patients,
)
from squidlib.data.chest.folders import check_root
from squidlib.data.chest.info import CHEXPERT
from squidlib.data.chest.options import chest_settings, decoded, opened
from squidlib.data.chest.problems import Problems
from squidlib.data.options import Entry
from squidlib.utils.errors import UserError

TEST_EACH = 250  #: test images of each class


def chexpert(
    root: Path, seed: int = 0, test_each: int = TEST_EACH, views: tuple[str, ...] = ("PA",), skip_bad: bool = False
) -> ChestImages:
    """The paper's split of the official ``train.csv``: a test set drawn by seed, the rest by patients.

    Args:
        root: the folder ``CheXpert-v1.0-small`` with ``train.csv``, or the one that holds it; of the full release,
            the folder with all its batches.
        seed: of the test set and of the cut into train and calibration; belongs to the data, not to a run.
        test_each: test images, and patients, of each class; 250 in the paper.
        views: the values of "AP/PA" that are wanted.
        skip_bad: leave out what is flawed, and list it in ``skipped``.

    Raises:
        UserError: where the CSV is missing or flawed, a path leads outside the root or to no file, or too few
            patients are there.
    """
    (root, tables), problems = roots(root), Problems(skip_bad)
    files = _files(root, tables / "train.csv", views, problems)
    normals = [file for file in files if file.label == NORMAL]
    abnormals = [file for file in files if file.label == ABNORMAL]
    test = _one_a_patient(root, normals, test_each, seed, 1) + _one_a_patient(root, abnormals, test_each, seed, 2)
    tested = {file.patient for file in test}
    train, calibration = split_calibration([file for file in normals if file.patient not in tested], seed)
    rest = [file for file in abnormals if file.patient not in tested]
    left_out = len(files) - len(test) - len(train) - len(calibration) - len(rest)
    notes = (f"{left_out} images left out: their patients are in the test set with another image",) if left_out else ()
    return require(
        ChestImages(
            "CheXpert",
            root,
            tuple(train),
            tuple(calibration),
            tuple(test),
            tuple(rest),
            tuple(problems.skipped),
            notes,
        )
    )


def chexpert_valid(root: Path, seed: int = 0, views: tuple[str, ...] = ("PA",), skip_bad: bool = False) -> ChestImages:
    """Another test set than the paper's: the official ``valid.csv``, whose labels three radiologists gave.

    Small: of its 234 images few are frontal PA.

    Args:
        root: as ``chexpert``; holds ``valid.csv`` too.
        seed: of the cut into train and calibration.
        views: the values of "AP/PA" that are wanted.
        skip_bad: leave out what is flawed, and list it in ``skipped``.

    Raises:
        UserError: as ``chexpert``, and where a patient is in both CSVs.
    """
    (root, tables), problems = roots(root), Problems(skip_bad)
    files = _files(root, tables / "train.csv", views, problems)
    test = _files(root, tables / "valid.csv", views, problems)
    files = without_shared_patients(files, test, problems)
    train, calibration = split_calibration([file for file in files if file.label == NORMAL], seed)
    abnormals = tuple(file for file in files if file.label == ABNORMAL)
    skipped = tuple(problems.skipped)
    return require(
        ChestImages("CheXpert valid", root, tuple(train), tuple(calibration), tuple(test), abnormals, skipped)
    )


def chexpert_authors(root: Path, skip_bad: bool = False) -> ChestImages:
    """The authors' folders: ``root/{train,val,our_test}_256_pa/{normal_256,abnormal_256}``.

    The normals of ``val_256_pa`` are the calibration images, those of patients who are in train left out.
    ``train_256_pa/abnormal_256`` may be missing, ``val_256_pa/abnormal_256`` stays unused.

    Args:
        root: holds ``train_256_pa``, ``val_256_pa`` and ``our_test_256_pa``.
        skip_bad: leave out what is flawed, and list it in ``skipped``.

    Raises:
        UserError: where a folder is missing, a split empty, a file no image or outside the root, or a patient in
            train and test.
    """
    expected = "train_256_pa, val_256_pa and our_test_256_pa, each with normal_256 and abnormal_256,"
    root = check_root(root, expected, "train_256_pa")
    splits = ("train_256_pa", "val_256_pa", "our_test_256_pa")
    return authors_folders("CheXpert", root, splits, "abnormal_256", Problems(skip_bad))


def _files(root: Path, table: Path, views: tuple[str, ...], problems: Problems) -> list[ChestFile]:
    """The files of one table, whose name is its split's."""
    return files_of(root, table, table.stem, read_labels(table, views), problems)


def _one_a_patient(root: Path, files: Sequence[ChestFile], count: int, seed: int, stream: int) -> list[ChestFile]:
    """``count`` patients drawn by seed, and one image of each drawn too, sorted by path."""
    own: dict[str, list[ChestFile]] = {}
    for file in files:
        own.setdefault(file.patient, []).append(file)
    if len(own) < count:
        what = "normal" if stream == 1 else "abnormal"
        raise UserError(
            f"{root}: {count} {what} patients expected for the test set, got {len(own)}; ask for fewer with --test-each"
        )
    generator = seeded_generator(seed, stream)
    patients = sorted(own)
    chosen = [patients[index] for index in torch.randperm(len(patients), generator=generator)[:count].tolist()]
    drawn = [own[name][int(torch.randint(len(own[name]), (1,), generator=generator))] for name in chosen]
    return sorted(drawn)


def _arrays(folder: Path, settings: dict[str, Any], download: bool) -> ChestArrays:
    """In the public layout or the authors', whichever the folder has."""
    skip_bad = bool(settings.get("skip_bad", False))
    test_each = int(settings.get("test_each", TEST_EACH))
    authors = (folder / "train_256_pa").is_dir()
    images = chexpert_authors(folder, skip_bad) if authors else chexpert(folder, test_each=test_each, skip_bad=skip_bad)
    return decoded(images, settings)


ENTRY = Entry(
    chest_settings("chexpert", str(CHEXPERT["get"]), draws_test=True),
    opened("chexpert", _arrays),
    str(CHEXPERT["get"]),
    True,
)
