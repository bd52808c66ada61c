"""The folders that the authors' code reads, for both of their chest data sets.

Authors' files: dataloader/dataloader_zhang.py, dataloader/dataloader_chexpert.py.
"""

from __future__ import annotations

from pathlib import Path

from squidlib.data.chest.files import ABNORMAL, NORMAL, ChestImages, require, without_shared_patients
from squidlib.data.chest.folders import class_files, unnamed
from squidlib.data.chest.problems import Problems


def authors_folders(
    name: str, root: Path, splits: tuple[str, str, str], abnormal: str, problems: Problems
) -> ChestImages:
    """A data set as the authors' code wants it: three splits, in each ``normal_256`` and a folder of abnormals.

    Args:
        root: resolved.
        splits: the folders of training, validation and test images.
        abnormal: the name of the abnormals' folder.

    Raises:
        UserError: as ``zhanglab``.
    """
    train, val, tested = splits
    normals = class_files(root, f"{train}/normal_256", NORMAL, problems)
    held_out = class_files(root, f"{val}/normal_256", NORMAL, problems)
    abnormals = class_files(root, f"{train}/{abnormal}", ABNORMAL, problems, optional=True)
    test = class_files(root, f"{tested}/normal_256", NORMAL, problems)
    test += class_files(root, f"{tested}/{abnormal}", ABNORMAL, problems)
    normals = without_shared_patients(normals, test, problems)
    held_out = without_shared_patients(held_out, test, problems)
    abnormals = without_shared_patients(abnormals, test, problems)
    notes = (*unnamed(normals + held_out + test), *problems.notes())
    trained = {file.patient for file in normals}
    calibration = [file for file in held_out if file.patient not in trained]
    if len(calibration) < len(held_out):
        notes += (f"{len(held_out) - len(calibration)} images of {val} left out: their patients are in {train}",)
    return require(
        ChestImages(
            name,
            root,
            tuple(normals),
            tuple(calibration),
            tuple(test),
            tuple(abnormals),
            tuple(problems.skipped),
            notes,
        )
    )
