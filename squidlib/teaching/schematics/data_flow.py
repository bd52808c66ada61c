"""Data flow: what goes from image to score, what only trains, and where no gradient comes back (paper, figure 2).

Small and pale but for one part it says at the top of a lesson: you are here.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor

from squidlib.teaching.schematics.canvas import Canvas, Number, Point
from squidlib.utils.palette import ABNORMAL, MEMORY, NEIGHBOURS, NETWORK, PLAIN, TEACHER

TITLE = "How SQUID works: from an image to its reconstruction and its score"
DESCRIPTION = (
    "An image is cut into patches. The encoder turns each into features. The memory queue answers with normal "
    "features of the same position; the in-painting block adds what the eight neighbouring patches tell. In "
    "training a masked shortcut lets five per cent of the raw features pass. The student decoder makes the "
    "reconstruction. While training, a teacher decoder works on raw features whose gradient is stopped, the "
    "student matches the teacher's features, a discriminator tells reconstructions from images, and after each "
    "step copies of the features are pushed into the queue. The score compares patches with the memory and the "
    "image with its reconstruction."
)


class Part(NamedTuple):
    """A box: left upper corner, width, lines, colour, whether it works while training only."""

    corner: Point
    width: int
    lines: Sequence[str]
    colour: str
    training: bool = False


HEIGHT = 74.0
PARTS = {
    "encoder": Part((170, 150), 132, ("Encoder", "patch by patch"), NETWORK),
    "memory": Part((372, 150), 172, ("Memory queue", "normal features", ), MEMORY),
    "neighbours": Part((610, 150), 160, ("In-painting", "asks 8 neighbours"), NEIGHBOURS),
    "shortcut": Part((834, 150), 128, ("Shortcut", "masked"), PLAIN, True),
    "student": Part((1026, 150), 128, ("Student", "decoder"), NETWORK),
    "discriminator": Part((1218, 322), 156, ("Discriminator", "real or not?"), TEACHER, True),
    "teacher": Part((1026, 322), 128, ("Teacher", "decoder"), TEACHER, True),
    "score": Part((600, 446), 220, ("Anomaly score", "worst patch counts"), ABNORMAL),
}  # fmt: skip
IMAGE, IMAGES = 108.0, ("input", "reconstruction")
_PLACES = {"input": (22.0, 133.0), "reconstruction": (1242.0, 133.0)}


def data_flow(pictures: Sequence[Tensor], here: Collection[str] = ()) -> Canvas:
    """The schematic.

    Args:
        pictures: an image and its reconstruction, (1, H, W) in 0..1 each.
        here: names of ``PARTS`` and ``IMAGES`` that are shown at full strength; none: all of them.

    Raises:
        ValueError: where a name is unknown.
    """
    unknown = set(here) - {*PARTS, *IMAGES}
    if unknown:
        raise ValueError(f"parts are {', '.join([*PARTS, *IMAGES])}; got {', '.join(sorted(unknown))}")
    canvas = Canvas(1392, 548, TITLE, DESCRIPTION)
    canvas.fade(bool(here))
    _main_road(canvas)
    _training(canvas)
    _scores(canvas)
    _legend(canvas)
    for name, picture in zip(IMAGES, pictures, strict=True):
        canvas.fade(bool(here) and name not in here)
        canvas.tile(_PLACES[name], IMAGE, picture)
        canvas.text((_PLACES[name][0] + IMAGE / 2, 122), "image" if name == "input" else name, 15)
    for name, part in PARTS.items():
        canvas.fade(bool(here) and name not in here)
        canvas.box(part.corner, (part.width, HEIGHT), part.lines, part.colour, part.training)
    canvas.fade(False)
    return canvas


def blank_pictures() -> tuple[Tensor, Tensor]:
    """Two grey images, where no detector is at hand."""
    return torch.full((1, 96, 96), 0.4), torch.full((1, 96, 96), 0.4)


def _right(name: str) -> Point:
    part = PARTS[name]
    return part.corner[0] + part.width, part.corner[1] + HEIGHT / 2


def _left(name: str) -> Point:
    return PARTS[name].corner[0], PARTS[name].corner[1] + HEIGHT / 2


def _middle(name: str) -> Number:
    return PARTS[name].corner[0] + PARTS[name].width / 2


def _main_road(canvas: Canvas) -> None:
    """From the image to the reconstruction."""
    road = ("encoder", "memory", "neighbours", "shortcut", "student")
    canvas.arrow([(_PLACES["input"][0] + IMAGE, 187), _left("encoder")])
    for before, after in pairwise(road):
        canvas.arrow([_right(before), _left(after)])
    canvas.arrow([_right("student"), (_PLACES["reconstruction"][0], 187)])
    canvas.text((337, 172), "query", 14)
    asked = _middle("neighbours")
    canvas.arrow([(337, 187), (337, 256), (asked, 256), (asked, 150 + HEIGHT)])  # the query of the neighbours, too
    canvas.text((577, 172), "read", 14)


def _training(canvas: Canvas) -> None:
    """What happens in training only."""
    encoder, memory, mask = _middle("encoder"), _middle("memory"), _middle("shortcut")
    canvas.arrow([(encoder + 30, 150), (encoder + 30, 92), (memory, 92), (memory, 150)], dashed=True)
    canvas.text(((encoder + memory) / 2 + 30, 77), "push a copy after each step", 14)
    canvas.arrow([(encoder - 30, 150), (encoder - 30, 40), (mask, 40), (mask, 150)])
    canvas.text((mask / 2 + 170, 25), "5 % of the raw features pass (training only)", 14)
    canvas.arrow([(encoder, 150 + HEIGHT), (encoder, 359), _left("teacher")], dashed=True)
    canvas.text((600, 342), "raw features, gradient stopped", 14)
    student, out = _middle("student"), _PLACES["reconstruction"][0] + IMAGE / 2
    for way in ([322, 150 + HEIGHT], [150 + HEIGHT, 322]):  # both sides receive the gradient
        canvas.arrow([(student, end) for end in way])
    canvas.text((student - 12, 273), "match features", 14, anchor="end")
    canvas.arrow([(out, 133 + IMAGE), (out, 322)])


def _scores(canvas: Canvas) -> None:
    """What the score compares."""
    left, right = PARTS["score"].corner[0], PARTS["score"].corner[0] + PARTS["score"].width
    middle, memory = 446 + HEIGHT / 2, _middle("memory")
    canvas.arrow([(76, 133 + IMAGE), (76, middle + 18), (left, middle + 18)])
    canvas.arrow([(memory, 150 + HEIGHT), (memory, middle - 18), (left, middle - 18)])
    canvas.text((memory + 12, 415), "patch against slots", 14, anchor="start")
    canvas.text((340, middle + 35), "image against reconstruction", 14)
    edge = _PLACES["reconstruction"][0] + IMAGE + 18
    canvas.arrow([(edge - 18, 187), (edge + 14, 187), (edge + 14, middle), (right, middle)])


def _legend(canvas: Canvas) -> None:
    canvas.arrow([(880, 526), (930, 526)], dashed=True)
    canvas.text((940, 526), "no gradient comes back", 14, anchor="start")
    canvas.frame((1150, 516), (46, 20), PLAIN, fill=0.2, dashed=True)
    canvas.text((1206, 526), "training only", 14, anchor="start")
