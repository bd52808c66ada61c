"""A folder of images of one class: listed safely, nothing that lies outside the data set's root is ever opened."""

from __future__ import annotations

import os
from pathlib import Path

from digitanatomy.image_files import DICOM_SUFFIXES, endings, is_image
from digitanatomy.image_folders import is_hidden, kind_of
from squidlib.data.chest.files import ChestFile
from squidlib.data.chest.patients import patient_of
from squidlib.data.chest.problems import Problems
from squidlib.utils.errors import UserError


def check_root(root: Path, expected: str, landmark: str) -> Path:
    """The root as an absolute path without links.

    Args:
        expected: the layout, for the error.
        landmark: a path below the root that has to exist.

    Raises:
        UserError: where it is no folder, or not of this layout.
    """
    if not os.path.isdir(root):
        raise UserError(f"{root}: a folder with {expected} expected, there is no such folder; unpack the data set")
    if not (root / landmark).exists():
        inside = sorted(child.name for child in root.iterdir() if (child / landmark).exists())
        hint = f"it is in {root / inside[0]}: give that" if inside else "give the folder that holds it"
        raise UserError(f"{root}: {expected} expected, but there is no {landmark}; {hint}")
    return root.resolve()


def inside(root: Path, path: Path, problems: Problems) -> bool:
    """Whether ``path`` lies below ``root`` once links and dots are followed; else it is a flaw.

    Args:
        root: resolved.

    Raises:
        UserError: where it does not, unless ``problems`` skips.
    """
    try:
        if path.resolve().is_relative_to(root):
            return True
    except (OSError, RuntimeError, ValueError):  # links in a circle, a name that is too long or holds a zero byte
        pass
    problems.found(
        f"{path}: lies outside {root}; only files below it are read, copy the file there or remove its entry"
    )
    return False


def class_files(root: Path, folder: str, label: int, problems: Problems, optional: bool = False) -> list[ChestFile]:
    """The image files of one class folder, sorted by name.

    The patient is who a DICOM file's tag or a file's name tells; else each file counts as a patient. Files that are no
    images are passed over, and counted in ``problems``.

    Args:
        root: resolved.
        folder: below the root, such as "train/NORMAL".
        label: of all of them.
        optional: a folder that is missing is empty.

    Raises:
        UserError: where the folder is missing, or, unless ``problems`` skips, holds a folder or leads outside the
            root.
    """
    where = root / folder
    if not where.is_dir():
        if optional:
            return []
        raise UserError(f"{root}: the class folder {folder} is missing; unpack the data set again or give another root")
    found = []
    for path in sorted(where.iterdir()):
        if is_hidden(path.name) or not inside(root, path, problems):
            continue
        if not path.is_file():
            problems.found(f"{path}: an image file expected ({endings()}), this is a folder; remove it")
            continue
        if not is_image(path):
            problems.others[kind_of(path)] += 1
            continue
        patient = problems.pseudonyms.of_file(path) or patient_of(path.relative_to(root)) or f"{folder}/{path.stem}"
        found.append(ChestFile(path, patient, label))
    return found


def unnamed(files: list[ChestFile]) -> tuple[str, ...]:
    """A note on files of which neither tag nor name tells a patient, where there are any."""
    count = sum("/" in file.patient for file in files)
    if not count:
        return ()
    what = "files" if any(file.path.suffix.lower() in DICOM_SUFFIXES for file in files) else "file names"
    return (f"{count} of {len(files)} {what} tell no patient: each counts as a patient of its own",)
