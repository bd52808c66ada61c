"""The layout of a folder of images: which files are normal, which are for testing, and what size suits them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from digitanatomy import NORMAL, seeded_generator
from digitanatomy.image_files import ImageFileError, is_image, read_pixels
from digitanatomy.image_folders import MASK_FOLDERS, is_hidden
from squidlib.data.images import find_images
from squidlib.utils.errors import UserError

CALIBRATION_SHARE = 1 / 7  #: of the normal training images
LEAST_CALIBRATION, LEAST_TRAIN = 3, 4
NORMAL_NAMES = ("normal", "good")  #: folders of normal images, ours and MVTec's; case does not matter
KNOWN = ("train", "test", *MASK_FOLDERS)  #: folders that have a meaning beside each other
LONGEST = 128  #: pixels of the longer side, where no size is asked for: four of the laptop preset's tiles
TILE = 32  #: pixels; sides are multiples of it
LOOKED_AT = 32  #: images whose shape and colour decide for all
COLOURFUL = 0.02  #: mean difference between an image's channels, from which on it is read in colour


class LabelledFile(NamedTuple):
    """A test image, what it is abnormal by, and the files that show where; none where nobody says."""

    path: Path
    anomaly_type: str
    masks: tuple[Path, ...] = ()


class Layout(NamedTuple):
    """normals: to train on and to calibrate with. tests: normal ones first. notes: what was passed over."""

    normals: list[Path]
    tests: list[LabelledFile]
    notes: tuple[str, ...]


def layout_of(root: Path) -> Layout:
    """The image files of a folder by what they are for.

    Raises:
        UserError: where the folder, or every image of a part that is there, is missing.
    """
    if not root.is_dir():
        raise UserError(
            f"{root}: a folder with normal images, or with train and test, expected; there is no such folder"
        )
    normals, notes = _normals(root)
    tests, more = _tests(root)
    if (root / "train").is_dir():
        others = [folder.name for folder in _folders(root) if folder.name not in KNOWN]
        if others:
            more += (f"{root}: {', '.join(others)} beside train left out",)
    return Layout(normals, tests, (*notes, *more))


def _normals(root: Path) -> tuple[list[Path], tuple[str, ...]]:
    where = root / "train"
    if not where.is_dir():
        if (root / "test").is_dir():
            raise UserError(f"{root}: normal images in {where} expected, beside test; there is no such folder")
        where = root
    folders = _folders(where)
    inside = [folder for folder in folders if folder.name.lower() in NORMAL_NAMES]
    if not inside:
        found = find_images([where])
        below = sorted({path.relative_to(where).parts[0] for path in found.files if path.parent != where})
        said = (f"{where}: images of {', '.join(below)} are all taken for normal",) if below else ()
        return found.files, (*found.passed_over, *said)
    found = find_images(inside)
    others = [folder.name for folder in folders if folder not in inside]
    others += ["images beside them"] if any(_is_image(path) for path in where.iterdir()) else []
    left = (f"{where}: {', '.join(others)} left out, because training learns from normal images",) if others else ()
    return found.files, (*found.passed_over, *left)


def _tests(root: Path) -> tuple[list[LabelledFile], tuple[str, ...]]:
    where = root / "test"
    if not where.is_dir():
        return [], ()
    folders = sorted(_folders(where), key=lambda folder: folder.name.lower() not in NORMAL_NAMES)
    tests, notes = list[LabelledFile](), list[str]()
    for folder in folders:
        found = find_images([folder])
        normal = folder.name.lower() in NORMAL_NAMES
        masks = {} if normal else _masks(root, folder.name)
        tests += [LabelledFile(p, NORMAL if normal else folder.name, masks.get(p.stem, ())) for p in found.files]
        notes += found.passed_over
    loose = sum(_is_image(path) for path in where.iterdir())
    if loose:
        notes.append(f"{where}: {loose} images in no folder left out, because nobody says whether they are normal")
    if not tests:
        raise UserError(f"{where}: folders of images expected, such as {where / 'normal'}; found none")
    abnormal = [file for file in tests if file.anomaly_type != NORMAL]
    masked = sum(bool(file.masks) for file in abnormal)
    if 0 < masked < len(abnormal):
        notes.append(
            f"masks of {masked} of {len(abnormal)} abnormal images only: where they are abnormal is not measured"
        )
    return tests, tuple(notes)


def _masks(root: Path, anomaly_type: str) -> dict[str, tuple[Path, ...]]:
    """Of each image's name, the files that show where it is abnormal: NAME.png, NAME_mask.png, or all in NAME/."""
    found: dict[str, tuple[Path, ...]] = {}
    for folder in (root / name / anomaly_type for name in MASK_FOLDERS):
        for path in sorted(folder.iterdir()) if folder.is_dir() else ():
            if path.is_dir() and not is_hidden(path.name):
                found[path.name] = tuple(sorted(file for file in path.iterdir() if _is_image(file)))
            elif _is_image(path):
                found[path.stem.removesuffix("_mask")] = (path,)
    return found


def _folders(where: Path) -> list[Path]:
    return sorted(path for path in where.iterdir() if path.is_dir() and not is_hidden(path.name))


def _is_image(path: Path) -> bool:
    return path.is_file() and is_image(path) and not is_hidden(path.name)


def shape_of(files: Sequence[Path], longest: int = LONGEST) -> tuple[tuple[int, int], int]:
    """(height, width) and channels that suit the images: as wide as most of them are, in colour if most are.

    The longer side becomes ``longest``, both sides multiples of ``TILE``. A few images, evenly drawn, tell for all;
    those that cannot be read tell nothing here.
    """
    shapes, colour = [], []
    for path in files[:: -(-len(files) // LOOKED_AT)]:
        try:
            with path.open("rb") as file:
                values = read_pixels(file, path, 3).values
        except (ImageFileError, OSError):
            continue  # whoever reads all of them will say so
        shapes.append(values.shape[:2])
        colour.append(float((values.max(-1) - values.min(-1)).mean()))
    wide = float(np.median([width / height for height, width in shapes])) if shapes else 1.0
    sides = (longest / wide, longest) if wide > 1 else (longest, longest * wide)
    height, width = (max(2 * TILE, round(side / TILE) * TILE) for side in sides)
    return (height, width), 3 if colour and np.median(colour) > COLOURFUL else 1


def split(count: int, held_back: float = 0.0) -> tuple[list[int], list[int], list[int]]:
    """Which of so many normal images are trained on, calibrated with and validated on; every run has the same.

    Raises:
        UserError: where they are too few.
    """
    calibration = max(LEAST_CALIBRATION, round(CALIBRATION_SHARE * count))
    held = max(1, round(held_back * count)) if held_back else 0
    if count < calibration + held + LEAST_TRAIN:
        raise UserError(
            f"at least {calibration + held + LEAST_TRAIN} normal images expected, to train on and to calibrate with, "
            f"got {count}; add some"
        )
    order = torch.randperm(count, generator=seeded_generator(0, 0)).tolist()
    parts = order[calibration + held :], order[:calibration], order[calibration : calibration + held]
    train, calibrating, validating = (sorted(part) for part in parts)
    return train, calibrating, validating
