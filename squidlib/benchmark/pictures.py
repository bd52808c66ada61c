"""Pictures of a benchmark: AUC of all systems, and what those that reconstruct make of a few images.

The second shows what every system rebuilds, a column each.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from torch import Tensor

from squidlib.benchmark.paper_table import PAPER
from squidlib.benchmark.source import Exam
from squidlib.benchmark.store import Store
from squidlib.benchmark.summary import Row
from squidlib.benchmark.systems import SQUID
from squidlib.lesson.figures import COLOURS, panels
from squidlib.lesson.systems_picture import systems_picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_OWN, _OTHERS, _TRIVIAL = COLOURS[1], COLOURS[0], "0.45"


def auc_chart(rows: Sequence[Row], dataset: str) -> Figure:
    """Mean AUC with its deviation over seeds, best at the top; SQUID and trivial systems differ in colour and marker.

    Raises:
        ValueError: where no system has results.
    """
    rows = [row for row in rows if row.runs]
    if not rows:
        raise ValueError("at least one system with results is needed for a chart")
    figure, axes = panels(width=6.4, height=1.3 + 0.27 * len(rows))
    axis, paper = axes[0, 0], PAPER.get(dataset, {})
    looks = {
        "SQUID": (_OWN, "D", [row for row in rows if row.name == SQUID]),
        "other systems": (_OTHERS, "o", [row for row in rows if row.name != SQUID and not row.trivial]),
        "trivial: learns (next to) nothing": (_TRIVIAL, "s", [row for row in rows if row.trivial]),
    }
    places = {row.name: place for place, row in enumerate(rows)}
    for label, (colour, marker, group) in looks.items():
        if group:
            means = [row.mean("auc", "mean") for row in group]
            deviations = [float(np.std(row.values("auc", "mean"), ddof=1)) if len(row.runs) > 1 else 0 for row in group]
            axis.errorbar(
                means, [places[row.name] for row in group], xerr=deviations, fmt=marker, color=colour, capsize=3,
                markersize=7, label=label, mfc="white" if marker == "s" else colour,
            )  # fmt: skip
    printed = [(float(paper[row.name].auc.split("±")[0]) / 100, places[row.name]) for row in rows if row.name in paper]
    if printed:
        axis.plot(*zip(*printed, strict=True), "x", color="0.6", label="as the paper prints it", zorder=0)
    axis.axvline(0.5, color="black", linestyle=":", linewidth=1)
    axis.annotate(" chance", (0.5, -0.9), fontsize=9, va="center")
    axis.set_yticks(range(len(rows)), [row.name for row in rows], fontsize=10)
    for label_of, row in zip(axis.get_yticklabels(), rows, strict=True):
        label_of.set_fontweight("bold" if row.name == SQUID else "normal")
    axis.set_ylim(len(rows) - 0.4, -1.4)
    seeds = max(len(row.runs) for row in rows)
    axis.set_xlabel("AUC, one seed" if seeds == 1 else f"AUC, mean ± deviation over up to {seeds} seeds")
    axis.set_title(f"{dataset}: every system, the same time to fit", fontsize=11)
    axis.grid(axis="x", color="0.9")
    axis.set_axisbelow(True)
    axis.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside lower center", ncols=2, fontsize=9, frameon=False)
    return figure


def reconstructions_picture(rows: Sequence[Row], store: Store, exam: Exam) -> Figure | None:
    """A column for each system that reconstructs, of its first seed, best AUC first; None where there is none."""
    systems = {}
    for row in rows:
        if row.runs:
            kept = store.shown(row.name, min(row.runs))
            if "reconstructions" in kept:
                systems[row.name] = Kept(kept["reconstructions"])
    return systems_picture(exam.samples(), systems, systems_across=True) if systems else None


class Kept:
    """A system of which only the reconstructions of the pictured images are left."""

    def __init__(self, reconstructions: Tensor) -> None:
        self.reconstructions = reconstructions

    def reconstruct(self, images: Tensor) -> Tensor:
        """Those of the pictured images, whatever is asked."""
        return self.reconstructions
