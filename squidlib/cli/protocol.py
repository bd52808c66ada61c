"""``squid evaluate --protocol``: runs under one way of testing, in one table."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from squidlib.baselines import Method
    from squidlib.benchmark.protocols import Tested
    from squidlib.data.base import Dataset


def evaluate_protocol(
    names: Sequence[str], protocol: str, rate: float, device: str, folder: Path | None = None
) -> dict[str, list[Tested]]:
    """Every run on every test set of the protocol: test set -> what each run did on it.

    Runs of the protocol "series" may be trained on different series; each is tested with the others' normals.

    Args:
        folder: of the data set's files, where they are no longer where the runs found them.

    Raises:
        UserError: where the data of a run cannot be tested so.
    """
    from squidlib.benchmark.protocols import sets_of, tested
    from squidlib.data.registry import open_dataset
    from squidlib.detection.checkpoint import load
    from squidlib.training.devices import resolve_device

    moved = {} if folder is None else {"folder": str(folder.resolve())}
    found: dict[str, list[Tested]] = {}
    known: dict[str, tuple[Dataset, list[Method]]] = {}
    for name in names:
        detector = load(name, resolve_device(device))
        data = open_dataset(detector.metadata | moved, 0)
        told = json.dumps(data.settings, sort_keys=True)
        if told not in known:
            known[told] = data, _baselines(data, detector.config.grid)
        data, baselines = known[told]
        for title, test in sets_of(protocol, data):
            found.setdefault(title, []).append(tested(detector, test, rate, baselines))
    return found


def _baselines(data: Dataset, grid: int | tuple[int, int]) -> list[Method]:
    """The strongest simple methods, fitted to the training images."""
    from squidlib.benchmark.evaluate import naive_baselines, pretrained_baselines

    reference = data.reference()
    methods = [*naive_baselines(grid, len(reference)), *(pretrained_baselines() if data.photographic else [])]
    return [method.fit(reference) for method in methods]


def print_protocol(found: dict[str, list[Tested]], rate: float) -> None:
    """One row a test set: AUC, what normal images suffer, what abnormal ones, and the simple methods beside."""
    from squidlib.benchmark.tables import rich_table, wide_console

    runs = max(map(len, found.values()))
    what = "AUC, its 95 % interval" if runs == 1 else "AUC, mean ± deviation over the runs"
    title = f"{what}; shares of images above the threshold of {rate:.0%}"
    wide_console().print(rich_table(protocol_cells(found), title))


def protocol_cells(found: dict[str, list[Tested]]) -> list[list[str]]:
    """Header and rows of the table."""
    methods = list(next(iter(found.values()))[0].baselines)
    cells = [["test images", "normal + abnormal", "AUC", "false alarms", "found", "unlike", *methods]]
    for title, rows in found.items():
        first = rows[0]
        interval = f"{first.auc.value:.3f} ({first.auc.low:.3f}-{first.auc.high:.3f})"
        cells.append(
            [
                title,
                " + ".join(map(str, first.images)),
                interval if len(rows) == 1 else _spread([row.auc.value for row in rows]),
                *(_spread([getattr(row, share) for row in rows]) for share in ("false_alarms", "detected", "unlike")),
                *(_spread([row.baselines[name] for row in rows]) for name in methods),
            ]
        )
    return cells


def _spread(values: Sequence[float]) -> str:
    """Mean ± standard deviation; one number where all are the same."""
    mean = float(np.mean(values))
    return f"{mean:.3f}" if len(set(values)) == 1 else f"{mean:.3f} ± {float(np.std(values, ddof=1)):.3f}"


def as_json(found: dict[str, list[Tested]], names: Sequence[str]) -> dict[str, Any]:
    """Test set -> run -> figures. Where runs have other test sets, each stands below its own."""
    return {title: [row.as_json() for row in rows] for title, rows in found.items()} | {"runs": list(names)}
