"""Study: what adapting to a new hospital gives, by how many of its normal images.

    python -m squidlib.teaching.studies.adaptation runs/IM/seed_0 ... --out adaptation.json

Each run was trained on one series of normals (``squid train zhanglab --series IM``). From the other series' normals
10, 30 or 100 are drawn for ``squid adapt``; the test is on others of them, whom adaptation has not seen, and on the
abnormal test images. Every draw is one of patients.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from digitanatomy import seeded_generator
from squidlib.benchmark.tables import markdown, over_runs
from squidlib.data.base import require_test_set
from squidlib.data.chest.patients import patient_of
from squidlib.data.registry import open_dataset
from squidlib.detection.adaptation import adapted
from squidlib.detection.checkpoint import load
from squidlib.detection.detector import Detector
from squidlib.detection.metrics import auc

SIZES = (10, 30, 100)  #: normal images of the new series
TESTED = 150  #: other normal images of it, and as many abnormal ones at most
RATE = 0.05


def figures(detector: Detector, normals: Tensor, abnormals: Tensor) -> dict[str, float]:
    """AUC of the default score and shares above the threshold."""
    found = detector.predict(torch.cat([normals, abnormals]), RATE)
    labels = np.repeat([0, 1], [len(normals), len(abnormals)])
    above = found.abnormal.numpy()
    return {
        "auc": auc(labels, found.score.double().numpy()),
        "false_alarms": float(above[labels == 0].mean()),
        "found": float(above[labels == 1].mean()),
    }


def split(names: list[str], seed: int) -> tuple[list[int], list[int]]:
    """Rows to test on and rows to adapt with, in a random order of patients, none of whom is in both."""
    patients = sorted({patient_of(Path(name)) or name for name in names})
    order = [patients[index] for index in torch.randperm(len(patients), generator=seeded_generator(seed, 0)).tolist()]
    rows: dict[str, list[int]] = {patient: [] for patient in patients}
    for row, name in enumerate(names):
        rows[patient_of(Path(name)) or name].append(row)
    test: list[int] = []
    while len(test) < TESTED and order:
        test += rows[order.pop()]
    return test, [row for patient in order for row in rows[patient]]


def study(run: str, seed: int) -> dict[str, Any]:
    """One run: before, and after adapting with each of ``SIZES``."""
    detector = load(run)
    test = require_test_set(open_dataset(detector.metadata, 0))
    labels = test.labels
    normals, abnormals = test.images[labels == 0], test.images[labels == 1][:TESTED]
    names = [name for name, label in zip(test.ids, labels.tolist(), strict=True) if not label]
    tested, left = split(names, seed)
    found = {"as trained": figures(detector, normals[tested], abnormals)}
    for size in SIZES:
        found[f"{size} normals"] = figures(adapted(detector, normals[left[:size]]), normals[tested], abnormals)
    return found


def main() -> None:
    """All runs, and a table of means."""
    parser = argparse.ArgumentParser(prog="python -m squidlib.teaching.studies.adaptation")
    parser.add_argument("runs", nargs="+", help="folders of runs that were trained on one series")
    parser.add_argument("--out", type=Path, required=True, help="where all figures are written, as JSON")
    chosen = parser.parse_args()
    found = {run: study(run, seed) for seed, run in enumerate(chosen.runs)}
    chosen.out.write_text(json.dumps(found, indent=2) + "\n")
    print(markdown(cells_of(found)))


def cells_of(found: Mapping[str, Mapping[str, Mapping[str, float]]]) -> list[list[str]]:
    """Header and a row for each setting: over all runs.

    Args:
        found: run -> setting -> ``figures``.
    """
    cells = [["adapted with", "AUC", f"false alarms at {RATE:.0%}", "found"]]
    for setting in next(iter(found.values())):
        names = ("auc", "false_alarms", "found")
        cells.append([setting, *(over_runs([run[setting][name] for run in found.values()]) for name in names)])
    return cells


if __name__ == "__main__":
    main()
