"""Lesson 10: the ablation and the audit of a table."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from scipy.stats import t as student


def _tables(normal: int, abnormal: int) -> tuple[Any, Any]:
    hits, alarms = torch.arange(abnormal + 1)[:, None], torch.arange(normal + 1)[None]
    return (hits + normal - alarms) / (normal + abnormal), 2 * hits / (hits + alarms + abnormal)


def _possible(accuracy: float, f1: float, normal: int, abnormal: int, tolerance: float, cut: int = 0) -> Any:
    a, f = (table[: abnormal + 1 - cut, : normal + 1 - cut] for table in _tables(normal, abnormal))
    return ((a - accuracy).abs() <= tolerance) & ((f - f1).abs() <= tolerance)


def interval(variant: Any, whole: Any, factor: float | None = None, ddof: int = 1, root: bool = True) -> Any:
    apart = np.asarray(variant) - np.asarray(whole)
    factor = student.ppf(0.975, len(apart) - 1) if factor is None else factor
    half = factor * apart.std(ddof=ddof) / (len(apart) ** 0.5 if root else 1)
    return apart.mean(), apart.mean() - half, apart.mean() + half


def unpaired(variant: Any, whole: Any) -> Any:
    apart = np.mean(variant) - np.mean(whole)
    half = (
        student.ppf(0.975, len(whole) - 1)
        * (np.var(variant, ddof=1) + np.var(whole, ddof=1)) ** 0.5
        / len(whole) ** 0.5
    )
    return apart, apart - half, apart + half


def signs(low: float, high: float) -> str | None:
    return "costs" if high < 0 else "helps" if low > 0 else None


WRONG: dict[str, dict[str, Any]] = {
    "paired_interval": {
        "mean": lambda variant, whole: interval(whole, variant),
        "around": lambda variant, whole: (interval(variant, whole)[0], *interval(variant, whole)[:0:-1]),
        "pairs": unpaired,
        "root": lambda variant, whole: interval(variant, whole, root=False),
        "n - 1": lambda variant, whole: interval(variant, whole, ddof=0),
        "student": lambda variant, whole: interval(variant, whole, factor=1.96),
        "two": lambda variant, whole: interval(variant, whole, factor=4.302653),
        "three": lambda variant, whole: interval(variant, whole)[1:],
    },
    "verdict": {
        "costs": lambda low, high, margin: "helps" if high < 0 else "undecided",
        "helps": lambda low, high, margin: "costs" if high < 0 or low > 0 else "equal",
        "equal": lambda low, high, margin: signs(low, high) or "undecided",
        "undecided": lambda low, high, margin: signs(low, high) or "equal",  # not found, so there is none
        "one side": lambda low, high, margin: signs(low, high) or ("equal" if -low < margin else "undecided"),
        "small": lambda low, high, margin: "equal" if max(-low, high) < margin else signs(low, high) or "undecided",
        "word": lambda low, high, margin: high < 0,
    },
    "possible_row": {
        "exists": lambda a, f, n, p, t: f <= a,
        "rounded": lambda a, f, n, p, t: bool(_possible(a, f, n, p, 1e-6).any()),
        "ends": lambda a, f, n, p, t: bool(_possible(a, f, n, p, t, cut=1).any()),  # range(abnormal), range(normal)
        "together": lambda a, f, n, p, t: bool(
            ((_tables(n, p)[0] - a).abs() <= t).any() and ((_tables(n, p)[1] - f).abs() <= t).any()
        ),
        "too low": lambda a, f, n, p, t: f <= 2 * p / (2 * p + (1 - a) * (n + p)),  # no more hits than abnormal images
        "counts": lambda a, f, n, p, t: bool(_possible(a, f, 234, 390, t).any()),
        "bool": lambda a, f, n, p, t: _possible(a, f, n, p, t),
    },
}
