"""The image files of a folder as arrays, each picture once: what is trained on is neither calibrated nor tested on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, UInt8

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


def each_once(
    normals: Images, files: Sequence[Path], tests: UInt8[np.ndarray, "T C H W"]
) -> tuple[UInt8[np.ndarray, "M C H W"], tuple[str, ...]]:
    """Normal images less those whose pixels are those of a test image or of an earlier one, and a note on them.

    Args:
        files: of ``normals``, by its ``rows``.
        tests: the test images, which stay.
    """
    tested = {image.tobytes() for image in tests}
    seen: set[bytes] = set()
    kept, twins, leaks = list[int](), list[str](), list[str]()
    for index, image in enumerate(normals.images):
        pixels, name = image.tobytes(), files[normals.rows[index]].name
        if pixels in tested:
            leaks.append(name)
        elif pixels in seen:
            twins.append(name)
        else:
            kept.append(index)
        seen.add(pixels)
    notes = [
        f"{len(names)} normal images left out, because they show the same as {other}: {_few(names)}"
        for names, other in ((leaks, "a test image"), (twins, "another normal image"))
        if names
    ]
    return normals.images[kept], tuple(notes)


def _few(names: list[str]) -> str:
    return ", ".join(names[:FEW]) + (f" and {len(names) - FEW} more" if len(names) > FEW else "")
