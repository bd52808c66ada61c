"""``squid evaluate``: tables for one run, or mean ± deviation over several, and a JSON file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tyro.conf import Positional

from squidlib.utils.errors import UserError

if TYPE_CHECKING:
    from squidlib.benchmark.evaluate import Evaluation
    from squidlib.data.base import TestSet
    from squidlib.detection.detector import Detector


@dataclass(frozen=True)
class Evaluate:
    """Evaluate runs on their data's test images: AUC by kind with 95 % intervals, thresholds, localisation."""

    runs: Positional[tuple[str, ...]]
    """Folders of finished runs, or names of shipped checkpoints; several give mean ± deviation."""
    json: Path | None = None
    """Where to write all figures; by default evaluation.json in the folder of a single run."""
    data: Path | None = None
    """The folder of the data set's files, where it is not where the runs found it."""
    rate: float = 0.05
    """Share of normal calibration images that the threshold may call abnormal."""
    device: str = "auto"
    """auto (a CUDA GPU where there is one), cpu, cuda or mps."""

    def run(self) -> int:
        """Evaluate, print, write."""
        from squidlib.cli.device import check_device
        from squidlib.detection.checkpoint import MODEL_FILE
        from squidlib.utils.safetensors_io import check_writable

        if not self.runs:
            raise UserError(
                "name at least one run's folder or shipped checkpoint, such as: squid evaluate digitanatomy"
            )
        if not 0 < self.rate < 1:
            raise UserError(f"--rate lies between 0 and 1, got {self.rate}")
        check_device(self.device)
        if self.json is not None:
            if self.json.is_dir():
                raise UserError(f"--json {self.json} is a folder; a file name was expected")
            check_writable(self.json.parent)
        evaluations = evaluate_runs(self.runs, self.rate, self.device, self.data)
        print_evaluations(evaluations)
        path = self.json
        if path is None and len(self.runs) == 1 and (Path(self.runs[0]) / MODEL_FILE).is_file():
            path = Path(self.runs[0]) / "evaluation.json"
        if path is not None:
            write_json(path, dict(zip(self.runs, evaluations, strict=True)))
            print(f"all figures: {path}")
        return 0


def evaluate_run(name: str, rate: float, device: str, folder: Path | None = None) -> Evaluation:
    """Load a run and evaluate it on the test set of the data that it was trained on.

    Args:
        folder: of the data set's files, where they are no longer where the run found them.

    Raises:
        UserError: where the data set has no test images, or none of one class.
    """
    return evaluate_runs([name], rate, device, folder)[0]


def evaluate_runs(names: Sequence[str], rate: float, device: str, folder: Path | None = None) -> list[Evaluation]:
    """``evaluate_run`` of several runs, whose data have to be the same."""
    from squidlib.benchmark.evaluate import evaluate
    from squidlib.data.registry import open_dataset
    from squidlib.detection.checkpoint import load
    from squidlib.training.devices import resolve_device

    found, first = [], None
    for name in names:
        detector = load(name, resolve_device(device))
        settings = detector.metadata if folder is None else detector.metadata | {"folder": str(folder.resolve())}
        data = open_dataset(settings, 0)
        test = data.test()
        if test is None or len(set(test.labels.tolist())) < 2:
            raise UserError(_without_tests(name, detector, test, rate))
        seen = {key: data.settings.get(key) for key in ("data", *data.settings)} | {"test images": test.fingerprint()}
        first = seen if first is None else first
        _check_same(names[0], first, name, seen)
        found.append(evaluate(detector, data, test, rate))
    return found


def _check_same(name: str, first: dict[str, Any], other: str, seen: dict[str, Any]) -> None:
    """Runs whose test images differ cannot stand in one table."""
    if first["test images"] == seen["test images"]:
        return
    keys = [key for key in dict.fromkeys([*first, *seen]) if first.get(key) != seen.get(key)]
    told = ", ".join(f"{key}: {first.get(key)} and {seen.get(key)}" for key in keys)
    raise UserError(f"{name} and {other} have different test data ({told}); evaluate them one by one")


def _without_tests(name: str, detector: Detector, test: TestSet | None, rate: float) -> str:
    """What can be said where no AUC can be."""
    normals = len(detector.normal_scores())
    line = (
        f"{name}: how well abnormal images are found cannot be said without test images of both classes; "
        f"{rate:.0%} of {normals} held-out normal images are above the threshold {detector.threshold(rate):.4g} of the "
        f"score {detector.default_score}"
    )
    if test is not None and not bool(test.labels.any()):
        share = float(detector.predict(test.images, rate).abnormal.float().mean())
        line += f", and {share:.0%} of {len(test.images)} normal test images"
    return line + "; add images that are abnormal, and normal ones, to test"


def print_evaluations(evaluations: list[Evaluation]) -> None:
    """All tables to stdout."""
    from squidlib.benchmark.tables import auc_cells, decision_cells, localisation_cells, rich_table, wide_console

    counts = ", ".join(f"{count} {kind}" for kind, count in evaluations[0].images.items())
    what = "AUC, 95 % interval below" if len(evaluations) == 1 else f"AUC, mean ± deviation of {len(evaluations)} runs"
    console = wide_console()
    for cells, title in (
        (auc_cells(evaluations), f"{what}; test images: {counts}"),
        (decision_cells(evaluations), "Decisions of the default score"),
        (localisation_cells(evaluations), "Where it is wrong"),
    ):
        if len(cells[0]) > 1:  # nobody knows where a radiograph is abnormal
            console.print(rich_table(cells, title))


def write_json(path: Path, evaluations: dict[str, Evaluation]) -> None:
    """One object a run."""
    from squidlib.utils.safetensors_io import write_atomically

    content = {name: evaluation.as_json() for name, evaluation in evaluations.items()}
    write_atomically(path, (json.dumps(content, indent=2) + "\n").encode())
