"""Named points: single points with their names, drawn into a figure of ``curves``; some of them marked."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from squidlib.utils import palette

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def named_points(
    figure: Figure, places: Mapping[str, tuple[float, float]], marked: Collection[str] = (), named: Collection[str] = ()
) -> Figure:
    """Add points to the figure's first axis.

    Args:
        figure: as ``curves`` returns it; it is changed and returned.
        places: name -> (x, y) in the axis' units.
        marked: these get another colour and marker, and their names.
        named: these get their names too.

    Raises:
        ValueError: where a name has no place.
    """
    unknown = sorted((set(marked) | set(named)) - set(places))
    if unknown:
        raise ValueError(f"no place for {', '.join(unknown)}; places are {', '.join(places)}")
    axis = figure.axes[0]
    for name, (x, y) in places.items():
        chosen = name in marked
        colour, marker = ("black", "X") if chosen else (palette.PLAIN, "D")
        axis.scatter([x], [y], s=60 if chosen else 22, color=colour, marker=marker, zorder=3)
        if chosen:
            axis.annotate(name, (x, y), xytext=(7, -11), textcoords="offset points", fontsize=8)
        elif name in named:  # among others: above them, with a line to its own point
            line = {"arrowstyle": "-", "linewidth": 0.6, "color": "0.4"}
            axis.annotate(name, (x, y), xytext=(-4, 24), textcoords="offset points", fontsize=8, arrowprops=line)
    return figure
