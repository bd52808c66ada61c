"""A folder of drawn chests in ZhangLab's public layout: what reads the real data reads it, and it holds no X-ray.

    drawn_folder(Path("drawn"))     # drawn/{train,test}/{NORMAL,PNEUMONIA}, and DRAWN.txt, which says what it is

File names carry the patient as the real ones do. Every third normal patient has two images, abnormal ones have two
each, and the two series of normals (``IM``, ``NORMAL2-IM``) use the same numbers for different patients.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from squidlib.data.chest.phantom import SOFTER, draw_chests
from squidlib.utils.errors import UserError

NOTICE = "DRAWN.txt"
TEXT = """These pictures were drawn by a program (squidlib.data.chest.phantom) for teaching and for tests.
They are no X-rays and show no patient. What is measured on them says nothing about real images.
"""


@dataclass(frozen=True)
class DrawnCounts:
    """How many images of each part; an odd number of abnormal ones leaves the last patient with one."""

    train: int = 340
    train_abnormal: int = 20
    test: int = 80
    test_abnormal: int = 80


class _Picture(NamedTuple):
    name: str
    patient: int  #: counted through over the whole folder
    image: int


def drawn_folder(
    root: Path, counts: DrawnCounts | None = None, seed: int = 0, size: int = 128, softer: float = SOFTER
) -> Path:
    """Draw a data set into ``root``, which is made, and return it.

    Args:
        counts: None is ``DrawnCounts()``.
        seed: of everything; the same one draws the same.
        size: pixels a side.
        softer: of ``draw_chests``: the shortcut; 0 leaves it out.

    Raises:
        UserError: where the folder holds something already.
    """
    if root.exists() and any(root.iterdir()):
        raise UserError(f"{root}: an empty or new folder to draw into expected; it holds something, choose another")
    counts = DrawnCounts() if counts is None else counts
    parts = {
        "train/NORMAL": _normals(counts.train, 0),
        "train/PNEUMONIA": _abnormals(counts.train_abnormal, 10_000),
        "test/NORMAL": _normals(counts.test, 20_000),
        "test/PNEUMONIA": _abnormals(counts.test_abnormal, 30_000),
    }
    for folder, pictures in parts.items():
        (root / folder).mkdir(parents=True)
        patients, numbers = [picture.patient for picture in pictures], [picture.image for picture in pictures]
        drawn = draw_chests(patients, numbers, folder.endswith("PNEUMONIA"), seed, size, softer)
        for picture, pixels in zip(pictures, (drawn[:, 0] * 255).round().byte().numpy(), strict=True):
            Image.fromarray(pixels).save(root / folder / f"{picture.name}.png")
    (root / NOTICE).write_text(TEXT)
    return root


def _normals(count: int, first: int) -> list[_Picture]:
    """Names as ``IM-0115-0001`` and, of a second image, ``IM-0115-0001-0002``."""
    found: list[_Picture] = []
    patient = first
    while len(found) < count:
        series = "NORMAL2-IM" if patient % 2 else "IM"  # neighbours share a number and are two patients
        name = f"{series}-{patient // 2:04d}-0001"
        found.append(_Picture(name, patient, first + len(found)))
        if (patient - first) % 3 == 0 and len(found) < count:
            found.append(_Picture(f"{name}-0002", patient, first + len(found)))
        patient += 1
    return found


def _abnormals(count: int, first: int) -> list[_Picture]:
    """Names as ``person15_virus_31``, two images a person."""
    names = [f"person{(first + i // 2)}_{'virus' if i // 2 % 2 else 'bacteria'}_{first + i}" for i in range(count)]
    return [_Picture(name, first + index // 2, first + index) for index, name in enumerate(names)]
