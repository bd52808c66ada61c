"""Methods picture: what each method makes of a normal image and of each anomaly, as on the paper's slides.

A method is anything with ``reconstruct(images)``; one more in the mapping is one more row (or column).

Pictures of a benchmark: AUC of all methods, and what those that reconstruct make of a few images.

The second shows what every method reconstructs, a column each.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor

from digitanatomy import GRID, KINDS, TILE_SIZE, DigitAnatomy, Sample
from squidlib.benchmark.paper_table import PAPER
from squidlib.benchmark.registry import SQUID
from squidlib.benchmark.store import Store
from squidlib.benchmark.summary import Row
from squidlib.data.base import TestSet
from squidlib.utils import palette
from squidlib.utils.plotting import ABNORMAL_COLOUR, image_grid, panels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@runtime_checkable
class Reconstructs(Protocol):
    """What a method has to offer to be shown."""

    def reconstruct(self, images: Tensor) -> Tensor:
        """(B, 1, H, W) in 0..1 -> the same."""
        ...


def first_of_each_type(test: DigitAnatomy) -> list[Sample]:
    """The first image of each anomaly type that the set has: chosen before anything is scored."""
    return [test[test.kinds.index(kind)] for kind in KINDS if kind in test.kinds]


def methods_picture(
    samples: Sequence[Sample],
    methods: Mapping[str, Reconstructs],
    title: str = "",
    methods_across: bool = False,
) -> Figure:
    """Inputs and every method's reconstructions; what is truly wrong in an input is outlined.

    Args:
        samples: one of each anomaly type, say.
        methods: name -> method, in the order of the rows.
        title: above the figure.
        methods_across: a column for each method and a row for each sample, in place of the other way round.

    Raises:
        ValueError: where there is no sample.
    """
    if not samples:
        raise ValueError("at least one sample is needed, got 0")
    images = torch.stack([sample.image for sample in samples])
    shown = {"input": images} | {name: method.reconstruct(images) for name, method in methods.items()}
    kinds = [sample.kind.capitalize() for sample in samples]
    if methods_across:
        rows = {kind: [column[index] for column in shown.values()] for index, kind in enumerate(kinds)}
        figure = image_grid(rows, titles=list(shown), title=title)
    else:
        figure = image_grid(shown, titles=kinds, title=title)
    step = len(shown) if methods_across else 1
    for index, sample in enumerate(samples):
        _outline(figure.axes[index * step], sample.wrong)
    return figure


def _outline(axis: Axes, wrong: Tensor) -> None:
    from matplotlib.patches import Rectangle

    for tile in torch.nonzero(wrong).flatten().tolist():
        corner = (tile % GRID * TILE_SIZE - 0.5, tile // GRID * TILE_SIZE - 0.5)
        axis.add_patch(
            Rectangle(corner, TILE_SIZE, TILE_SIZE, fill=False, edgecolor=ABNORMAL_COLOUR, linewidth=2, clip_on=False)
        )


if TYPE_CHECKING:
    from matplotlib.figure import Figure

_OWN, _OTHERS, _NAIVE = palette.NETWORK, palette.PLAIN, "black"


def auc_chart(rows: Sequence[Row], dataset: str, told: str = "") -> Figure:
    """Mean AUC ± standard deviation over seeds, best at the top; SQUID and naive methods have their colour and marker.

    Args:
        told: what tells this benchmark from others of the data set, behind its name.

    Raises:
        ValueError: where no method has results.
    """
    rows = [row for row in rows if row.runs]
    if not rows:
        raise ValueError("at least one method with results is needed for a chart")
    figure, axes = panels(width=6.4, height=1.3 + 0.27 * len(rows))
    axis, paper = axes[0, 0], PAPER.get(dataset, {})
    looks = {
        "SQUID": (_OWN, "D", [row for row in rows if row.name == SQUID]),
        "other methods": (_OTHERS, "o", [row for row in rows if row.name != SQUID and not row.naive]),
        "naive: learns (next to) nothing": (_NAIVE, "s", [row for row in rows if row.naive]),
    }
    heights = {row.name: height for height, row in enumerate(rows)}
    for label, (colour, marker, group) in looks.items():
        if group:
            means = [row.mean("auc", "mean") for row in group]
            stds = [float(np.std(row.values("auc", "mean"), ddof=1)) if len(row.runs) > 1 else 0 for row in group]
            axis.errorbar(
                means, [heights[row.name] for row in group], xerr=stds, fmt=marker, color=colour, capsize=3,
                markersize=7, label=label, mfc="white" if marker == "s" else colour,
                mec="black" if colour == _OWN else colour, zorder=3,
            )  # fmt: skip
    printed = [(float(paper[row.name].auc.split("±")[0]) / 100, heights[row.name]) for row in rows if row.name in paper]
    if printed:
        axis.plot(*zip(*printed, strict=True), "x", color="0.6", label="as the paper prints it", zorder=0)
    axis.axvline(0.5, color="black", linestyle=":", linewidth=1)
    axis.annotate(" chance", (0.5, -0.9), fontsize=9, va="center")
    axis.set_yticks(range(len(rows)), [row.name for row in rows], fontsize=10)
    for label_of, row in zip(axis.get_yticklabels(), rows, strict=True):
        label_of.set_fontweight("bold" if row.name == SQUID else "normal")
    axis.set_ylim(len(rows) - 0.4, -1.4)
    seeds = max(len(row.runs) for row in rows)
    axis.set_xlabel("AUC, one seed" if seeds == 1 else f"AUC, mean ± standard deviation over up to {seeds} seeds")
    which = f"{dataset}{told}:\n" if told else f"{dataset}: "
    axis.set_title(f"{which}every method, the same time to fit", fontsize=11)
    axis.grid(axis="x", color="0.9")
    axis.set_axisbelow(True)
    axis.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside lower center", ncols=2, fontsize=9, frameon=False)
    return figure


def reconstructions_picture(rows: Sequence[Row], store: Store, test_set: TestSet) -> Figure | None:
    """A column for each method that reconstructs, of its first seed, best AUC first; None where there is none."""
    methods = {}
    for row in rows:
        if row.runs:
            kept = store.shown(row.name, min(row.runs))
            if "reconstructions" in kept:
                methods[row.name] = Kept(kept["reconstructions"])
    return methods_picture(test_set.samples(), methods, methods_across=True) if methods else None


class Kept:
    """A method of which only the reconstructions of the pictured images are left."""

    def __init__(self, reconstructions: Tensor) -> None:
        self.reconstructions = reconstructions

    def reconstruct(self, images: Tensor) -> Tensor:
        """Those of the pictured images, whatever is asked."""
        return self.reconstructions
