"""Findings: what a table of systems says, as numbers that a page or a lesson can put into sentences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from squidlib.benchmark.order import inverted_pairs
from squidlib.benchmark.paper_table import PAPER, PAPER_TEST
from squidlib.benchmark.summary import Row
from squidlib.benchmark.systems import SQUID
from squidlib.lesson.possible import possible_row


class Place(NamedTuple):
    """Where a system stands by mean AUC: 1 is the highest, ``ahead`` those above it, the highest first."""

    rank: int
    of: int
    ahead: list[Row]


class Agreement(NamedTuple):
    """Our AUC beside the paper's.

    spearman: correlation of the two orders, over the systems that both have. differences: ours minus the paper's, by
    name, in 0..1. inverted: pairs of systems that stand the other way round, of ``pairs``.
    """

    spearman: float
    differences: dict[str, float]
    inverted: int
    pairs: int


def auc_of(row: Row) -> float:
    """Mean over kinds and seeds."""
    return row.mean("auc", "mean")


def place_of(rows: Sequence[Row], name: str = SQUID) -> Place:
    """The place of one system among all that have results.

    Raises:
        KeyError: where it has none.
    """
    done = {row.name: row for row in rows if row.runs}
    ahead = sorted((row for row in done.values() if auc_of(row) > auc_of(done[name])), key=auc_of, reverse=True)
    return Place(len(ahead) + 1, len(done), ahead)


def best_trivial(rows: Sequence[Row]) -> Row:
    """The highest of those that learn nothing or next to nothing."""
    return max((row for row in rows if row.trivial and row.runs), key=auc_of)


def beaten_by(rows: Sequence[Row], bar: Row) -> list[Row]:
    """Systems that do learn and whose mean AUC is below that of ``bar``."""
    return [row for row in rows if row.runs and not row.trivial and auc_of(row) < auc_of(bar)]


def not_shown_different(rows: Sequence[Row]) -> list[str]:
    """Names of the systems whose difference to SQUID has p >= 0.05 after Holm's correction."""
    return [row.name for row in rows if row.corrected_p is not None and row.corrected_p >= 0.05]


def agreement(rows: Sequence[Row], dataset: str) -> Agreement:
    """How our AUCs go with those that the paper prints for the same data set.

    Raises:
        ValueError: where fewer than three systems stand in both.
    """
    from scipy.stats import spearmanr

    printed = {name: float(row.auc.split("±")[0]) / 100 for name, row in PAPER.get(dataset, {}).items()}
    ours = {row.name: auc_of(row) for row in rows if row.runs and row.name in printed}
    if len(ours) < 3:
        raise ValueError(f"at least three systems in both tables expected, got {len(ours)}")
    names = list(ours)
    turned = inverted_pairs(ours, printed)
    correlation = float(spearmanr([ours[name] for name in names], [printed[name] for name in names]).statistic)
    return Agreement(correlation, {name: ours[name] - printed[name] for name in names}, *turned)


def impossible(dataset: str = "zhanglab") -> list[str]:
    """Systems whose accuracy and F1 in the paper's table no counts of its test images can give."""
    test = PAPER_TEST[dataset]
    return [
        name
        for name, row in PAPER[dataset].items()
        if not possible_row(_share(row.accuracy), _share(row.f1), test.normal, test.abnormal)
    ]


def _share(printed: str) -> float:
    return float(printed.split("±")[0]) / 100
