"""``squid evaluate --protocol``: runs under one way of testing, in one table."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    from squidlib.baselines import Method
    from squidlib.benchmark.protocols import Outcome, ProtocolRow


def evaluate_protocol(
    names: Sequence[str], protocol: str, rate: float, device: str, folder: Path | None = None
) -> dict[str, list[ProtocolRow]]:
    """Every run on every test set of the protocol: test set -> what each run did on it.

    Runs of the protocol "series" may be trained on different series; each is tested with the others' normals.

    Args:
        folder: of the data set's files, where they are no longer where the runs found them.

    Raises:
        UserError: where the data of a run cannot be tested so.
    """
    from squidlib.benchmark.protocols import outcome, sets_of, summed_up
    from squidlib.benchmark.simple_methods import simple_methods
    from squidlib.cli.evaluate import note_changes
    from squidlib.data.registry import reopen
    from squidlib.detection.checkpoint import load
    from squidlib.training.devices import resolve_device

    found: dict[str, list[Outcome]] = {}
    fitted: dict[str, list[Method]] = {}
    scored: dict[tuple[str, str], dict[str, np.ndarray]] = {}  # once for all runs that were trained on the same images
    for name in names:
        detector = load(name, resolve_device(device))
        data = reopen(detector.metadata, 0, folder)
        note_changes(name, detector, data)
        told = json.dumps([data.settings, detector.config.grid], sort_keys=True)
        if told not in fitted:
            fitted[told] = [method.fit(data.reference()) for method in simple_methods(data, detector.config.grid)]
        for title, test in sets_of(protocol, data):
            if (told, title) not in scored:
                scored[told, title] = {
                    method.name: method.score(test.images).double().cpu().numpy() for method in fitted[told]
                }
            found.setdefault(title, []).append(outcome(detector, test, rate, scored[told, title]))
            print(f"{name}: {title}", file=sys.stderr)
    return {title: summed_up(runs) for title, runs in found.items()}


def print_protocol(found: dict[str, list[ProtocolRow]], rate: float) -> None:
    """One row a test set: AUC, what normal images suffer, what abnormal ones, and the simple methods beside."""
    from squidlib.benchmark.protocols import protocol_cells
    from squidlib.benchmark.tables import rich_table, wide_console

    runs = max(map(len, found.values()))
    what = "AUC, its 95 % interval" if runs == 1 else "AUC, mean ± standard deviation over the runs"
    title = (
        f"{what}; shares of images above the threshold of {rate:.0%}; p: of no difference to the "
        "method's AUC (DeLong's test, corrected by Holm)"
    )
    wide_console().print(rich_table(protocol_cells(found), title))


def as_json(found: dict[str, list[ProtocolRow]], names: Sequence[str]) -> dict[str, Any]:
    """Test set -> figures, one run after the other; and the runs."""
    return {title: [row.as_json() for row in rows] for title, rows in found.items()} | {"runs": list(names)}
