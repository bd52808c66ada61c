"""ZhangLab (Kermany et al. 2018): paediatric chest X-rays, normal and pneumonia. Facts: ``info.ZHANGLAB``.

Paper: section 4.1; its test set is the official one, 234 normals and 390 pneumonias. Authors' file:
dataloader/dataloader_zhang.py.

Differs from the original: calibration normals are held out patient by patient, while the authors' 200 validation images
were taken from train as they came; nothing is ever chosen by labelled validation images, so pneumonias of ``val`` stay
unused.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from squidlib.data.chest.arrays import ChestArrays
from squidlib.data.chest.authors import authors_folders
from squidlib.data.chest.files import ABNORMAL, NORMAL, ChestImages, require, split_calibration, without_shared_patients
from squidlib.data.chest.folders import check_root, class_files, unnamed
from squidlib.data.chest.info import ZHANGLAB
from squidlib.data.chest.options import chest_settings, decoded, opened
from squidlib.data.chest.problems import Problems
from squidlib.data.chest.series import series_out
from squidlib.data.options import Entry


def zhanglab(root: Path, seed: int = 0, skip_bad: bool = False) -> ChestImages:
    """The public download: ``root/{train,test}/{NORMAL,PNEUMONIA}``.

    ``train/PNEUMONIA`` may be missing, and the whole of ``test``: then nothing can be evaluated. A ``val`` folder, into
    which some downloads put 8 + 8 images of train, counts as train again. About 15 % of the normals, whole patients,
    become calibration images.

    Args:
        root: holds ``train`` and ``test``.
        seed: of the cut into train and calibration; belongs to the data, not to a run.
        skip_bad: leave out what is flawed, and list it in ``skipped``.

    Raises:
        UserError: where a folder is missing, a split empty, a file no image or outside the root, or a patient in
            train and test.
    """
    root = check_root(root, "train and test, each with NORMAL and PNEUMONIA,", "train")
    problems = Problems(skip_bad)
    normals = class_files(root, "train/NORMAL", NORMAL, problems)
    normals += class_files(root, "val/NORMAL", NORMAL, problems, optional=True)
    abnormals = class_files(root, "train/PNEUMONIA", ABNORMAL, problems, optional=True)
    abnormals += class_files(root, "val/PNEUMONIA", ABNORMAL, problems, optional=True)
    tested = (root / "test").is_dir()  # without it, normals alone are trained on and calibrated with
    test = class_files(root, "test/NORMAL", NORMAL, problems, optional=not tested)
    test += class_files(root, "test/PNEUMONIA", ABNORMAL, problems, optional=not tested)
    normals = without_shared_patients(normals, test, problems)
    abnormals = without_shared_patients(abnormals, test, problems)
    train, calibration = split_calibration(normals, seed)
    return require(
        ChestImages(
            "ZhangLab",
            root,
            tuple(train),
            tuple(calibration),
            tuple(test),
            tuple(abnormals),
            tuple(problems.skipped),
            (*unnamed(normals + test), *problems.notes()),
        )
    )


def zhanglab_authors(root: Path, skip_bad: bool = False) -> ChestImages:
    """The authors' folders: ``root/{train,val,test}/{normal_256,pneumonia_256}``.

    The normals of ``val`` are the calibration images, those of patients who are in train left out.
    ``train/pneumonia_256`` may be missing, ``val/pneumonia_256`` stays unused.

    Args:
        root: holds ``train``, ``val`` and ``test``.
        skip_bad: leave out what is flawed, and list it in ``skipped``.

    Raises:
        UserError: as ``zhanglab``.
    """
    root = check_root(root, "train, val and test, each with normal_256 and pneumonia_256,", "train/normal_256")
    return authors_folders("ZhangLab", root, ("train", "val", "test"), "pneumonia_256", Problems(skip_bad))


def _arrays(folder: Path, settings: dict[str, Any], download: bool) -> ChestArrays:
    """In the public layout or the authors', whichever the folder has."""
    skip_bad = bool(settings.get("skip_bad", False))
    authors = (folder / "train" / "normal_256").is_dir()
    images = zhanglab_authors(folder, skip_bad) if authors else zhanglab(folder, skip_bad=skip_bad)
    if settings.get("series") is not None:
        images = series_out(images, str(settings["series"]))
    return decoded(images, settings)


ENTRY = Entry(
    chest_settings("zhanglab", str(ZHANGLAB["get"]), in_series=True),
    opened("zhanglab", _arrays),
    str(ZHANGLAB["get"]),
    True,
)
