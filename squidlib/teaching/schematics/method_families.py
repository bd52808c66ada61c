"""A family map of the paper's fourteen methods: what each measures of an image, and SQUID among them."""

from __future__ import annotations

from collections.abc import Sequence

from squidlib.benchmark.registry import (
    DENSITY,
    DISTILLATION,
    MEMORY,
    METHODS,
    ON_PHOTOGRAPHS,
    ONE_CLASS,
    RECONSTRUCTION,
    SELF_SUPERVISION,
    SQUID,
)
from squidlib.teaching.schematics.canvas import Canvas, Number
from squidlib.utils import palette

TITLE = "Fourteen methods, six families: what is measured of an image?"
#: family -> (what it asks, colour)
QUESTIONS = {
    RECONSTRUCTION: ("Can a network that saw only", "normal images redraw it?", palette.NETWORK),
    MEMORY: ("Is it like something", "that was remembered?", palette.MEMORY),
    DENSITY: ("How far is it from where", "normal features lie?", palette.NEIGHBOURS),
    ONE_CLASS: ("How far is it from one", "centre of normal images?", palette.NORMAL),
    DISTILLATION: ("Does a student that saw only normal", "images agree with its teacher?", palette.TEACHER),
    SELF_SUPERVISION: ("Does it look like normal images", "that were damaged on purpose?", palette.PLAIN),
}
#: Of the methods' table, but not of the paper's.
OURS = (ON_PHOTOGRAPHS, "feature-kNN")


def method_families() -> Canvas:
    """The schematic, from the benchmark's own registry."""
    members = {
        family: [name for name, entry in METHODS.items() if entry.family == family and name not in OURS]
        for family in QUESTIONS
    }
    canvas = Canvas(1240, 560, TITLE, _described(members))
    canvas.box((470, 20), (300, 62), ("An image is given.", "Is it abnormal?"))
    for number, (family, (first, second, colour)) in enumerate(QUESTIONS.items()):
        column, row = number % 3, number // 3
        left, top = 20 + column * 405, 128 + row * 218
        road = [(620, 82), (620, 104)]
        if row:  # down beside the upper box
            road += [(left - 9, 104), (left - 9, top - 10), (left + 195, top - 10)]
        else:
            road += [(left + 195, 104)]
        canvas.arrow([*road, (left + 195, top)], head=not row)
        canvas.frame((left, top), (390, 200), colour, fill=0.1)
        canvas.text((left + 195, top + 26), family, 18, bold=True)
        canvas.text((left + 195, top + 52), first, 14)
        canvas.text((left + 195, top + 72), second, 14)
        _names(canvas, members[family], left + 14, top + 92, colour)
    return canvas


def _names(canvas: Canvas, names: Sequence[str], left: Number, top: Number, colour: str) -> None:
    """Two methods a line; the subject of the kit has a full frame."""
    for number, name in enumerate(names):
        x, y = left + (number % 2) * 184, top + (number // 2) * 34
        canvas.frame((x, y), (178, 29), colour, fill=0.75 if name == SQUID else 0.15)
        canvas.text((x + 89, y + 15), name, 15, bold=name == SQUID, room=170)


def _described(members: dict[str, list[str]]) -> str:
    told = [f"{family} ({' '.join(QUESTIONS[family][:2])}): {', '.join(names)}" for family, names in members.items()]
    return ". ".join(told) + "."
