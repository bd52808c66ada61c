"""Sections: how controls and outputs are laid out, and the HTML that each output shows of a view."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache

import ipywidgets as widgets

from squidlib.teaching.explorer import drawing
from squidlib.teaching.explorer.controls import Controls
from squidlib.teaching.explorer.effect import Effect
from squidlib.teaching.explorer.pictures import shrinking_picture
from squidlib.teaching.explorer.setting import THRESHOLDS, Setting, kept
from squidlib.teaching.explorer.state import ExplorerState
from squidlib.teaching.explorer.subjects import tile_name
from squidlib.teaching.explorer.view import View
from squidlib.teaching.memory_sizes import sizes
from squidlib.teaching.studies.memory_size import SHOWN

OUTPUTS = ("tiles", "note", "pictures", "verdict", "scores", "attention", "memories", "heat", "shrunk", "saved")
_BRIGHTEST = 1.0  #: of anomaly maps: one scale for every view, so that two of them can be compared


def layout(controls: Controls, shown: dict[str, widgets.HTML]) -> list[widgets.Widget]:
    """Cards that stand beside each other where there is room."""
    grid = widgets.GridBox(controls.tiles)
    grid.add_class("squid-tiles")
    legend = widgets.HTML('<p class="squid-small">Blue: the tile looked at. Orange: truly wrong.</p>')
    one = _card(
        "Image",
        controls.kind,
        controls.number,
        controls.hand,
        grid,
        legend,
        shown["tiles"],
        shown["note"],
        controls.tool,
        controls.digit,
        _row(controls.undo, controls.restart, controls.upload),
    )
    two = _card(
        "What SQUID makes of it", shown["pictures"], shown["verdict"], shown["scores"], controls.score, controls.rate
    )
    three = _card(
        "Memory",
        controls.slots,
        controls.shrinkage,
        controls.threshold,
        controls.k,
        shown["attention"],
        shown["memories"],
    )
    four = _card("The whole test set, at every setting", controls.column, shown["heat"])
    five = _card("Queue and matrix", shown["shrunk"])
    four.add_class("squid-wide")
    six = _card("Keep this view", controls.link, _row(controls.open, controls.save), shown["saved"])
    return [_row(one, two, three), _row(four, five), six]


def contents(view: View, state: ExplorerState, column: str, name: str) -> Iterator[tuple[str, str]]:
    """Name and HTML of every output that depends on the view, one after the other, the slow ones last.

    Args:
        column: the anomaly type whose AUCs are shown.
        name: of this explorer, what the tiles' classes begin with.
    """
    setting = view.setting
    called = "squid-verdict squid-abnormal" if view.abnormal else "squid-verdict"
    yield "tiles", _tile_style(view, name)
    yield "pictures", _pictures(view)
    yield "verdict", f'<p class="{called}" role="status">{view.verdict}</p>'
    yield "scores", drawing.histogram(view.normal_scores, view.score, view.threshold, view.abnormal)
    weights = f"<p>Weights of the slots of {tile_name(setting.tile)}:</p>"
    yield "attention", weights + drawing.attention_bars(view.attention)
    yield "memories", _memories(view)
    yield "heat", heat(state.effect, state.most_slots, setting, column)
    yield "shrunk", shrunk(setting.score, setting.slots)


def _tile_style(view: View, name: str) -> str:
    from digitanatomy import cut_tiles

    rules = []
    for tile, picture in enumerate(cut_tiles(view.image)):
        wrong = view.wrong is not None and bool(view.wrong[tile])
        outline = "4px solid #0072B2" if tile == view.setting.tile else "none"
        edge = "inset 0 0 0 8px #D55E00" if wrong else "none"  # wider than the outline, which lies above it
        rules.append(
            f".{name}-{tile}{{background-image:url({drawing.address(drawing.png_of(picture, side=96))}) !important;"
            f"outline:{outline};box-shadow:{edge}}}"
        )
    return f"<style>{''.join(rules)}</style>"


def _pictures(view: View) -> str:
    error = float(((view.image - view.reconstruction) ** 2).mean())
    worst = int(view.patch_scores.argmax()) + 1
    left = drawing.figure(
        drawing.png_of(view.reconstruction[0]),
        f"Reconstruction<br>squared error {error:.4f}",
        f"Reconstruction; mean squared error {error:.4f}",
    )
    right = drawing.figure(
        drawing.png_of(view.anomaly_map[0], _BRIGHTEST),
        f"Anomaly map<br>worst: tile {worst}",
        f"Anomaly map; the worst tile is {worst}",
    )
    return f'<div class="squid-pair">{left}{right}</div>'


def _memories(view: View) -> str:
    if not view.strongest:
        return "<p>No slot speaks: the threshold λ is above every weight, nothing is recalled.</p>"
    cards = "".join(
        drawing.figure(
            drawing.png_of(slot.picture, side=64),
            f"slot {slot.slot + 1}<br>{slot.weight:.1%}",
            f"What slot {slot.slot + 1} remembers; weight {slot.weight:.1%}",
        )
        for slot in view.strongest
    )
    least = min(slot.likeness for slot in view.strongest)
    return (
        f'<p>What the strongest slots remember:</p><div class="squid-memories">{cards}</div>'
        '<p class="squid-small">The training tiles whose features are most like theirs '
        f"(cosine {math.floor(100 * least) / 100:.2f} or more).</p>"
    )


@lru_cache(64)
def _shrunk(score: str, slots: int) -> str:
    from squidlib.teaching.studies.results import load_runs
    from squidlib.utils.plotting import png

    return drawing.figure(
        png(shrinking_picture(load_runs("memory_size"), score, slots)),
        "All were trained whole, for 400 steps with three seeds; then slots were taken away. The band is the "
        "deviation over seeds (<code>python -m squidlib.teaching.studies.memory_size</code>).",
        f"Mean AUC of queue and matrix over the slots that are left, score {score}; {slots} slots are marked",
    )


def shrunk(score: str, slots: int) -> str:
    """Queue against matrix for a score; where the study does not have it, for the default one, and it says so."""
    if score in SHOWN:
        return _shrunk(score, slots)
    return f"<p>Not studied for the score {score}; shown for combined.</p>" + _shrunk("combined", slots)


def heat(effect: Effect, most: int, setting: Setting, column: str) -> str:
    """AUC over memory size and the shrinkage's number, the present setting marked."""
    columns = sizes(most)
    if setting.shrinkage == "soft":
        rungs, now, head = [("all slots", 0.0)], 0.0, "size →"
    elif setting.shrinkage == "hard":
        rungs, now, head = [(f"λ {value:g}", value) for value in THRESHOLDS], setting.threshold, "λ ↓ size →"
    else:
        rungs, now, head = [(f"k {k}", k) for k in kept(most)], setting.k, "k ↓ size →"
    rows = [
        (name, [replace(setting, slots=size, threshold=float(min(value, 1)), k=int(value) or 1) for size in columns])
        for name, value in rungs
    ]
    values = [value for _, value in rungs]
    here = values.index(now) if now in values else -1
    marked = (here, columns.index(setting.slots)) if setting.slots in columns and here >= 0 else None
    cells = [(name, [effect.auc(reading, column) for reading in readings]) for name, readings in rows]
    metadata = effect.metadata
    counts = ", ".join(f"{number} {kind}" for kind, number in metadata["images"].items())
    where = (
        "outlined: this setting (scroll sideways where it is out of sight)"
        if marked
        else "not in the table: this setting"
    )
    return drawing.heat_map(cells, [str(size) for size in columns], marked, head) + (
        f'<p class="squid-small">AUC ({column}) of the score {setting.score}; {where}. One detector (seed '
        f"{metadata['seed']}), {counts} images (seed {metadata['image_seed']}), computed once by "
        f"<code>{metadata['command']}</code>. To look at, not to choose by: these are test images.</p>"
    )


def _card(title: str, *children: widgets.Widget) -> widgets.VBox:
    card = widgets.VBox([widgets.HTML(f"<h3>{title}</h3>"), *children])
    card.add_class("squid-card")
    return card


def _row(*children: widgets.Widget) -> widgets.Box:
    row = widgets.Box(children)
    row.add_class("squid-row")
    return row
