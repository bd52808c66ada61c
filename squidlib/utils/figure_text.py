"""Figure text: does any text of a figure lie over another, or over the edge? For tests, and where lessons are built."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TOUCHING = 1.5  #: points by which two boxes may reach into each other: a box is a little larger than its letters
LABEL_ROOM = 0.2  #: of a logarithmic axis, for one label in a narrow chart
EDGE = 2.0  #: points by which a box may stick out


def overlapping(figure: Figure) -> list[str]:
    """One line for each pair of texts that lie over each other, and for each text that is cut off at the edge.

    Tick labels of one axis count, too. What is not drawn (empty, hidden, outside an axis's limits) does not.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    renderer = canvas.get_renderer()
    drawn = [(text.get_text(), text.get_window_extent(renderer)) for text in _texts(figure)]
    room = TOUCHING * figure.dpi / 72
    found = []
    for (first, box), (second, other) in combinations(drawn, 2):
        width = min(box.x1, other.x1) - max(box.x0, other.x0)
        height = min(box.y1, other.y1) - max(box.y0, other.y0)
        if width > room and height > room:
            found.append(f"{first!r} lies over {second!r}")
    edge, page = EDGE * figure.dpi / 72, figure.bbox
    for text, box in drawn:
        if box.x0 < page.x0 - edge or box.y0 < page.y0 - edge or box.x1 > page.x1 + edge or box.y1 > page.y1 + edge:
            found.append(f"{text!r} is cut off at the edge")
    return found


def log_ticks(values: Sequence[int | float]) -> tuple[list[int | float], list[str]]:
    """Positions and labels for a logarithmic axis: every value but those too near another; both ends are kept."""
    span = math.log(max(values) / min(values)) if max(values) > min(values) else 1.0
    kept: list[int | float] = []
    for value in sorted(set(values)):
        if not kept or math.log(value / kept[-1]) >= LABEL_ROOM * span:
            kept.append(value)
    if kept[-1] != max(values):
        kept[-1] = max(values)  # too near the one before, which is left out in its place
    return kept, [f"{value:g}" for value in kept]


def _texts(figure: Figure) -> list[Any]:
    """Every text that is drawn: of axes (titles, labels, ticks, annotations, legends) and of the figure."""
    from matplotlib.text import Text

    hidden = set()
    for axes in figure.get_axes():
        for axis in (axes.xaxis, axes.yaxis):
            low, high = sorted(axis.get_view_interval())
            slack = 1e-6 * (high - low)
            for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks()):
                if not low - slack <= tick.get_loc() <= high + slack or not axes.axison:
                    hidden |= {tick.label1, tick.label2}
            if not axes.axison:
                hidden |= {axis.label, axis.get_offset_text()}
    return [
        text
        for text in figure.findobj(Text)
        if text not in hidden and text.get_visible() and text.get_text().strip() and text.get_alpha() != 0
    ]
