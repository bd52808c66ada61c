"""Figures: the few kinds of picture that the lessons are made of, all in one look.

White background (so that they read in a dark notebook too), colours of Okabe and Ito (safe for colour-blind readers)
with a marker or dash of its own for each, titles that say what is to be seen. Each function returns a figure for
``show(figure, alt=...)``.
"""

from __future__ import annotations

import base64
import io
import os
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike
from torch import Tensor

from squidlib.utils import palette
from squidlib.utils.figure_text import log_ticks, overlapping

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

CHECKED = "KIT_CHECK_FIGURES"  #: set where lessons are built and tested
MAP_COLOURS = "magma"  # perceptually uniform and safe for colour-blind readers
NORMAL_COLOUR, ABNORMAL_COLOUR = palette.NORMAL, palette.ABNORMAL
COLOURS = (NORMAL_COLOUR, ABNORMAL_COLOUR, "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")  #: Okabe and Ito's
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
DASHES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1)), (0, (1, 1)))


def panels(rows: int = 1, columns: int = 1, width: float = 4.2, height: float = 3.0) -> tuple[Figure, Any]:
    """An empty figure and its axes (rows, columns), each ``width`` x ``height`` inches."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width * columns, height * rows), layout="constrained", facecolor="white")
    return figure, figure.subplots(rows, columns, squeeze=False)


def image_grid(
    rows: Mapping[str, Sequence[Tensor] | Tensor],
    titles: Sequence[str] = (),
    maps: Sequence[str] = (),
    title: str = "",
    side: float = 1.35,
) -> Figure:
    """Images (1, H, W), (3, H, W) or (H, W) in 0..1, a row for each name.

    Args:
        rows: what stands at the left -> its images.
        titles: above the columns.
        maps: names of the rows that hold anomaly maps; each of them is drawn in colour, on one scale.
        side: inches of one image.
    """
    from matplotlib.figure import Figure

    columns = max(len(images) for images in rows.values())
    extra = 0.35 + (0.35 if title else 0)
    figure = Figure(figsize=(side * columns + 1.0, side * len(rows) + extra), layout="constrained", facecolor="white")
    axes = figure.subplots(len(rows), columns, squeeze=False)
    for row, (name, images) in zip(axes, rows.items(), strict=True):
        brightest = max(float(image.max()) for image in images) if name in maps else 1.0
        for axis, image in zip(row, images, strict=False):
            axis.imshow(as_picture(image), cmap=MAP_COLOURS if name in maps else "gray", vmin=0, vmax=brightest)
        for axis in row:
            axis.set(xticks=[], yticks=[])
        for axis in row[len(images) :]:
            axis.set_axis_off()
        row[0].set_ylabel(name, fontsize=9)
    for axis, text in zip(axes[0], titles, strict=False):
        axis.set_title(text, fontsize=9)
    figure.suptitle(title, fontsize=11)
    return figure


def as_picture(image: Tensor) -> Tensor:
    """An image (1, H, W), (3, H, W) or (H, W) as matplotlib draws it: grey (H, W), colour (H, W, 3)."""
    return image.movedim(0, -1) if image.ndim == 3 and len(image) == 3 else image.squeeze()


def curves(
    x: ArrayLike,
    lines: Mapping[str, ArrayLike],
    title: str,
    x_label: str,
    y_label: str,
    deviations: Mapping[str, ArrayLike] | None = None,
    axis: Axes | None = None,
    log_x: bool = False,
) -> Figure:
    """Lines over one x, each with a marker, a dash and a colour (``palette``), and a band of ± its deviation."""
    figure, axis = _figure_of(axis)
    places = np.asarray(x, dtype=float)
    for (name, values), (colour, marker, dash) in zip(lines.items(), _looks(lines), strict=True):
        y = np.asarray(values, dtype=float)
        axis.plot(places, y, color=colour, marker=marker, linestyle=dash, markersize=4, label=name)
        if deviations is not None and name in deviations:
            band = np.asarray(deviations[name], dtype=float)
            axis.fill_between(places, y - band, y + band, color=colour, alpha=0.15, linewidth=0)
    if log_x:
        axis.set_xscale("log")
        axis.set_xticks(*log_ticks(places.tolist()))
        axis.set_xticks([], minor=True)
    _dress(axis, title, x_label, y_label, legend=len(lines) > 1)
    return figure


def histograms(
    groups: Mapping[str, ArrayLike],
    title: str,
    x_label: str,
    threshold: float | None = None,
    bins: int = 40,
    axis: Axes | None = None,
) -> Figure:
    """Shares of each group over the same bins; a dotted line at the threshold."""
    figure, axis = _figure_of(axis)
    every = np.concatenate([np.asarray(values, dtype=float).ravel() for values in groups.values()])
    edges = np.histogram_bin_edges(every, bins=bins)
    for (name, values), (colour, _, dash) in zip(groups.items(), _looks(groups), strict=True):
        numbers = np.asarray(values, dtype=float).ravel()
        weights = np.full(len(numbers), 1 / len(numbers))
        axis.hist(numbers, bins=edges.tolist(), weights=weights, color=colour, alpha=0.25)
        axis.hist(numbers, bins=edges.tolist(), weights=weights, color=colour, histtype="step", ls=dash, label=name)
    if threshold is not None:
        axis.axvline(threshold, color="black", linestyle=":", label="threshold")
    axis.locator_params(axis="x", nbins=4)
    _dress(axis, title, x_label, "share of images", legend=True)
    return figure


def bars(
    values: Mapping[str, float],
    title: str,
    x_label: str,
    deviations: Mapping[str, float] | None = None,
    reference: float | None = None,
    axis: Axes | None = None,
    subject: Collection[str] = (),
) -> Figure:
    """A horizontal bar for each name, the first at the top; a dotted line at ``reference`` (chance, say).

    Args:
        subject: names that the chart is about; the others are drawn pale. Without any, all are alike.
    """
    figure, axis = _figure_of(axis, height=0.8 + 0.34 * len(values), width=6.4)
    names = list(values)
    errors = None if deviations is None else [deviations.get(name, 0.0) for name in names]
    colours = [palette.NETWORK if name in subject or not subject else palette.COMPARED for name in names]
    axis.barh(names, [values[name] for name in names], xerr=errors, color=colours, edgecolor="black", linewidth=0.6)
    for place, name in enumerate(names):
        end, box = values[name] + (errors[place] if errors else 0), {"fc": "white", "ec": "none", "pad": 0.3}
        axis.annotate(f"{values[name]:.2f}", (end, place), (4, 0), textcoords="offset points", va="center", bbox=box)
    axis.invert_yaxis()
    if reference is not None:
        axis.axvline(reference, color="black", linestyle=":")
    axis.margins(x=0.15)
    _dress(axis, title, x_label, "", legend=False)
    return figure


def points(
    groups: Mapping[str, ArrayLike],
    title: str,
    axis: Axes | None = None,
    size: float = 14,
    legend: bool = True,
) -> Figure:
    """Scattered points (N, 2) of each group, each with a marker and a colour of its own."""
    figure, axis = _figure_of(axis)
    for (name, places), (colour, marker, _) in zip(groups.items(), _looks(groups), strict=True):
        array = np.asarray(places, dtype=float)
        axis.scatter(array[:, 0], array[:, 1], s=size, color=colour, marker=marker, alpha=0.6, lw=0, label=name)
    axis.set(xticks=[], yticks=[])
    _dress(axis, title, "", "", legend=legend)
    return figure


def _looks(names: Collection[str]) -> list[tuple[str, str, Any]]:
    """Colour by meaning, marker and dash by place, of each name."""
    looks = enumerate(palette.colours_of(names))
    return [(colour, MARKERS[place % len(MARKERS)], DASHES[place % len(DASHES)]) for place, colour in looks]


def _figure_of(axis: Axes | None, width: float = 6.0, height: float = 3.4) -> tuple[Any, Any]:
    if axis is not None:
        return axis.figure, axis
    figure, axes = panels(width=width, height=height)
    return figure, axes[0, 0]


def _dress(axis: Axes, title: str, x_label: str, y_label: str, legend: bool) -> None:
    axis.set_title(title, fontsize=10)
    axis.set_xlabel(x_label)
    axis.set_ylabel(y_label)
    axis.spines[["top", "right"]].set_visible(False)
    if legend:
        axis.legend(fontsize=8, frameon=False, loc="upper left", bbox_to_anchor=(1, 1))  # beside the data


def png(figure: Figure, dpi: int = 100, whole: bool = False) -> bytes:
    """A figure as a PNG file; ``whole``: as large as its texts need, and not as planned, which moving pictures want."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=dpi, bbox_inches="tight" if whole else None, pad_inches=0.06)
    return buffer.getvalue()


def show(figure: Figure, alt: str) -> None:
    """Display a figure in a notebook, with a text for readers who do not see it; no matplotlib backend is needed.

    Raises ValueError where text lies over text, and KIT_CHECK_FIGURES asks for a check."""
    from IPython.display import display

    if os.environ.get(CHECKED) and (flaws := overlapping(figure)):
        raise ValueError(f"texts of this figure cannot be read: {'; '.join(flaws)}")
    data = base64.b64encode(png(figure, whole=True)).decode()
    display({"image/png": data, "text/plain": alt}, metadata={"image/png": {"alt": alt}}, raw=True)
