"""Tables of an evaluation, for the terminal (rich) and for Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from squidlib.benchmark.evaluate import Evaluation, Row
from squidlib.detection.metrics import Interval

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

Cells = list[list[str]]


def auc_cells(evaluations: Sequence[Evaluation]) -> Cells:
    """Header and one row a score and baseline.

    One run: AUC with its 95 % interval below; several: mean ± standard deviation over the runs.
    """
    first = evaluations[0]
    kinds = list(next(iter(first.scores.values())).kinds)
    cells = [["score", *kinds, "mean of types", "all"]]
    chosen = {run.default for run in evaluations}
    groups = [[(name, [run.scores[name] for run in evaluations]) for name in first.scores]]
    if len(chosen) > 1:  # each run chose for itself
        groups.insert(0, [("each run's (default)", [run.scores[run.default] for run in evaluations])])
    groups.append([(name, [run.baselines[name] for run in evaluations]) for name in first.baselines])
    for group in groups:
        for name, rows in group:
            title = f"{name} (default)" if chosen == {name} else name
            if len(rows) > 1 and all(row == rows[0] for row in rows):  # a baseline without a seed
                cells.append([title, *(_numbers([rows[0].kinds[kind].value]) for kind in kinds), *_plain_ends(rows[0])])
            else:
                cells.append([title, *(_spread([row.kinds[kind] for row in rows]) for kind in kinds), *_ends(rows)])
    return cells


def decision_cells(evaluations: Sequence[Evaluation]) -> Cells:
    """Header and rows of what the calibrated and the oracle threshold give."""
    rate = evaluations[0].false_positive_rate
    fields = ("accuracy", "f1", "sensitivity", "specificity")
    cells = [["threshold", *fields]]
    for title, name in (
        (f"{rate:.0%} of calibration normals above", "decision"),
        ("oracle (chosen on test labels)", "oracle"),
    ):
        decisions = [getattr(run, name) for run in evaluations]
        cells.append([title, *(_numbers([getattr(decision, field) for decision in decisions]) for field in fields)])
    return cells


def localisation_cells(evaluations: Sequence[Evaluation]) -> Cells:
    """Header and rows: detected share, worst tile, pixel AUC for each kind."""
    kinds = list(evaluations[0].pixel_auc)
    cells = [["localisation", *kinds]]
    for title, name in (
        ("detected at that threshold", "detected"),
        ("worst tile is a wrong tile, of the detected", "worst_tile"),
        ("pixel AUC of the anomaly map", "pixel_auc"),
    ):
        cells.append([title, *(_numbers([getattr(run, name)[kind] for run in evaluations]) for kind in kinds)])
    return cells


def same_source_cells(evaluations: Sequence[Evaluation]) -> Cells:
    """Header and rows: the default score's AUC among images of one source, and how many those are."""
    contrasts = evaluations[0].same_source
    cells = [["within one source", *contrasts]]
    cells.append(
        ["default score", *(_spread([run.same_source[name].auc for run in evaluations]) for name in contrasts)]
    )
    cells.append(["images", *(f"{found.normal} normal, {found.abnormal} abnormal" for found in contrasts.values())])
    return cells


def markdown(cells: Cells) -> str:
    """A Markdown table."""
    rule = ["---", *("--:" for _ in cells[0][1:])]
    return "\n".join(
        "| " + " | ".join(cell.replace("\n", "<br>") for cell in row) + " |" for row in (cells[0], rule, *cells[1:])
    )


def rich_table(cells: Cells, title: str) -> Table:
    """A table for the terminal."""
    from rich.table import Table

    table = Table(title=title, title_justify="left")
    for index, name in enumerate(cells[0]):
        table.add_column(name, justify="right" if index else "left", no_wrap=not index)
    for row in cells[1:]:
        table.add_row(*row, style="bold" if "(default)" in row[0] else None)
    return table


def wide_console() -> Console:
    """The terminal as it is; into files and pipes, which have no width, lines of 140 characters."""
    from rich.console import Console

    console = Console()
    return console if console.is_terminal else Console(width=140)


def _spread(intervals: list[Interval]) -> str:
    if len(intervals) == 1:
        return f"{intervals[0].value:.3f}\n{intervals[0].low:.3f}-{intervals[0].high:.3f}"
    return _numbers([interval.value for interval in intervals])


def _ends(rows: list[Row]) -> tuple[str, str]:
    return _numbers([row.mean for row in rows]), _spread([row.overall for row in rows])


def _plain_ends(row: Row) -> tuple[str, str]:
    return _numbers([row.mean]), _numbers([row.overall.value])


def over_runs(values: Sequence[float]) -> str:
    """Mean ± standard deviation (n - 1); one number where all are the same, as of a method without a seed."""
    return _numbers(list(values) if len(set(values)) > 1 else [values[0]])


def _numbers(values: list[float]) -> str:
    # numpy's, for values may be NaN, at which statistics.stdev breaks down
    return f"{values[0]:.3f}" if len(values) == 1 else f"{np.mean(values):.3f} ± {np.std(values, ddof=1):.3f}"
