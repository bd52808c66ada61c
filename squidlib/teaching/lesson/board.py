"""Board: the stored benchmark's chart with a method of one's own among the rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from squidlib.benchmark.pictures import auc_chart
from squidlib.benchmark.summary import Row, rank_of
from squidlib.teaching.lesson.live_benchmark import ranked

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def board(rows: Sequence[Row], own: Row, dataset: str) -> Figure:
    """All rows by their mean AUC; the title says which rank ``own`` has, or that it failed.

    Raises:
        ValueError: where a row has the name of ``own`` already.
    """
    if own.name in [row.name for row in rows]:
        raise ValueError(f"a name of its own expected, {own.name!r} is on the board already")
    everyone = ranked([*rows, own])
    figure = auc_chart(everyone, dataset)
    axis = figure.axes[0]
    for label in axis.get_yticklabels():
        if label.get_text() == own.name:
            label.set_fontweight("bold")
    if own.runs:
        ranking = rank_of(everyone, own.name)
        title = f"{dataset}: {own.name} has rank {ranking.rank} of {ranking.of}"
    else:
        title = f"{dataset}: {own.name} failed and has no rank"
    axis.set_title(title, fontsize=11)
    return figure
