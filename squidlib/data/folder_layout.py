"""The layout of a folder of images: which files are normal, which are for testing, and what size suits them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from digitanatomy import seeded_generator
from digitanatomy.image_files import ImageFileError, is_hidden, read_pixels
from squidlib.data.images import find_images, list_images
from squidlib.utils.errors import UserError

CALIBRATION_SHARE = 1 / 7  #: of the normal training images
LEAST_CALIBRATION, LEAST_TRAIN = 3, 4
NORMAL_NAMES = ("normal", "good")  #: folders of normal images, ours and MVTec's
LONGEST = 128  #: pixels of the longer side, where no size is asked for: four of the laptop preset's tiles
TILE = 32  #: pixels; sides are multiples of it
LOOKED_AT = 32  #: images whose shape and colour decide for all
COLOURFUL = 0.02  #: mean difference between an image's channels, from which on it is read in colour


def normal_files(root: Path) -> tuple[list[Path], tuple[str, ...]]:
    """The normal training images below a folder, and what was passed over.

    Raises:
        UserError: where the folder, or every image, is missing.
    """
    if not root.is_dir():
        raise UserError(
            f"{root}: a folder with normal images, or with train and test, expected; there is no such folder"
        )
    train = root / "train"
    if not train.is_dir():
        if (root / "test").is_dir():
            raise UserError(f"{root}: normal images in {train} expected, beside test; there is no such folder")
        return find_images([root])
    inside = [train / name for name in NORMAL_NAMES if (train / name).is_dir()]
    strangers = sorted(path.name for path in train.iterdir() if path.is_dir() and not is_hidden(path.name))
    if inside and len(strangers) > len(inside):
        left = ", ".join(name for name in strangers if name not in NORMAL_NAMES)
        found = find_images(inside)
        return found.files, (*found.passed_over, f"{train}: {left} left out, for training learns from normal images")
    return find_images(inside or [train])


def shape_of(files: list[Path]) -> tuple[tuple[int, int], int]:
    """(height, width) and channels that suit the images: as wide as the first few are, in colour if they are.

    The longer side becomes ``LONGEST``, both sides multiples of ``TILE``.
    """
    shapes, colour = [], []
    for path in files[:LOOKED_AT]:
        try:
            with path.open("rb") as file:
                values = read_pixels(file, path, 3).values
        except ImageFileError as error:
            raise UserError(str(error)) from error
        shapes.append(values.shape[:2])
        colour.append(float((values.max(-1) - values.min(-1)).mean()))
    wide = float(np.median([width / height for height, width in shapes]))
    sides = (LONGEST / wide, LONGEST) if wide > 1 else (LONGEST, LONGEST * wide)
    height, width = (max(2 * TILE, round(side / TILE) * TILE) for side in sides)
    return (height, width), 3 if np.median(colour) > COLOURFUL else 1


def split(files: list[Path], held_back: float = 0.0) -> tuple[list[Path], list[Path], list[Path]]:
    """Train, calibration and validation files, the same for every seed of a run.

    Raises:
        UserError: where they are too few.
    """
    count = max(LEAST_CALIBRATION, round(CALIBRATION_SHARE * len(files)))
    held = max(1, round(held_back * len(files))) if held_back else 0
    if len(files) < count + held + LEAST_TRAIN:
        raise UserError(
            f"at least {count + held + LEAST_TRAIN} normal images expected, to train on and to calibrate with, "
            f"got {len(files)}; add some"
        )
    order = torch.randperm(len(files), generator=seeded_generator(0, 0)).tolist()
    parts = order[count + held :], order[:count], order[count : count + held]
    train, calibration, validation = ([files[index] for index in sorted(part)] for part in parts)
    return train, calibration, validation


def test_files(root: Path) -> list[tuple[Path, str]]:
    """Each image below ``test`` and the folder it is in, normal ones first; none where there is no such folder.

    Raises:
        UserError: where ``test`` holds no folder of images.
    """
    where = root / "test"
    if not where.is_dir():
        return []
    kinds = sorted(path for path in where.iterdir() if path.is_dir() and not is_hidden(path.name))
    kinds.sort(key=lambda path: path.name not in NORMAL_NAMES)
    files = [(file, path.name) for path in kinds for file in list_images([path])]
    if not files:
        raise UserError(f"{where}: folders of images expected, such as {where / 'normal'}; found none")
    return files
