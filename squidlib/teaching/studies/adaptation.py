"""Study: what adapting to a new hospital gives, by how many of its normal images.

    python -m squidlib.teaching.studies.adaptation runs/IM/seed_0 runs/IM/seed_1 ... [--retrain]

Each run was trained on one series of normals (``squid train zhanglab --series IM``). From the other series' normals
10, 30 or 100 are drawn for ``squid adapt``; the test is on others of them, whom adaptation has not seen, and on the
abnormal test images. Every draw is one of patients. Beside adapting stand calibrating alone, which is all that a
learned memory matrix allows, and training again with the images added, which takes minutes instead of seconds.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from digitanatomy import seeded_generator
from squidlib.benchmark.tables import markdown, over_runs
from squidlib.data.base import require_test_set
from squidlib.data.chest import ChestData
from squidlib.data.chest.patients import patient_of
from squidlib.data.registry import open_dataset
from squidlib.detection.adaptation import adapted, recalibrated
from squidlib.detection.checkpoint import load
from squidlib.detection.detector import Detector
from squidlib.detection.metrics import auc
from squidlib.teaching.studies.results import run_all
from squidlib.training.loop import start, train
from squidlib.training.presets import PRESETS
from squidlib.training.trainer import finish

SIZES = (10, 30, 100)  #: normal images of the new series
TESTED = 150  #: other normal images of it, and as many abnormal ones at most
RATE = 0.05
AS_TRAINED = "as trained"
FIGURES = ("auc", "false_alarms", "found")
METADATA = {
    "sizes": list(SIZES),
    "tested": TESTED,
    "rate": RATE,
    "command": "python -m squidlib.teaching.studies.adaptation RUN...",
}


def figures(detector: Detector, normals: Tensor, abnormals: Tensor) -> dict[str, float]:
    """AUC of the default score and shares above the threshold."""
    found = detector.predict(torch.cat([normals, abnormals]), RATE)
    labels = np.repeat([0, 1], [len(normals), len(abnormals)])
    above = found.abnormal.numpy()
    values = (auc(labels, found.score.double().numpy()), above[labels == 0].mean(), above[labels == 1].mean())
    return {name: round(float(value), 4) for name, value in zip(FIGURES, values, strict=True)}


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


def study(run: str, seed: int, retrain: bool = False) -> dict[str, Any]:
    """One run: before, and after adapting with each of ``SIZES``; setting -> figures.

    Args:
        seed: of the draw.
        retrain: also train again with the largest number of images added.
    """
    detector = load(run)
    data = open_dataset(detector.metadata, int(detector.metadata["seed"]))
    test = require_test_set(data)
    labels = test.labels
    normals, abnormals = test.images[labels == 0], test.images[labels == 1][:TESTED]
    names = [name for name, label in zip(test.ids, labels.tolist(), strict=True) if not label]
    tested, left = split(names, seed)
    judge = partial(figures, normals=normals[tested], abnormals=abnormals)
    found = {AS_TRAINED: judge(detector)}
    for size in SIZES:
        site = normals[left[:size]]
        found[f"{size} normals, calibration alone"] = judge(recalibrated(detector, site))
        found[f"{size} normals, adapted"] = judge(adapted(detector, site))
    if retrain:
        if not isinstance(data, ChestData):
            raise TypeError(f"a chest data set expected, got {type(data).__name__}")
        more = (normals[left[: SIZES[-1]]] * 255).round().byte().numpy()[:, 0]
        found[f"{SIZES[-1]} normals, trained again"] = judge(_trained(data, more, detector.metadata))
    return found


def _trained(data: ChestData, more: np.ndarray, metadata: Mapping[str, Any]) -> Detector:
    """The run's own training once more, with ``more`` (N, H, W) among the training images."""
    preset = PRESETS[metadata["preset"]][metadata["data"]]
    arrays = replace(data.arrays, train=np.concatenate([data.arrays.train, more]), patients=())
    grown = ChestData(arrays, seed=data.seed, augmentation=data.augmentation, acquisition=data.acquisition)
    training = replace(preset.training, seed=data.seed)
    state = start(preset.config, training)
    for _ in train(state, grown, training, preset.weights):
        pass
    return finish(state, grown, {}, training.choose_score)


def jobs(runs: list[str], retrain: bool = False) -> dict[str, Callable[[], dict[str, Any]]]:
    """ "preset/series it was trained on/seed" -> its study."""
    found: dict[str, Callable[[], dict[str, Any]]] = {}
    for run in runs:
        metadata = load(run).metadata
        found[f"{metadata['preset']}/{metadata['series']}/{metadata['seed']}"] = partial(
            study, run, int(metadata["seed"]), retrain
        )
    return found


def cells_of(found: Mapping[str, Mapping[str, Any]]) -> list[list[str]]:
    """Header and a row for each preset and setting: over all runs that have it.

    Args:
        found: "preset/series/seed" -> setting -> ``figures``.
    """
    cells = [["preset", "the other series' normals", "runs", "AUC", f"false alarms at {RATE:.0%}", "found"]]
    for preset in dict.fromkeys(key.split("/")[0] for key in found):
        runs = of_preset(found, preset)
        for setting in dict.fromkeys(name for run in runs for name in run if isinstance(run[name], dict)):
            own = [run[setting] for run in runs if setting in run]
            figures_of = [over_runs([run[name] for run in own]) for name in FIGURES]
            cells.append([preset, setting, str(len(own)), *figures_of])
    return cells


def of_preset(found: Mapping[str, Mapping[str, Any]], preset: str) -> list[Mapping[str, Any]]:
    """The runs of one preset."""
    return [run for key, run in found.items() if key.split("/")[0] == preset]


def main() -> None:
    """All runs that the study still lacks, and a table of means."""
    parser = argparse.ArgumentParser(prog="python -m squidlib.teaching.studies.adaptation")
    parser.add_argument("runs", nargs="+", help="folders of runs that were trained on one series")
    parser.add_argument("--retrain", action="store_true", help="also train again with 100 images added")
    chosen = parser.parse_args()
    print(markdown(cells_of(run_all("adaptation", METADATA, jobs(chosen.runs, chosen.retrain)))))


if __name__ == "__main__":
    main()
