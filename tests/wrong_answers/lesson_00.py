"""Lesson 00: AUC, threshold, worst tile."""

from __future__ import annotations

import torch


def _place(worst: torch.Tensor) -> torch.Tensor:
    return torch.stack([worst // 3, worst % 3], dim=-1)


WRONG = {
    "pairs_in_order": {
        "one number": lambda normal, abnormal: (abnormal[:, None] > normal).float().mean(0),
        "direction": lambda normal, abnormal: float((normal[:, None] > abnormal).float().mean()),
        "pairs": lambda normal, abnormal: float((abnormal > normal).float().mean()),
        "numbers": lambda normal, abnormal: float((abnormal[:, None] > normal).float().sum() / len(normal) ** 2),
        "ties": lambda normal, abnormal: float((abnormal[:, None] > normal).float().mean()),
    },
    "normal_threshold": {
        "one number": lambda scores, rate: scores.sort().values[round(len(scores) * (1 - rate)) :],
        "side": lambda scores, rate: float(torch.quantile(scores, rate)),
        "some": lambda scores, rate: float(scores.max()),
        "skewed": lambda scores, rate: float(scores.mean() + 1.645 * scores.std()),
        "rate": lambda scores, rate: float(torch.quantile(scores, 0.95)),
    },
    "worst_tile": {
        "shape": lambda scores: scores.argmax(dim=-1),
        "range": lambda scores: _place(scores.argmax(dim=-1)) + 1,
        "row first": lambda scores: _place(scores.argmax(dim=-1)).flip(-1),
        "highest": lambda scores: _place(scores.argmin(dim=-1)),
        "negative": lambda scores: _place(scores.abs().argmax(dim=-1)),
    },
}
