"""The memory queue of one position as a ring: first in, first out, with its pointer (paper, section 3.2)."""

from __future__ import annotations

import math

from squidlib.teaching.schematics.canvas import Canvas, Number, Point
from squidlib.utils.palette import MEMORY, NETWORK, PLAIN

TITLE = "The memory queue of one position: first in, first out"
DESCRIPTION = (
    "Sixteen slots stand in a ring. A pointer shows where the next feature goes. After a training step the "
    "features of the batch at this position are copied in at the pointer, where the oldest slots are overwritten; "
    "the pointer moves on. No gradient reaches a slot: what the memory holds are copies, so its distribution is "
    "that of the features."
)
SLOTS, PUSHED = 16, 3  #: in the picture
CENTRE, OUTER, INNER = (560.0, 236.0), 178.0, 112.0


def memory_queue() -> Canvas:
    """The schematic: a batch of three is pushed into a ring of sixteen slots."""
    canvas = Canvas(1060, 476, TITLE, DESCRIPTION)
    for slot in range(SLOTS):
        freshness = (slot - PUSHED) / (SLOTS - 1 - PUSHED)  # the pointer's slot is the oldest, the last the newest
        new = slot < PUSHED
        canvas.raw(_sector(slot, NETWORK if new else MEMORY, 0.75 if new else 0.1 + 0.7 * freshness))
    x, y = CENTRE
    canvas.text((x, y - 26), "one position's queue", 17, bold=True)
    canvas.text((x, y), "S slots, the newest", 14)
    canvas.text((x, y + 20), "S features it saw", 14)
    tip, tail = _place(PUSHED, OUTER + 8), _place(PUSHED, OUTER + 66)
    canvas.arrow([tail, tip])
    canvas.text((tail[0] + 8, tail[1]), "pointer: the next one goes here,", 15, anchor="start")
    canvas.text((tail[0] + 8, tail[1] + 22), "where the oldest is", 15, anchor="start")
    canvas.box((40, 24), (208, 70), ("Training step", "features of a batch"), NETWORK)
    entry = _place(1, OUTER + 4)
    canvas.arrow([(248, 34), (entry[0], 34), entry], dashed=True)
    canvas.text((430, 18), "copies, no gradient", 15)
    canvas.text((40, 250), "blue: this step's copies", 15, anchor="start")
    canvas.text((40, 274), "dark: pushed shortly before", 15, anchor="start")
    canvas.text((40, 298), "pale: the oldest, next to leave", 15, anchor="start")
    canvas.box((790, 350), (230, 70), ("Read", "filled slots, by similarity"), PLAIN)
    canvas.arrow([_place(6.5, OUTER + 4), (790, 385)])
    return canvas


def _place(slot: Number, radius: Number) -> Point:
    """The middle of a slot at that distance from the centre; slot 0 begins at the top, and they run clockwise."""
    angle = 2 * math.pi * (slot + 0.5) / SLOTS - math.pi / 2
    return CENTRE[0] + radius * math.cos(angle), CENTRE[1] + radius * math.sin(angle)


def _sector(slot: int, colour: str, opacity: float) -> str:
    first, last = slot - 0.46, slot + 0.46
    corners = [_place(first, OUTER), _place(last, OUTER), _place(last, INNER), _place(first, INNER)]
    (a, b), (c, d), (e, f), (g, h) = corners
    return (
        f'<path d="M {a:.1f} {b:.1f} A {OUTER} {OUTER} 0 0 1 {c:.1f} {d:.1f} L {e:.1f} {f:.1f} '
        f'A {INNER} {INNER} 0 0 0 {g:.1f} {h:.1f} Z" fill="{colour}" fill-opacity="{opacity:.2f}" stroke="{colour}"/>'
    )
