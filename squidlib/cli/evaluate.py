"""``squid evaluate``: tables for one run, or mean ± standard deviation over several, and a JSON file."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from tyro.conf import Positional

from squidlib.cli.choices import RunNames
from squidlib.utils.command import command
from squidlib.utils.errors import UserError

if TYPE_CHECKING:
    from squidlib.benchmark.evaluate import Evaluation
    from squidlib.benchmark.one_class import SharesAbove
    from squidlib.data.base import Dataset, TestSet
    from squidlib.detection.detector import Detector

#: Settings that say where images are found and how fast, not which: they may differ between runs of one table.
WHERE_AND_HOW = ("folder", "cache", "skip_bad")


@dataclass(frozen=True)
class Evaluate:
    """Evaluate runs on their data's test images: AUC by anomaly type with 95 % intervals, thresholds, localisation."""

    runs: Positional[RunNames]
    """Folders of finished runs, or names of shipped checkpoints; several give mean ± standard deviation."""
    json: Path | None = None
    """Where to write all figures; by default evaluation.json, or protocol_NAME.json, in the folder of a single run."""
    data: Path | None = None
    """The folder of the data set's files, where it is not where the runs found it."""
    rate: float = 0.05
    """Share of normal calibration images that the threshold may call abnormal."""
    protocol: Literal["patients", "series", "acquisition", "types", "pens"] | None = None
    """X-rays: patients (the test images), series (of others), acquisition (other machines), types. Digits: pens."""
    device: str = "auto"
    """auto (a CUDA GPU where there is one), cpu, cuda or mps."""

    def run(self) -> int:
        """Evaluate, print, write."""
        from squidlib.cli.device import check_device
        from squidlib.utils.safetensors_io import check_writable

        if not self.runs:
            raise UserError(
                f"name at least one run's folder or shipped checkpoint, such as: {command('evaluate', 'digitanatomy')}"
            )
        if not 0 < self.rate < 1:
            raise UserError(f"--rate lies between 0 and 1, got {self.rate}")
        check_device(self.device)
        if self.json is not None:
            if self.json.is_dir():
                raise UserError(f"--json {self.json} is a folder; a file name was expected")
            check_writable(self.json.parent)
        if self.protocol is not None:
            return self._by_protocol(self.protocol)
        evaluations = evaluate_runs(self.runs, self.rate, self.device, self.data)
        print_evaluations(evaluations, self.runs)
        path = self.json or self._beside("evaluation.json")
        if path is not None:
            write_json(path, dict(zip(self.runs, evaluations, strict=True)))
            print(f"all figures: {path}")
        return 0

    def _beside(self, name: str) -> Path | None:
        """A file in the folder of a single run; a shipped checkpoint has none, and several runs have several."""
        from squidlib.detection.checkpoint import MODEL_FILE

        single = len(self.runs) == 1 and (Path(self.runs[0]) / MODEL_FILE).is_file()
        return Path(self.runs[0]) / name if single else None

    def _by_protocol(self, protocol: str) -> int:
        from squidlib.cli.protocol import as_json, evaluate_protocol, print_protocol
        from squidlib.utils.safetensors_io import write_atomically

        found = evaluate_protocol(self.runs, protocol, self.rate, self.device, self.data)
        print_protocol(found, self.rate)
        path = self.json or self._beside(f"protocol_{protocol}.json")
        if path is not None:
            write_atomically(path, (json.dumps(as_json(found, self.runs), indent=2) + "\n").encode())
            print(f"all figures: {path}")
        return 0


def evaluate_run(name: str, rate: float, device: str, folder: Path | None = None) -> Evaluation:
    """Load a run and evaluate it on the test set of the data that it was trained on.

    Args:
        folder: of the data set's files, where they are no longer where the run found them.

    Raises:
        UserError: where the data set has no test images, or none of one class.
    """
    from squidlib.benchmark.one_class import SharesAbove

    found = evaluate_runs([name], rate, device, folder)[0]
    if isinstance(found, SharesAbove):
        raise UserError(f"{name}: {found.lines()[-1]}")
    return found


