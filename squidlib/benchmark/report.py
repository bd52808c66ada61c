"""Report: the tables of a benchmark in Markdown, CSV and JSON."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from squidlib.benchmark.evaluate import FALSE_POSITIVE_RATE
from squidlib.benchmark.figures import sealed
from squidlib.benchmark.paper_table import NOTES, PAPER, PaperRow
from squidlib.benchmark.registry import SQUID
from squidlib.benchmark.summary import Row, spread
from squidlib.benchmark.tables import Cells, markdown

CLOCK = (
    " Seconds are the processor's own: waiting for other work is not counted. But other work slows a step (shared "
    "caches and memory), so seeds may differ in steps, too, and the standard deviation over seeds contains that."
)
DECISION = ("accuracy", "f1", "sensitivity", "specificity")


def as_markdown(rows: Sequence[Row], settings: dict[str, Any]) -> str:
    """All tables, with what has to be known to read them."""
    counts = ", ".join(f"{count} {anomaly_type}" for anomaly_type, count in settings["test_images"].items())
    seeds = sorted({seed for row in rows for seed in row.runs})
    parts = [
        f"# Benchmark: {settings['data']}{told_apart(settings)}",
        f"Test images: {counts}. {_plural(len(seeds), 'seed')}; mean ± standard deviation over seeds. Every method had "
        f"the same training images and {60 * settings['minutes_each']:g} s to fit ({settings['device']}), planned to "
        "be filled by those that are trained step by step; no method sees a label. † learns nothing or next to "
        "nothing: what the others have to beat.",
        markdown(_bold(auc_cells(rows, settings["data"]))),
        *_notes(rows, settings["data"]),
        f"## At a threshold\n\nCalibrated: the score that {FALSE_POSITIVE_RATE:.0%} of held-out normal images exceed. "
        "Oracle: the threshold of highest accuracy on the test labels themselves, an upper bound and no result.",
        markdown(_bold(decision_cells(rows))),
        "## What it costs\n\nSteps are planned with a short trial so that they fill the time. Peak memory is that "
        "of the whole process, data included. Parameters are the weights of all networks that a method holds (PANDA "
        "holds the pretrained one twice); stored images, memories and Gaussians are not counted."
        f"{_clock(rows)}{_duration(rows)}",
        markdown(_bold(cost_cells(rows))),
    ]
    failed = [f"- {row.name}, seed {seed}: {text}" for row in rows for seed, text in row.failures.items()]
    if failed:
        parts.append("## What failed\n\n" + "\n".join(failed))
    return "\n\n".join(parts) + "\n"


def told_apart(settings: dict[str, Any]) -> str:
    """What a benchmark was asked for besides its data set, as words behind its name."""
    said = [f", learned from the series {settings['series']}"] if "series" in settings else []
    if "hand" in settings:
        said.append(f", each image by one hand ({settings['hand']:g} of 1)")
    return "".join(said)


def auc_cells(rows: Sequence[Row], dataset: str) -> Cells:
    """AUC by anomaly type and mean, localisation if there is any, difference to SQUID, and the paper's AUC, Acc, F1."""
    done = [row for row in rows if row.runs]
    types = [anomaly_type for anomaly_type in _anomaly_types(done) if anomaly_type not in ("mean", "all")]
    several, localised = len(types) > 1, any(row.values("pixel_auc", "mean") for row in rows)
    paper = PAPER.get(dataset)
    header = ["method", "seeds", *(types if several else []), "AUC"]
    header += ["pixel AUC"] if localised else []
    header += ["minus SQUID", "p (Holm)"] + (["paper: AUC %", "Acc %", "F1 %"] if paper is not None else [])
    cells = [header]
    for row in rows:
        numbers = [spread(row.values("auc", anomaly_type)) for anomaly_type in [*(types if several else []), "mean"]]
        numbers += [spread(row.values("pixel_auc", "mean"))] if localised else []
        line = [_title(row), _seeds(row), *numbers, *_compared(row)]
        if paper is not None:
            line += [*paper.get(row.name, PaperRow("–", "–", "–"))]
        cells.append(line)
    return cells


def decision_cells(rows: Sequence[Row]) -> Cells:
    """What the calibrated threshold gives, and accuracy and F1 at the oracle's."""
    cells = [["method", *(f"{name} (calibrated)" for name in DECISION), "accuracy (oracle)", "f1 (oracle)"]]
    for row in rows:
        if row.runs:
            found = [spread(row.values("calibrated", name)) for name in DECISION]
            cells.append([_title(row), *found, *(spread(row.values("oracle", name)) for name in DECISION[:2])])
    return cells


