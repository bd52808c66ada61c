"""What ``squid score`` reads and draws: images a batch at a time, notes on their files, and anomaly maps."""

from __future__ import annotations

import io
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from squidlib.cli.score_dicom import secondary_capture
from squidlib.utils.errors import UserError
from squidlib.utils.text import printable

if TYPE_CHECKING:
    from jaxtyping import Float, UInt8
    from torch import Tensor

    from squidlib.detection.detector import Detector

NAME_LENGTH = 60  #: characters of an image's name that its map keeps; file systems allow 255 bytes


class Notes:
    """What was noted of image files: one line for each kind of note, with the first file and how many there are."""

    def __init__(self) -> None:
        self.first: dict[str, str] = {}
        self.count: Counter[str] = Counter()

    def add(self, path: Path, note: str) -> None:
        kind = re.sub(r"[0-9.]+", "0", note)  # notes of one kind differ in their numbers
        self.first.setdefault(kind, f"{path}: {note}")
        self.count[kind] += 1

    def lines(self) -> list[str]:
        more = {kind: f" (and {count - 1} more such images)" if count > 1 else "" for kind, count in self.count.items()}
        return [line + more[kind] for kind, line in self.first.items()]


def read_batches(
    detector: Detector, files: list[Path], notes: Notes, alone: bool
) -> Iterator[tuple[list[tuple[Path, Tensor]], int]]:
    """The files' images, a batch at a time, and how many files of the batch could not be read; those are named.

    Args:
        notes: what is worth knowing of the files is added to it.
        alone: where there is but one file, its fault is the command's.
    """
    from squidlib.data.images import open_image
    from squidlib.detection.scores import BATCH

    channels, height, width = detector.config.image_shape
    for begin in range(0, len(files), BATCH):
        batch, failed = [], 0
        for path in files[begin : begin + BATCH]:
            try:
                image, noted = open_image(path, (height, width), channels)
            except UserError as error:
                if alone:
                    raise
                print(f"squid: {printable(str(error))}", file=sys.stderr)
                failed += 1
                continue
            batch.append((path, image))
            for note in noted:
                notes.add(path, note)
        yield batch, failed


def coloured(maps: Float[Tensor, "B 1 H W"]) -> UInt8[np.ndarray, "B H W 3"]:
    """Anomaly maps as pictures: what is 0 is black, what is 1 or more the brightest colour."""
    from matplotlib import colormaps

    from squidlib.utils.plotting import MAP_COLOURS

    colours = colormaps[MAP_COLOURS](maps[:, 0].clamp(0, 1).cpu().numpy())[..., :3]
    return (colours * 255).round().astype("uint8")


def write_maps(
    maps: Float[Tensor, "B 1 H W"], paths: list[Path], folder: Path, first: int, dicom: bool = False
) -> list[str]:
    """Write one PNG a map, marked as such; returns their paths.

    Args:
        paths: of the images, for the names.
        first: the number that the first map's name begins with.
        dicom: write a DICOM file of the same name beside it.
    """
    from PIL import Image
    from PIL.PngImagePlugin import PngInfo

    from digitanatomy.image_folders import MAP_MARK
    from squidlib.utils.safetensors_io import write_atomically

    mark, written = PngInfo(), []
    mark.add_text(*MAP_MARK)
    for number, (path, pixels) in enumerate(zip(paths, coloured(maps), strict=True)):
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, "PNG", pnginfo=mark)
        stem = "".join(character if character.isprintable() else "_" for character in path.stem[:NAME_LENGTH])
        target = folder / f"{first + number:05d}_{stem}.png"
        write_atomically(target, buffer.getvalue())
        if dicom:
            write_atomically(target.with_suffix(".dcm"), secondary_capture(pixels))
        written.append(str(target))
    return written
