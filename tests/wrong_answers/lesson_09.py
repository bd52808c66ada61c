"""Lesson 09: judging."""

from __future__ import annotations

import statistics
from typing import Any

import numpy as np
import torch
from sklearn.metrics import roc_curve


def _counts(labels: Any, called: Any) -> tuple[Any, Any, Any]:
    truth = labels == 1
    return (called & truth).sum(), (called & ~truth).sum(), (~called & truth).sum()


def _f1(labels: Any, called: Any) -> float:
    hits, alarms, misses = _counts(labels, called)
    return float(2 * hits / (2 * hits + alarms + misses))


def _accuracy(labels: Any, called: Any) -> float:
    return float((called == (labels == 1)).mean())


def _by_precision(labels: Any, scores: Any, threshold: float) -> tuple[float, float]:
    hits, alarms, misses = _counts(labels, scores > threshold)
    with np.errstate(invalid="ignore"):
        precision, recall = hits / (hits + alarms), hits / (hits + misses)
    return _accuracy(labels, scores > threshold), float(2 * precision * recall / (precision + recall))


def _only_scores(labels: Any, scores: Any) -> float:
    accuracy = ((scores > scores[:, None]) == (labels == 1)).mean(1)
    return float(scores[accuracy.argmax()])


def _from_roc_curve(labels: Any, scores: Any) -> float:
    false, true, thresholds = roc_curve(labels, scores)  # it calls what is at its threshold
    return float(thresholds[(true - false).argmax()])


def _hits(wrong: Any, scores: Any) -> Any:
    return wrong[torch.arange(len(wrong)), scores.argmax(1)]


WRONG: dict[str, dict[str, Any]] = {
    "accuracy_and_f1": {
        "accuracy": lambda y, s, t: (float((s > t).mean()), _f1(y, s > t)),  # share of what was called
        "f1": lambda y, s, t: (_accuracy(y, s > t), _accuracy(y, s > t)),
        "no hit": _by_precision,
        "above": lambda y, s, t: (_accuracy(y, s >= t), _f1(y, s >= t)),
        "two": lambda y, s, t: _accuracy(y, s > t),
    },
    "oracle_threshold": {
        "above": _from_roc_curve,
        "separated": lambda y, s: float(((s > s[:, None]) == (y == 1)).mean(1).max()),  # the accuracy itself
        "best": lambda y, s: float((s[y == 0].mean() + s[y == 1].mean()) / 2),
        "everything": _only_scores,
        "number": lambda y, s: s[y == 0],
    },
    "over_seeds": {
        "mean": lambda v: (statistics.median(v), float(np.std(v, ddof=1))),
        "unit": lambda v: (float(np.mean(v)), float(np.var(v))),
        "spread": lambda v: (float(np.mean(v)), float(np.std(v, ddof=1) / len(v) ** 0.5)),  # the standard error
        "n - 1": lambda v: (float(np.mean(v)), float(np.std(v))),
        "one": lambda v: (sum(v) / len(v), statistics.stdev(v) if len(v) > 1 else 0.0),
        "two": lambda v: float(np.mean(v)),
    },
    "hit_share": {
        "worst": lambda w, s, c: _hits(w, s.abs())[c].float().mean(),  # the largest absolute value
        "called": lambda w, s, c: _hits(w, s).float().mean(),
        "of the called": lambda w, s, c: (_hits(w, s) & c).float().mean(),
        "none": lambda w, s, c: _hits(w, s)[c].float().sum() / c.sum().clamp(min=1),
        "number": lambda w, s, c: _hits(w, s)[c],
    },
}
