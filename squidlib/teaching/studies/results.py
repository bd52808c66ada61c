"""Results: one JSON file a study, written after every run, so that an interrupted study goes on where it stopped."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from digitanatomy import ANOMALIES, NORMAL, SUBTLE_ANOMALIES
from squidlib.detection.metrics import auc
from squidlib.teaching.studies.image_order import ORDER
from squidlib.teaching.studies.jobs import finished
from squidlib.utils.cluster import Cluster
from squidlib.utils.errors import UserError
from squidlib.utils.safetensors_io import write_atomically

SEEDS = (0, 1, 2)
FOLDER = Path(str(files("squidlib"))) / "teaching" / "studies"


class Spread(NamedTuple):
    """Mean and standard deviation (n - 1) over seeds."""

    mean: float
    deviation: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Of at least two numbers, one a seed."""
        return cls(float(np.mean(values)), float(np.std(values, ddof=1)))

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
        raise UserError(f"{path.name} is missing; run: python -m squidlib.teaching.studies.{study}")
    return read_runs(path, f"run: python -m squidlib.teaching.studies.{study}").runs


class Stored(NamedTuple):
    """What a study's file holds: the settings that all runs share, and "setting/seed" -> figures."""

    metadata: dict[str, Any]
    runs: dict[str, dict[str, Any]]


def read_runs(path: Path, advice: str) -> Stored:
    """A file that ``write_runs`` wrote.

    Raises:
        UserError: where it is damaged; ``advice`` says what to do then.
    """
    try:
        content = json.loads(path.read_text())
        return Stored(dict(content["facts"]), dict(content["runs"]))
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path} is damaged ({error}); {advice}") from error


def write_runs(path: Path, stored: Stored) -> None:
    """Replace the file as a whole."""
    write_atomically(path, (json.dumps({"facts": stored.metadata, "runs": stored.runs}, indent=1) + "\n").encode())


class Progress(NamedTuple):
    """What is told after every run: its key and figures, how many of how many are done, seconds that are left."""

    study: str
    key: str
    figures: dict[str, Any]
    done: int
    total: int
    seconds_left: float

    def __str__(self) -> str:
        left = f", about {self.seconds_left / 60:.0f} min left" if self.done < self.total else ""
        told = {name: value for name, value in self.figures.items() if name != ORDER}
        return f"{self.study} {self.done}/{self.total} {self.key}: {told}{left}"


def _print(progress: Progress) -> None:
    print(progress, flush=True)


def run_all(
    study: str,
    metadata: dict[str, Any],
    jobs: dict[str, Callable[[], dict[str, Any]]],
    path: Path | None = None,
    tell: Callable[[Progress], None] = _print,
    cluster: Cluster | None = None,
) -> dict[str, dict[str, Any]]:
    """Do every job that the file does not hold yet, write after each, and return all of their figures.

    Args:
        study: its name.
        metadata: settings that all runs share.
        jobs: "setting/seed" -> what computes the figures.
        path: the file; None is the kit's own for this study.
        tell: called after every run, when it is written.
        cluster: does the jobs on other machines; see ``finished``.

    Raises:
        UserError: where the file is damaged or holds runs of other facts, or jobs have failed on the cluster.
    """
    path = path_of(study) if path is None else path
    runs: dict[str, dict[str, Any]] = {}
    if path.is_file():
        found, runs = read_runs(path, "remove it to run the study again")
        if found != metadata:
            raise UserError(f"{path} holds runs of other settings; remove it to run the study again")
    for key, figures, at_a_time in finished({key: job for key, job in jobs.items() if key not in runs}, cluster):
        runs[key] = figures
        write_runs(path, Stored(metadata, {name: runs[name] for name in (*jobs, *runs) if name in runs}))
        done = sum(name in runs for name in jobs)
        tell(Progress(study, key, runs[key], done, len(jobs), seconds_left(runs, list(jobs)) / at_a_time))
    return {key: runs[key] for key in jobs}


def seconds_left(runs: dict[str, dict[str, Any]], keys: Sequence[str]) -> float:
    """What the missing ``keys`` will take: as long as runs of the same first word took, or else the average run."""
    taken: dict[str, list[float]] = {}
    for key, figures in runs.items():
        taken.setdefault(_first_word(key), []).append(float(figures["seconds"]))
    every = [seconds for own in taken.values() for seconds in own]
    return float(sum(np.mean(taken.get(_first_word(key), every)) for key in keys if key not in runs)) if every else 0.0


def _first_word(key: str) -> str:
    return key.replace("/", " ").split(" ")[0]


def spread(runs: dict[str, dict[str, Any]], setting: str, *names: str) -> Spread:
    """Mean ± standard deviation over all seeds of ``runs["setting/seed"][name][name]...``."""
    values = []
    for key, figures in runs.items():
        if key.rpartition("/")[0] == setting:
            values.append(figure_at(figures, names))
    if len(values) < 2:
        raise UserError(f"at least two seeds of {setting!r} are needed for a standard deviation, got {len(values)}")
    return Spread.of(values)


def figure_at(figures: Mapping[str, Any], names: Sequence[str]) -> float:
    """``figures[name][name]...``, a number."""
    value: Any = figures
    for name in names:
        value = value[name]
    return float(value)


def auc_by_kind(kinds: Sequence[str], scores: Tensor) -> dict[str, float]:
    """``exact_auc_by_kind``, rounded to 4 digits."""
    return {name: round(value, 4) for name, value in exact_auc_by_kind(kinds, scores).items()}


def exact_auc_by_kind(kinds: Sequence[str], scores: Tensor) -> dict[str, float]:
    """AUC of each anomaly type against the normal images, and the mean over the paper's four, as far as they are there.

    Args:
        kinds: of every image, one of ``digitanatomy.ALL_KINDS``.
        scores: (B,), higher = more abnormal.
    """
    names, values = np.array(kinds), scores.detach().cpu().numpy()
    found = {}
    for kind in (*ANOMALIES, *SUBTLE_ANOMALIES):
        chosen = (names == kind) | (names == NORMAL)
        if (names == kind).any():
            found[kind] = auc((names[chosen] == kind).astype(int), values[chosen])
    classic = [found[kind] for kind in ANOMALIES if kind in found]
    found["mean"] = float(np.mean(classic or list(found.values())))
    return found


def one_thread() -> None:
    """One thread: small networks gain little from a second, and two studies can run side by side."""
    torch.set_num_threads(1)
