"""Results: one JSON file a study, written after every run, so that an interrupted study goes on where it stopped."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from digitanatomy import ANOMALIES, NORMAL
from squidlib.errors import UserError
from squidlib.metrics import auc
from squidlib.tensorfile import write_atomically

SEEDS = (0, 1, 2)
FOLDER = Path(str(files("squidlib"))) / "studies"


class Spread(NamedTuple):
    """Mean and standard deviation (n - 1) over seeds."""

    mean: float
    deviation: float

    def __str__(self) -> str:
        return f"{self.mean:.3f} ± {self.deviation:.3f}"


def path_of(study: str) -> Path:
    """The file of a study's results."""
    return FOLDER / f"{study}.json"


def load_runs(study: str) -> dict[str, dict[str, Any]]:
    """Every run of a study: "setting/seed" -> its figures.

    Raises:
        UserError: where the study was never run or its file is damaged.
    """
    path = path_of(study)
    if not path.is_file():
        raise UserError(f"{path.name} is missing; run: python -m squidlib.studies.{study}")
    try:
        runs: dict[str, dict[str, Any]] = json.loads(path.read_text())["runs"]
    except (ValueError, KeyError) as error:
        raise UserError(f"{path} is damaged ({error}); run: python -m squidlib.studies.{study}") from error
    return runs


def run_all(study: str, facts: dict[str, Any], jobs: dict[str, Callable[[], dict[str, Any]]]) -> None:
    """Do every job that the file does not hold yet, and write after each.

    Raises:
        UserError: where the file holds runs of other facts.
    """
    path = path_of(study)
    runs = {}
    if path.is_file():
        if json.loads(path.read_text())["facts"] != facts:
            raise UserError(f"{path} holds runs of other settings; remove it to run the study anew")
        runs = load_runs(study)
    for key, job in jobs.items():
        if key in runs:
            continue
        begun = time.perf_counter()
        runs[key] = job() | {"seconds": round(time.perf_counter() - begun, 1)}
        ordered = {name: runs[name] for name in jobs if name in runs}
        write_atomically(path, (json.dumps({"facts": facts, "runs": ordered}, indent=1) + "\n").encode())
        print(f"{study} {len(runs)}/{len(jobs)} {key}: {runs[key]}", flush=True)


def spread(runs: dict[str, dict[str, Any]], setting: str, *names: str) -> Spread:
    """Mean ± deviation over all seeds of ``runs["setting/seed"][name][name]...``."""
    values = []
    for key, figures in runs.items():
        if key.rpartition("/")[0] == setting:
            value: Any = figures
            for name in names:
                value = value[name]
            values.append(float(value))
    if len(values) < 2:
        raise UserError(f"at least two seeds of {setting!r} are needed for a deviation, got {len(values)}")
    return Spread(float(np.mean(values)), float(np.std(values, ddof=1)))


def auc_by_kind(kinds: Sequence[str], scores: Tensor) -> dict[str, float]:
    """``exact_auc_by_kind``, rounded to 4 digits."""
    return {name: round(value, 4) for name, value in exact_auc_by_kind(kinds, scores).items()}


def exact_auc_by_kind(kinds: Sequence[str], scores: Tensor) -> dict[str, float]:
    """AUC of each kind of anomaly against the normal images, and the mean over the kinds.

    Args:
        kinds: of every image, one of ``digitanatomy.KINDS``.
        scores: (B,), higher = more abnormal.
    """
    names, values = np.array(kinds), scores.detach().cpu().numpy()
    found = {}
    for kind in ANOMALIES:
        chosen = (names == kind) | (names == NORMAL)
        if (names == kind).any():
            found[kind] = auc((names[chosen] == kind).astype(int), values[chosen])
    found["mean"] = float(np.mean(list(found.values())))
    return found


def one_thread() -> None:
    """One thread: small networks gain little from a second, and two studies can run side by side."""
    torch.set_num_threads(1)
