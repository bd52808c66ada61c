"""Inference flow: the data flow of a trained SQUID alone, from image to score; the page in the browser moves along it.

Boxes, words and colours are those of ``data_flow``; what works while training only is left out. Every part is a group
of its own, ``<g data-part="memory">``, so that a page can point at it, and the two images can be replaced.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from torch import Tensor

from squidlib.teaching.schematics.canvas import Canvas, Point
from squidlib.teaching.schematics.data_flow import HEIGHT, IMAGE, IMAGES, PARTS

TITLE = "From an image to its reconstruction and its score"
DESCRIPTION = (
    "An image is cut into patches. The encoder turns each into a feature, the query. The memory queue of that position "
    "is read by similarity and answers with normal features. The in-painting block adds what the eight neighbouring "
    "patches tell. The student decoder makes the reconstruction. The score compares patches with the memory and the "
    "image with its reconstruction."
)
_TOP, _LOW = 54.0, 196.0  #: of the boxes on the road, and of the score
_CORNERS: dict[str, Point] = {
    "encoder": (170, _TOP),
    "memory": (372, _TOP),
    "neighbours": (604, _TOP),
    "student": (818, _TOP),
    "score": (348, _LOW),
}
_PLACES = {"input": (16.0, 37.0), "reconstruction": (998.0, 37.0)}


def inference_flow(pictures: Sequence[Tensor]) -> Canvas:
    """The schematic.

    Args:
        pictures: an image and its reconstruction, (1, H, W) in 0..1 each.
    """
    canvas = Canvas(1122, 284, TITLE, DESCRIPTION)
    middle = _TOP + HEIGHT / 2
    road = ("encoder", "memory", "neighbours", "student")
    ends = [_PLACES["input"][0] + IMAGE]
    ends += [x for name in road for x in (_CORNERS[name][0], _CORNERS[name][0] + PARTS[name].width)]
    ends += [_PLACES["reconstruction"][0]]
    for start, end in zip(ends[::2], ends[1::2], strict=True):
        canvas.arrow([(start, middle), (end, middle)])
    canvas.text((337, middle - 15), "query", 14)
    canvas.text((574, middle - 15), "read", 14)
    _scores(canvas)
    for name, picture in zip(IMAGES, pictures, strict=True):
        with _part(canvas, name):
            canvas.text((_PLACES[name][0] + IMAGE / 2, 22), "image" if name == "input" else name, 15)
            canvas.tile(_PLACES[name], IMAGE, picture)
    for name, corner in _CORNERS.items():
        with _part(canvas, name):
            canvas.box(corner, (PARTS[name].width, HEIGHT), PARTS[name].lines, PARTS[name].colour)
    return canvas


def inline(canvas: Canvas) -> str:
    """The picture without its style, which would be a whole page's; its classes are paper, line and head."""
    return re.sub(r"<style>.*?</style>\n", "", canvas.svg(), flags=re.DOTALL)


def _scores(canvas: Canvas) -> None:
    """What the score compares."""
    left, width = _CORNERS["score"][0], PARTS["score"].width
    middle, memory = _LOW + HEIGHT / 2, _CORNERS["memory"][0] + PARTS["memory"].width / 2
    canvas.arrow([(70, _PLACES["input"][1] + IMAGE), (70, middle), (left, middle)])
    canvas.arrow([(memory, _TOP + HEIGHT), (memory, _LOW)])
    canvas.text((memory + 12, (_TOP + HEIGHT + _LOW) / 2), "patch against slots", 14, anchor="start")
    out = _PLACES["reconstruction"][0] + IMAGE / 2
    canvas.arrow([(out, _PLACES["reconstruction"][1] + IMAGE), (out, middle), (left + width, middle)])
    canvas.text(((left + width + out) / 2, middle - 15), "image against reconstruction", 14)


@contextmanager
def _part(canvas: Canvas, name: str) -> Iterator[None]:
    canvas.add(f'<g data-part="{name}">')
    yield
    canvas.add("</g>")
