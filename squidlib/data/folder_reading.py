"""The image files of a folder as arrays, each picture once: what is trained on is neither calibrated nor tested on."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, UInt8

from digitanatomy import NORMAL
from squidlib.data.chest.problems import Problems
from squidlib.data.folder_layout import LabelledFile
from squidlib.data.images import open_image, read_image
from squidlib.utils.errors import UserError

FEW = 3  #: names in a note


class Images(NamedTuple):
    """images: uint8 (N, C, H, W). rows: which of the files they are. notes: how many files each note is about."""

    images: UInt8[np.ndarray, "N C H W"]
    rows: list[int]
    notes: tuple[str, ...]


def read_all(files: Sequence[Path], size: tuple[int, int], channels: int, skip_bad: bool = False) -> Images:
    """Decode image files, scaled to (height, width).

    Args:
        skip_bad: leave out those that cannot be used, and name them in the notes.

    Raises:
        UserError: where a file cannot be used, unless ``skip_bad``.
    """
    images = np.empty((len(files), channels, *size), dtype=np.uint8)
    rows, counts, refused = list[int](), Counter[str](), list[str]()
    for number, path in enumerate(files):
        try:
            image, said = open_image(path, size, channels)
        except UserError as error:
            if not skip_bad:
                raise
            refused.append(f"{error}; left out")
            continue
        images[len(rows)] = (255 * image).round().numpy().astype(np.uint8)
        rows.append(number)
        counts.update(said)
    notes = (f"{count} of {len(files)} images: {note}" for note, count in counts.items())
    return Images(images[: len(rows)], rows, (*refused, *notes))


def read_mask(file: LabelledFile, size: tuple[int, int]) -> Bool[np.ndarray, "1 H W"] | None:
    """Where an image is abnormal: where its masks, taken together, are bright; None where there is none.

    What is too small to fill a pixel of the scaled mask is where the mask is brightest.
    """
    if not file.masks:
        return None
    masks = [read_image(path, size).numpy() for path in file.masks]
    return np.logical_or.reduce([mask > min(0.5, float(mask.max()) / 2) for mask in masks])


def without_contradictions(
    tests: Images, files: Sequence[LabelledFile], root: Path, skip_bad: bool = False
) -> tuple[Images, list[LabelledFile]]:
    """Test images less those that another one calls normal and they abnormal, and the files that they are of.

    Images are the same where the pixels are that a detector gets, however their files store them. The same one twice
    under one label counts twice and is noted, also under two anomaly types: it may be abnormal in both ways.

    Args:
        files: of ``tests``, by its ``rows``, normal ones first.
        root: names are given below it.
        skip_bad: leave out the later one of two that contradict each other, and name both in the notes.

    Raises:
        UserError: where two contradict each other, unless ``skip_bad``.
    """
    problems, notes = Problems(skip_bad), list[str]()
    first: dict[bytes, LabelledFile] = {}
    kept = list[int]()
    for index, image in enumerate(tests.images):
        file = files[tests.rows[index]]
        twin = first.setdefault(pixels_hash(image), file)
        if twin is not file:
            equal = f"{file.path.relative_to(root)}: the same pixels as {twin.path.relative_to(root)}"
            if (file.anomaly_type == NORMAL) != (twin.anomaly_type == NORMAL):
                what = f"here {file.anomaly_type}, there {twin.anomaly_type}"
                problems.found(f"{equal}; every image under one label expected, {what}: remove one of the two")
                continue
            notes.append(f"{equal}; both kept, as {file.anomaly_type} and {twin.anomaly_type}")
        kept.append(index)
    rows = [tests.rows[index] for index in kept]
    images = Images(tests.images[kept], rows, (*tests.notes, *problems.skipped, *notes))
    return images, [files[row] for row in rows]


def normals_once(
    normals: Images, files: Sequence[Path], tests: Images, tested: Sequence[LabelledFile], root: Path
) -> tuple[UInt8[np.ndarray, "M C H W"], tuple[str, ...]]:
    """Normal images less those whose pixels are those of a test image or of an earlier one, and a note on them.

    Args:
        files: of ``normals``, by its ``rows``.
        tests: the test images, which stay.
        tested: the files of ``tests``, one for each image.
        root: names are given below it.
    """
    in_test = {pixels_hash(image): file.path for image, file in zip(tests.images, tested, strict=True)}
    seen: dict[bytes, Path] = {}
    kept, twins, leaks = list[int](), list[str](), list[str]()
    for index, image in enumerate(normals.images):
        pixels, path = pixels_hash(image), files[normals.rows[index]]
        twin = in_test.get(pixels) or seen.setdefault(pixels, path)
        if twin is path:
            kept.append(index)
        else:
            pair = f"{path.relative_to(root)} ({twin.relative_to(root)})"
            (leaks if pixels in in_test else twins).append(pair)
    notes = [
        f"{len(names)} normal images left out, because they show the same as {other}: {_few(names)}"
        for names, other in ((leaks, "a test image"), (twins, "another normal image"))
        if names
    ]
    return normals.images[kept], tuple(notes)


def pixels_hash(image: UInt8[np.ndarray, "C H W"]) -> bytes:
    """Equal for equal pixels; the shape is that of all images of a folder."""
    return hashlib.sha256(np.ascontiguousarray(image).data).digest()


def _few(names: list[str]) -> str:
    return ", ".join(names[:FEW]) + (f" and {len(names) - FEW} more" if len(names) > FEW else "")
