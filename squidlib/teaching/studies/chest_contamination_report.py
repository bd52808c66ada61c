"""The contamination study on X-rays as tables and a figure: AUC against the share of normal training images."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from squidlib.teaching.studies.chest_contamination import aucs, cells, methods_of
from squidlib.teaching.studies.results import Stored

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def write_report(folder: Path, stored: Stored, shares: list[int], name: str) -> None:
    """Write table.md, table.csv, figure.svg and figure.png of all that is stored for these shares, and print the table.

    Args:
        shares: per cent of normal training images, highest first.
        name: of the data set.
    """
    from squidlib.benchmark.tables import markdown, rich_table, wide_console
    from squidlib.utils.safetensors_io import write_atomically

    if not stored.runs:
        return
    rows = cells(stored.runs, shares)
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    steps = stored.metadata["steps"]
    head = (
        f"{name}: {stored.metadata['images']} training images, {steps['SQUID']} steps of SQUID, "
        f"{steps['baselines']} of MemAE and the auto-encoder; AUC, mean ± standard deviation of the seeds"
    )
    write_atomically(folder / "table.md", f"{head}\n\n{markdown(rows)}\n".encode())
    write_atomically(folder / "table.csv", text.getvalue().encode())
    figure = _figure(stored.runs, shares, name)
    for kind in ("svg", "png"):
        content = io.BytesIO()
        figure.savefig(content, format=kind, dpi=150)
        write_atomically(folder / f"figure.{kind}", content.getvalue())
    wide_console().print(rich_table(rows, head))


def _figure(runs: dict[str, dict[str, Any]], shares: list[int], name: str) -> Figure:
    """A line with a band of ± standard deviation for each method; single scores of SQUID stand in the table only."""
    from squidlib.utils.plotting import curves

    means: dict[str, list[float]] = {}
    deviations: dict[str, list[float]] = {}
    for method in methods_of(runs):
        values = [aucs(runs, method, share) for share in shares]
        means[method] = [float(np.mean(own)) if own else float("nan") for own in values]
        deviations[method] = [float(np.std(own, ddof=1)) if len(own) > 1 else 0.0 for own in values]
    title = f"{name}: what unlabelled abnormal training images cost"
    figure = curves(shares, means, title, "normal images in training (%)", "AUC, mean ± standard deviation", deviations)
    (axis,) = figure.axes
    inside = axis.get_legend()
    if inside is not None:  # lines are everywhere: it belongs outside
        inside.remove()
    figure.legend(loc="outside right center", fontsize=8, frameon=False)
    axis.axhline(0.5, color="0.4", linestyle=":", linewidth=1)  # chance
    axis.invert_xaxis()  # clean at the left, as in the paper
    return figure
