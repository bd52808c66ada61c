"""Summary: what all jobs together say, system by system: figures over seeds, and the difference to SQUID."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from squidlib.benchmark.delong import Comparison, compare
from squidlib.benchmark.holm import holm
from squidlib.benchmark.source import Exam
from squidlib.benchmark.store import Store
from squidlib.benchmark.systems import OTHER, SQUID, TRIVIAL, Entry


@dataclass(frozen=True)
class Row:
    """One system.

    Attributes:
        name: as the command line takes it.
        family: one of ``systems.FAMILIES``, or "other".
        runs: seed -> figures; "job_seconds" is what the whole job took, by the clock on the wall.
        failures: seed -> what went wrong.
        comparison: with SQUID (AUC of this system minus SQUID's); None of SQUID itself, and where it has no results.
        corrected_p: Holm's, over all systems that are compared.
    """

    name: str
    family: str = OTHER
    runs: dict[int, dict[str, Any]] = field(default_factory=dict)
    failures: dict[int, str] = field(default_factory=dict)
    comparison: Comparison | None = None
    corrected_p: float | None = None

    @property
    def trivial(self) -> bool:
        """Whether it learns nothing or next to nothing."""
        return self.family == TRIVIAL

    @property
    def title(self) -> str:
        """The name with what the system says of itself, such as which pretrained network it has."""
        said = next(iter(self.runs.values()))["name"] if self.runs else ""
        return f"{self.name}{said[said.index(' (') :]}" if " (" in said else self.name

    def values(self, *path: str) -> list[float]:
        """A figure of each seed; empty where the system has none, NaN where a seed lacks it."""
        found = []
        for figures in self.runs.values():
            value: Any = figures
            for key in path:
                value = None if value is None else value.get(key)
            found.append(float("nan") if value is None else float(value))
        return [] if all(np.isnan(found)) else found

    def mean(self, *path: str) -> float:
        """NaN where there is none."""
        values = self.values(*path)
        return float(np.mean(values)) if values else float("nan")


def summarise(store: Store, exam: Exam, systems: Mapping[str, Entry]) -> list[Row]:
    """Rows with results first, the highest AUC at the top; then those that only failed."""
    rows: dict[str, Row] = {}
    for result in store.results():
        row = rows.setdefault(result.system, Row(result.system, _family(result.system, systems)))
        if result.figures is not None:
            row.runs[result.seed] = result.figures | {"job_seconds": result.seconds}
        else:
            row.failures[result.seed] = str(result.failure)
    compared = _compared(store, exam, rows)
    corrected = holm({name: found.p for name, found in compared.items()})
    full = [replace(row, comparison=compared.get(name), corrected_p=corrected.get(name)) for name, row in rows.items()]
    return sorted(full, key=lambda row: -row.mean("auc", "mean") if row.runs else np.inf)


def spread(values: list[float], digits: int = 3) -> str:
    """Mean ± deviation (n - 1); the mean alone of one seed, and where all seeds are equal."""
    if not values:
        return "–"
    if len(values) == 1 or max(values) == min(values):
        return f"{values[0]:.{digits}f}"
    return f"{np.mean(values):.{digits}f} ± {np.std(values, ddof=1):.{digits}f}"


def _family(name: str, systems: Mapping[str, Entry]) -> str:
    return systems[name].family if name in systems else OTHER


def _compared(store: Store, exam: Exam, rows: Mapping[str, Row]) -> dict[str, Comparison]:
    if SQUID not in rows or not rows[SQUID].runs:
        return {}
    scores = {
        name: np.stack([store.scores(name, seed).double().numpy() for seed in row.runs])
        for name, row in rows.items()
        if row.runs
    }
    labels = exam.labels.numpy()
    return {name: compare(labels, own, scores[SQUID]) for name, own in scores.items() if name != SQUID}
