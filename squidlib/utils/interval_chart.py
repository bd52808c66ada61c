"""Interval chart: differences from one thing, each with its interval, and a band within which they do not matter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from squidlib.utils.plotting import COLOURS, panels

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDTH = 6.4  #: inches


def interval_chart(
    differences: Mapping[str, tuple[float, float]],
    title: str,
    x_label: str,
    margin: float = 0.0,
    wider: Mapping[str, float] | None = None,
) -> Figure:
    """A point and an interval for each name, the first at the top; a filled point where zero lies outside.

    Args:
        differences: name -> (difference, half the width of its interval).
        wider: name -> half the width of a second interval, drawn thin around the first; then the point is filled where
            zero lies outside of this one.
        margin: up to here, to both sides of zero, a difference is of no account: a grey band; 0 draws none.
    """
    figure, axes = panels(width=WIDTH, height=0.9 + 0.3 * len(differences))
    axis = axes[0, 0]
    if margin:
        axis.axvspan(-margin, margin, color="0.9", linewidth=0, zorder=0)
    axis.axvline(0, color="black", linewidth=0.8)
    for place, (name, (value, half)) in enumerate(differences.items()):
        outer = half if wider is None else wider[name]
        filled = COLOURS[6] if abs(value) > outer else "white"
        if wider is not None:
            axis.errorbar(value, place, xerr=outer, color=COLOURS[6], capsize=0, linewidth=0.8)
        axis.errorbar(
            value, place, xerr=half, color=COLOURS[6], marker="o", markerfacecolor=filled, markersize=5, capsize=3,
            linewidth=1 if wider is None else 2.5,
        )  # fmt: skip
    axis.set_yticks(range(len(differences)), list(differences))
    axis.invert_yaxis()
    axis.set_title(title, fontsize=10)
    axis.set_xlabel(x_label)
    axis.spines[["top", "right", "left"]].set_visible(False)
    axis.tick_params(axis="y", length=0)
    return figure
