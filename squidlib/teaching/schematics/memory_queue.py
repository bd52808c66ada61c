"""The memory queue of one position as a ring: first in, first out, with its pointer (paper, section 3.2); it moves."""

from __future__ import annotations

import math

from squidlib.teaching.schematics.canvas import Canvas, Number, Point
from squidlib.utils.palette import MEMORY, NETWORK, PLAIN

TITLE = "The memory queue of one position: first in, first out"
DESCRIPTION = (
    "Sixteen slots form a ring around the training step. A pointer shows where the next feature goes. After a "
    "training step the features of the batch at this position are copied in at the pointer, where the oldest "
    "slots are overwritten; the pointer moves on. No gradient reaches a slot: what the memory holds are copies, "
    "so its distribution is that of the features."
)
SLOTS, PUSHED = 16, 3  #: in the picture; of them filled in the step that is shown
CENTRE, OUTER, INNER, HUB = (240.0, 236.0), 196.0, 128.0, 66.0
SECONDS = 0.7  #: from one push to the next, where the picture moves
NEW, OLDEST, NEWEST = 0.75, 0.1, 0.8  #: opacity of this step's copies, and of those before


def memory_queue() -> Canvas:
    """The schematic: copies go round a ring of sixteen slots."""
    canvas = Canvas(900, 476, TITLE, DESCRIPTION, _motion())
    for slot in range(SLOTS):
        canvas.add(_sector(slot))
    x, y = CENTRE
    canvas.add(
        f'<circle cx="{x}" cy="{y}" r="{HUB}" fill="{NETWORK}" fill-opacity="0.2" stroke="{NETWORK}" stroke-width="2"/>'
    )
    canvas.text((x, y - 12), "Training", 17, bold=True)
    canvas.text((x, y + 12), "step", 17, bold=True)
    canvas.add('<g class="pointer">')
    canvas.arrow([_place(PUSHED, HUB + 4), _place(PUSHED, INNER - 4)], dashed=True)
    canvas.add("</g>")
    notes = (
        "one position's queue: S slots",
        "arrow: the pointer; the next copy goes there",
        "blue: this step's copies",
        "dark green: pushed shortly before",
        "pale green: the oldest, overwritten next",
        "no gradient comes back along the arrow",
    )
    for number, note in enumerate(notes):
        canvas.text((484, 60 + 30 * number), note, 16, anchor="start", bold=number == 0)
    canvas.box((580, 330), (250, 74), ("Read", "filled slots, by similarity"), PLAIN)
    canvas.arrow([_place(5.5, OUTER + 6), (580, 367)])
    return canvas


def _place(slot: Number, radius: Number) -> Point:
    """The middle of a slot at that distance from the centre; slot 0 begins at the top, and they run clockwise."""
    angle = 2 * math.pi * (slot + 0.5) / SLOTS - math.pi / 2
    return CENTRE[0] + radius * math.cos(angle), CENTRE[1] + radius * math.sin(angle)


def _sector(slot: int) -> str:
    age = (PUSHED - 1 - slot) % SLOTS  # pushes since it was written
    new = age < PUSHED
    colour = NETWORK if new else MEMORY
    opacity = NEW if new else NEWEST + (OLDEST - NEWEST) * (age - PUSHED) / (SLOTS - 1 - PUSHED)
    first, last = slot - 0.46, slot + 0.46
    (a, b), (c, d) = _place(first, OUTER), _place(last, OUTER)
    (e, f), (g, h) = _place(last, INNER), _place(first, INNER)
    return (
        f'<path class="slot" style="animation-delay: {-SECONDS * age:.1f}s" d="M {a:.1f} {b:.1f} A {OUTER} {OUTER} 0 0 '
        f'1 {c:.1f} {d:.1f} L {e:.1f} {f:.1f} A {INNER} {INNER} 0 0 0 {g:.1f} {h:.1f} Z" fill="{colour}" '
        f'fill-opacity="{opacity:.2f}" stroke="{MEMORY}"/>'
    )


def _motion() -> str:
    """A slot is blue for one step's pushes, then green and paler and paler; the pointer goes on by a slot a push."""
    blue = 100 * PUSHED / SLOTS
    x, y = CENTRE
    return (
        f"@keyframes age {{ 0%, {blue}% {{ fill: {NETWORK}; fill-opacity: {NEW}; }} "
        f"{blue + 0.01}% {{ fill: {MEMORY}; fill-opacity: {NEWEST}; }} "
        f"100% {{ fill: {MEMORY}; fill-opacity: {OLDEST}; }} }} "
        "@keyframes turn { to { transform: rotate(360deg); } } "
        f".slot {{ animation: age {SECONDS * SLOTS}s linear infinite; }} "
        f".pointer {{ animation: turn {SECONDS * SLOTS}s steps({SLOTS}) infinite; transform-origin: {x}px {y}px; }}"
    )
