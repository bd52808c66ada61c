"""Summary: what all jobs together say, method by method: figures over seeds, and the difference to SQUID.

Findings: what a table of methods says, as numbers that a page or a lesson can put into sentences.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np

from squidlib.benchmark.confusion import possible_row
from squidlib.benchmark.paper_table import PAPER, PAPER_TEST
from squidlib.benchmark.registry import NAIVE, OTHER, SQUID, Entry
from squidlib.benchmark.significance import Comparison, compare, holm, inverted_pairs
from squidlib.benchmark.store import Store
from squidlib.data.base import TestSet


@dataclass(frozen=True)
class Row:
    """One method.

    Attributes:
        name: as the command line takes it.
        family: one of ``registry.FAMILIES``, or "other".
        runs: seed -> figures; "job_seconds" is what the whole job took, by the clock on the wall.
        failures: seed -> what went wrong.
        comparison: with SQUID (AUC of this method minus SQUID's); None of SQUID itself, and where it has no results.
        corrected_p: Holm's, over all methods that are compared.
    """

    name: str
    family: str = OTHER
    runs: dict[int, dict[str, Any]] = field(default_factory=dict)
    failures: dict[int, str] = field(default_factory=dict)
    comparison: Comparison | None = None
    corrected_p: float | None = None

    @property
    def naive(self) -> bool:
        """Whether it learns nothing or next to nothing."""
        return self.family == NAIVE

    @property
    def title(self) -> str:
        """The name with what the method says of itself, such as which pretrained network it has."""
        said = next(iter(self.runs.values()))["name"] if self.runs else ""
        return f"{self.name}{said[said.index(' (') :]}" if " (" in said else self.name

    def values(self, *path: str) -> list[float]:
        """A figure of each seed; empty where the method has none, NaN where a seed lacks it."""
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


def summarise(store: Store, test_set: TestSet, methods: Mapping[str, Entry]) -> list[Row]:
    """Rows with results first, the highest AUC at the top; then those that only failed."""
    rows: dict[str, Row] = {}
    for result in store.results():
        row = rows.setdefault(result.method, Row(result.method, _family(result.method, methods)))
        if result.figures is not None:
            row.runs[result.seed] = result.figures | {"job_seconds": result.seconds}
        else:
            row.failures[result.seed] = str(result.failure)
    compared = _compared(store, test_set, rows)
    corrected = holm({name: found.p for name, found in compared.items()})
    full = [replace(row, comparison=compared.get(name), corrected_p=corrected.get(name)) for name, row in rows.items()]
    return sorted(full, key=lambda row: -row.mean("auc", "mean") if row.runs else np.inf)


def spread(values: list[float], digits: int = 3) -> str:
    """Mean ± standard deviation (n - 1); the mean alone of one seed, and where all seeds are equal."""
    if not values:
        return "–"
    if len(values) == 1 or max(values) == min(values):
        return f"{values[0]:.{digits}f}"
    return f"{np.mean(values):.{digits}f} ± {np.std(values, ddof=1):.{digits}f}"


def _family(name: str, methods: Mapping[str, Entry]) -> str:
    return methods[name].family if name in methods else OTHER


def _compared(store: Store, test_set: TestSet, rows: Mapping[str, Row]) -> dict[str, Comparison]:
    if SQUID not in rows or not rows[SQUID].runs:
        return {}
    scores = {
        name: np.stack([store.scores(name, seed).double().numpy() for seed in row.runs])
        for name, row in rows.items()
        if row.runs
    }
    labels = test_set.labels.numpy()
    return {name: compare(labels, own, scores[SQUID]) for name, own in scores.items() if name != SQUID}


class Ranking(NamedTuple):
    """Where a method stands by mean AUC: 1 is the highest, ``ahead`` those above it, the highest first."""

    rank: int
    of: int
    ahead: list[Row]


class Agreement(NamedTuple):
    """Our AUC beside the paper's.

    spearman: correlation of the two orders, over the methods that both have. differences: ours minus the paper's, by
    name, in 0..1. inverted: pairs of methods that stand the other way round, of ``pairs``.
    """

    spearman: float
    differences: dict[str, float]
    inverted: int
    pairs: int


def auc_of(row: Row) -> float:
    """Mean over anomaly types and seeds."""
    return row.mean("auc", "mean")


def rank_of(rows: Sequence[Row], name: str = SQUID) -> Ranking:
    """The rank of one method among all that have results.

    Raises:
        KeyError: where it has none.
    """
    done = {row.name: row for row in rows if row.runs}
    ahead = sorted((row for row in done.values() if auc_of(row) > auc_of(done[name])), key=auc_of, reverse=True)
    return Ranking(len(ahead) + 1, len(done), ahead)


def best_naive(rows: Sequence[Row]) -> Row:
    """The highest of those that learn nothing or next to nothing."""
    return max((row for row in rows if row.naive and row.runs), key=auc_of)


def beaten_by(rows: Sequence[Row], bar: Row) -> list[Row]:
    """Methods that do learn and whose mean AUC is below that of ``bar``."""
    return [row for row in rows if row.runs and not row.naive and auc_of(row) < auc_of(bar)]


def not_shown_different(rows: Sequence[Row]) -> list[str]:
    """Names of the methods whose difference to SQUID has p >= 0.05 after Holm's correction."""
    return [row.name for row in rows if row.corrected_p is not None and row.corrected_p >= 0.05]


def agreement(rows: Sequence[Row], dataset: str) -> Agreement:
    """How our AUCs go with those that the paper prints for the same data set.

    Raises:
        ValueError: where fewer than three methods stand in both.
    """
    from scipy.stats import spearmanr

    printed = {name: float(row.auc.split("±")[0]) / 100 for name, row in PAPER.get(dataset, {}).items()}
    ours = {row.name: auc_of(row) for row in rows if row.runs and row.name in printed}
    if len(ours) < 3:
        raise ValueError(f"at least three methods in both tables expected, got {len(ours)}")
    names = list(ours)
    turned = inverted_pairs(ours, printed)
    correlation = float(spearmanr([ours[name] for name in names], [printed[name] for name in names]).statistic)
    return Agreement(correlation, {name: ours[name] - printed[name] for name in names}, *turned)


def impossible(dataset: str = "zhanglab") -> list[str]:
    """Methods whose accuracy and F1 in the paper's table no counts of its test images can give."""
    test = PAPER_TEST[dataset]
    return [
        name
        for name, row in PAPER[dataset].items()
        if not possible_row(_share(row.accuracy), _share(row.f1), test.normal, test.abnormal)
    ]


def _share(printed: str) -> float:
    return float(printed.split("±")[0]) / 100
