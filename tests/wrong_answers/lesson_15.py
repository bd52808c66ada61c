"""Lesson 15: the capstone."""

from __future__ import annotations

from typing import Any

from scipy.stats import ttest_ind_from_stats


def variance(auc: float, normal: float, abnormal: float, swapped: bool = False) -> float:
    one, two = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    one, two = (two, one) if swapped else (one, two)
    parts = auc * (1 - auc) + (abnormal - 1) * (one - auc**2) + (normal - 1) * (two - auc**2)
    return parts / (normal * abnormal)


def welch(mean: float, deviation: float, other: float, other_deviation: float, n: int, **options: Any) -> Any:
    options = {"equal_var": False} | options
    return ttest_ind_from_stats(mean, deviation, n, other, other_deviation, n, **options)


WRONG: dict[str, dict[str, Any]] = {
    "blind_results": {
        "larger": lambda n, p: (p / (n + p), 2 * p / (2 * p + n)),
        "f1": lambda n, p: (max(n, p) / (n + p), p / (n + p)),  # precision
        "other": lambda n, p: (n / (n + p), 2 * p / (2 * p + n)),
        "two": lambda n, p: max(n, p) / (n + p),
    },
    "auc_error": {
        "deviation": variance,
        "images": lambda a, n, p: (variance(a, n, p) * n * p) ** 0.5,
        "half": lambda a, n, p: (a * (1 - a) / (n + p)) ** 0.5,  # that of a share
        "printed": lambda a, n, p: variance(a, n, p, swapped=True) ** 0.5,
    },
    "difference_p": {
        "same": lambda m, d, o, e, n: float(welch(m, d, o, e, n).statistic),
        "sides": lambda m, d, o, e, n: float(welch(m, d, o, e, n, alternative="less").pvalue) * (1 if m != o else 2),
        "level": lambda m, d, o, e, n: float(welch(m, d, o, e, 10 * n).pvalue),
        "welch": lambda m, d, o, e, n: float(welch(m, d, o, e, n, equal_var=True).pvalue),
    },
}