def evaluate_runs(
    names: Sequence[str], rate: float, device: str, folder: Path | None = None
) -> list[Evaluation | SharesAbove]:
    """Load runs and evaluate them on the one test set that all of them have.

    Returns:
        An evaluation of each run; where normal or abnormal test images are missing, what can be said without them.

    Raises:
        UserError: where the runs' data differ.
    """
    from squidlib.benchmark.evaluate import evaluate
    from squidlib.benchmark.one_class import shares_above
    from squidlib.data.registry import reopen
    from squidlib.detection.checkpoint import load
    from squidlib.training.devices import resolve_device

    detectors = [load(name, resolve_device(device)) for name in names]
    data = reopen(detectors[0].metadata, 0, folder)
    test = data.test()
    note_changes(names[0], detectors[0], data)
    for name, detector in zip(names[1:], detectors[1:], strict=True):
        other = reopen(detector.metadata, 0, folder)
        _check_same(names[0], _told(data, test), name, _told(other, other.test()))
        note_changes(name, detector, other)
    if test is None or not test.has_both_classes:
        return [shares_above(detector, test, rate) for detector in detectors]
    return [evaluate(detector, data, test, rate) for detector in detectors]


def note_changes(name: str, detector: Detector, data: Dataset) -> None:
    """Say where the data are no longer what they were when the run began, and whether test images may be known."""
    from squidlib.data.content import changes, content_of

    given = sum([*detector.metadata.get("adapted", []), *detector.metadata.get("recalibrated", [])])
    if given:
        print(f"note: {name} was adapted with {given} normal images; whichever of them are test images flatter it")
    then = detector.metadata.get("content")
    if then is not None and (changed := changes(then, content_of(data))):
        print(f"note: {name}: the data changed since the run began ({changed}); the numbers are of what is there now")


def _told(data: Dataset, test: TestSet | None) -> dict[str, Any]:
    """What the numbers of runs have to have in common to stand in one table."""
    return {name: value for name, value in data.settings.items() if name not in WHERE_AND_HOW} | {
        "test images": "none" if test is None else test.fingerprint()
    }


def _check_same(name: str, first: dict[str, Any], other: str, told: dict[str, Any]) -> None:
    """Runs whose data differ cannot stand in one table; the line says how they differ."""
    keys = [key for key in dict.fromkeys([*first, *told]) if first.get(key) != told.get(key)]
    if not keys:
        return
    if first["data"] != told["data"]:  # all else differs, too
        keys = ["data"]
    how = ", ".join(f"{key}: {first.get(key)} and {told.get(key)}" for key in keys)
    raise UserError(f"runs of the same data expected; those of {name} and {other} differ ({how}): evaluate one by one")


def print_evaluations(evaluations: Sequence[Evaluation | SharesAbove], names: Sequence[str]) -> None:
    """All tables to stdout; where there is no AUC, what can be said of each run without."""
    from squidlib.benchmark.evaluate import Evaluation
    from squidlib.benchmark.one_class import SharesAbove
    from squidlib.benchmark.tables import (
        auc_cells,
        decision_cells,
        localisation_cells,
        rich_table,
        same_source_cells,
        wide_console,
    )

    for name, shares in zip(names, evaluations, strict=True):
        if isinstance(shares, SharesAbove):
            for line in shares.lines():
                print(f"{name}: {line}")
    runs = [found for found in evaluations if isinstance(found, Evaluation)]
    if not runs:
        return
    counts = ", ".join(f"{count} {kind}" for kind, count in runs[0].images.items())
    what = "AUC, 95 % interval below" if len(runs) == 1 else f"AUC, mean ± standard deviation of {len(runs)} runs"
    console = wide_console()
    for cells, title in (
        (auc_cells(runs), f"{what}; test images: {counts}"),
        (same_source_cells(runs), "AUC among images of one source: what is left when sources cannot help"),
        (decision_cells(runs), "Decisions of the default score"),
        (localisation_cells(runs), "Where it is wrong"),
    ):
        if len(cells[0]) > 1:  # nobody knows where a radiograph is abnormal
            console.print(rich_table(cells, title))


def write_json(path: Path, evaluations: Mapping[str, Evaluation | SharesAbove]) -> None:
    """One object a run."""
    from squidlib.utils.safetensors_io import write_atomically

    content = {name: evaluation.as_json() for name, evaluation in evaluations.items()}
    write_atomically(path, (json.dumps(content, indent=2) + "\n").encode())
