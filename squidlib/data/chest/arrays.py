"""The images of a data set as arrays, whatever they come from; here, from files through the cache.

The only place where contents are compared: the same image in two parts, or under two labels, is a flaw of the data.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache as remembered
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Int64, UInt8

from squidlib.data.chest.cache import decode
from squidlib.data.chest.files import LEAST_CALIBRATION, NORMAL, ChestFile, ChestImages
from squidlib.data.chest.problems import Problems
from squidlib.utils.errors import UserError


class Abnormals(NamedTuple):
    """Abnormal images of the training split: grey, 0..255, whose each is, and what was left out as flawed."""

    images: UInt8[np.ndarray, "N size size"]
    patients: list[str]
    skipped: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class ChestArrays:
    """One data set, decoded to squares of grey, 0..255. Parts as in ``ChestImages``.

    Attributes:
        name: of the data set.
        train: normals to learn from.
        calibration: normals that training never sees.
        test: normals and abnormals.
        labels: of the test images, 0 normal, 1 abnormal.
        abnormals: gives the abnormals of the training split; decodes them at the first call only.
        skipped: one line for each thing left out because it was flawed.
        notes: one line for each thing worth knowing.
        patients: whose each training image is; empty where nobody knows.
        test_names: paths of the test images below the root; empty where they are no files.
        test_types: "normal" or what each test image is abnormal by; empty where only the label is known.
        test_sources: where each test image comes from; empty unless that is known of all.
        train_sources: the same of the training images.
    """

    name: str
    train: UInt8[np.ndarray, "N size size"]
    calibration: UInt8[np.ndarray, "K size size"]
    test: UInt8[np.ndarray, "T size size"]
    labels: Int64[np.ndarray, "T"]
    abnormals: Callable[[], Abnormals]
    skipped: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    patients: tuple[str, ...] = ()
    test_names: tuple[str, ...] = ()
    test_types: tuple[str, ...] = ()
    test_sources: tuple[str, ...] = ()
    train_sources: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """Pixels a side."""
        return int(self.train.shape[-1])


class _Part(NamedTuple):
    images: np.ndarray
    files: list[ChestFile]
    hashes: list[str]
    note: str


class _Seen(NamedTuple):
    """name: of the part that an image is in. content: the hash of its file."""

    name: str
    file: ChestFile
    content: str


def open_images(images: ChestImages, size: int = 128, cache: Path | None = None, skip_bad: bool = False) -> ChestArrays:
    """Decode the files of a data set, or find them decoded in the cache.

    The same image twice is a flaw where it could leak or contradict: in two of training, calibration and test, or under
    two labels. Within one part it is only noted: the published ZhangLab set holds such pairs. Images are the same where
    the pixels are that a detector gets, however their files store them.

    Args:
        images: of ``zhanglab``, ``chexpert`` and their like.
        size: pixels a side.
        cache: folder for decoded images; None is one below the data's root.
        skip_bad: leave out flawed files, and list them in ``skipped``. Of two equal images, the test image stays.

    Raises:
        UserError: where a file cannot be read or is there twice, unless ``skip_bad``; where too few images are left;
            where the cache folder cannot be written.
    """
    if size < 1:
        raise UserError(f"the size of images is at least one pixel a side, got {size}")
    problems = Problems(skip_bad)

    def part(files: Sequence[ChestFile], name: str, problems: Problems) -> _Part:
        title = f"{images.name.lower().replace(' ', '-')}-{name}"
        found = decode([file.path for file in files], images.root, size, title, cache, skip_bad)
        problems.skipped += found.refused
        return _Part(found.images, [files[row] for row in found.rows], found.hashes, found.note)

    # In one order whichever are calibration images, so that every seed finds them in the cache.
    normals = part(sorted((*images.train, *images.calibration)), "normal", problems)
    test = part(images.test, "test", problems)
    seen: dict[str, _Seen] = {}
    notes = [note for note in (*images.notes, normals.note, test.note) if note]
    kept_test = _without_twins(test, ["test"] * len(test.files), seen, problems, notes)
    trained = {file.path for file in images.train}
    names = ["train" if file.path in trained else "calibration" for file in normals.files]
    kept = _without_twins(normals, names, seen, problems, notes)
    train = [row for row in kept if names[row] == "train"]
    calibration = [row for row in kept if names[row] == "calibration"]
    tested, trained_on = [test.files[row] for row in kept_test], [normals.files[row] for row in train]
    labels = np.array([file.label for file in tested], dtype=np.int64)
    _check_counts(images.root, len(train), len(calibration), labels)

    @remembered
    def abnormals() -> Abnormals:
        own = Problems(skip_bad)
        found = part(images.abnormal_train, "abnormal", own)
        rows = _without_twins(found, ["train"] * len(found.files), dict(seen), own, [])
        return Abnormals(_rows(found.images, rows), [found.files[row].patient for row in rows], tuple(own.skipped))

    learned, held = _rows(normals.images, train), _rows(normals.images, calibration)
    skipped = (*images.skipped, *problems.skipped)
    pictures = _rows(test.images, kept_test)
    found = ChestArrays(images.name, learned, held, pictures, labels, abnormals, skipped, tuple(notes))
    return _with_names(found, images.root, trained_on, tested)


def _with_names(arrays: ChestArrays, root: Path, train: list[ChestFile], test: list[ChestFile]) -> ChestArrays:
    """The same, with what is known of the training and test images besides their pixels."""
    return replace(
        arrays,
        patients=tuple(file.patient for file in train),
        test_names=tuple(str(file.path.relative_to(root)) for file in test),
        test_types=_told([file.anomaly_type for file in test]),
        test_sources=_told([file.source for file in test]),
        train_sources=_told([file.source for file in train]),
    )


def _without_twins(
    part: _Part, names: list[str], seen: dict[str, _Seen], problems: Problems, notes: list[str]
) -> list[int]:
    """Rows of a part less those whose pixels were seen before where it could leak; adds the part to ``seen``."""
    kept = []
    for row, (name, file, content) in enumerate(zip(names, part.files, part.hashes, strict=True)):
        pixels = hashlib.sha256(part.images[row].tobytes()).hexdigest()
        first = seen.setdefault(pixels, _Seen(name, file, content))
        if first.file is not file:
            other, twin = first.name, first.file
            equal = f"{file.path}: the same {'file' if content == first.content else 'pixels'} as {twin.path}"
            if (other, twin.label, twin.anomaly_type) != (name, file.label, file.anomaly_type):
                where = f"here {_described(name, file)}, there {_described(other, twin)}"
                problems.found(f"{equal}; every image once expected, {where}: remove one of the two")
                continue
            notes.append(f"{equal}; both kept, since both are {_described(name, file)} images")
        kept.append(row)
    return kept


def _described(name: str, file: ChestFile) -> str:
    return f"{name} {file.anomaly_type or ('normal' if file.label == NORMAL else 'abnormal')}"


def _told(values: list[str]) -> tuple[str, ...]:
    """All of them, or none where one is not known."""
    return tuple(values) if all(values) else ()


def _rows(images: np.ndarray, rows: list[int]) -> np.ndarray:
    """Those rows; where they follow each other, without copying them into memory."""
    if rows and rows == list(range(rows[0], rows[-1] + 1)):
        return images[rows[0] : rows[-1] + 1]
    return images[rows]


def _check_counts(root: Path, train: int, calibration: int, labels: np.ndarray) -> None:
    abnormal = int((labels != NORMAL).sum())
    lopsided = len(labels) and (not abnormal or abnormal == len(labels))
    if not train or calibration < LEAST_CALIBRATION or lopsided:
        raise UserError(
            f"{root}: without the flawed files, at least 1 training image, {LEAST_CALIBRATION} calibration images and "
            f"1 test image of each class (or no test image at all) expected, got {train}, {calibration}, "
            f"{len(labels) - abnormal} normal and {abnormal} abnormal; repair the files"
        )