def cost_cells(rows: Sequence[Row]) -> Cells:
    """Steps, seconds, images a second, parameters, memory: means over seeds."""
    cells = [["method", "steps", "fit (s)", "scores images/s", "parameters (M)", "peak memory (GB)", "GPU peak (GB)"]]
    for row in rows:
        if row.runs:
            numbers = [(("steps",), 1.0, 0), (("fit_seconds",), 1.0, 0), (("images_a_second",), 1.0, 0)]
            numbers += [(("parameters",), 1e6, 2), (("peak_memory_bytes",), 1e9, 2), (("peak_cuda_bytes",), 1e9, 2)]
            cells.append([_title(row), *(_number(row.mean(*path) / unit, digits) for path, unit, digits in numbers)])
    return cells


def as_csv(rows: Sequence[Row]) -> str:
    """One line a method and seed, every figure in a column of its own."""
    lines = [
        {"method": row.name, "seed": seed, "family": row.family} | _flat(figures)
        for row in rows
        for seed, figures in row.runs.items()
    ]
    lines += [
        {"method": row.name, "seed": seed, "family": row.family, "failure": text}
        for row in rows
        for seed, text in row.failures.items()
    ]
    columns = list(dict.fromkeys(key for line in lines for key in line))
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return buffer.getvalue()


def as_json(rows: Sequence[Row], settings: dict[str, Any]) -> str:
    """Everything, to compute with, and its hash."""
    methods = []
    for row in rows:
        plain = asdict(row) | {"comparison": row.comparison._asdict() if row.comparison else None}
        paper = PAPER.get(settings["data"], {}).get(row.name)
        methods.append(plain | {"paper": paper._asdict() if paper else None})
    return json.dumps(sealed({"settings": settings, "methods": methods}), indent=1) + "\n"


def _anomaly_types(rows: Sequence[Row]) -> list[str]:
    return list(next(iter(rows[0].runs.values()))["auc"]) if rows else []


def _title(row: Row) -> str:
    return f"{row.title}{' †' if row.naive else ''}"


def _bold(cells: Cells) -> Cells:
    """SQUID's row, for Markdown."""
    return [[f"**{line[0]}**", *line[1:]] if line[0] == SQUID else line for line in cells]


def _seeds(row: Row) -> str:
    failed = f"{len(row.failures)} failed" if row.failures else ""
    return ", ".join(part for part in (str(len(row.runs)) if row.runs else "", failed) if part)


def _compared(row: Row) -> list[str]:
    if row.comparison is None or row.corrected_p is None:
        return ["–", "–"]
    p = "< 0.001" if row.corrected_p < 0.001 else f"{row.corrected_p:.3f}"
    return [f"{row.comparison.difference:+.3f}", p]


def _notes(rows: Sequence[Row], dataset: str) -> list[str]:
    notes = []
    if any(row.comparison for row in rows):
        notes.append(
            "p: paired test of the difference to SQUID's mean AUC on the same images (DeLong's variance of "
            "placements averaged over seeds, plus the variance over seeds), corrected by Holm over all methods "
            "compared here. With one seed the variance between trainings is unknown and left out."
        )
    if any(row.values("pixel_auc", "mean") for row in rows):
        notes.append(
            "Pixel AUC: of all pixels of the images of one anomaly type, wrong ones against the rest; mean of types."
        )
    return [*notes, *([NOTES[dataset]] if dataset in NOTES else [])]


def _clock(rows: Sequence[Row]) -> str:
    alone = any(run["threads"] == 1 and run["device"] == "cpu" for row in rows for run in row.runs.values())
    return CLOCK if alone else ""


def _duration(rows: Sequence[Row]) -> str:
    seconds = [run["job_seconds"] for row in rows for run in row.runs.values() if "job_seconds" in run]
    if not seconds:
        return ""
    hours = sum(seconds) / 3600
    taken = f"{hours:.1f} h" if hours >= 1 else f"{60 * hours:.1f} min"
    return f" All {len(seconds)} jobs, one after another, trials and scoring included, took {taken}."


def _flat(figures: dict[str, Any], before: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in figures.items():
        if isinstance(value, dict):
            found |= _flat(value, f"{before}{key}.")
        else:
            found[before + key] = value
    return found


def _number(value: float, digits: int) -> str:
    return "–" if np.isnan(value) else f"{value:,.{digits}f}"


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
