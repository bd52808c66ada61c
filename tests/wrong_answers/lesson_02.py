"""Lesson 02: the auto-encoder."""

from __future__ import annotations

from typing import Any

import torch

WRONG: dict[str, dict[str, Any]] = {
    "reconstruction_error": {
        "shape": lambda x, y: ((x - y) ** 2).mean(),
        "zero": lambda x, y: (x**2).mean(dim=(1, 2, 3)),
        "sign": lambda x, y: (x - y).mean(dim=(1, 2, 3)),
        "sum": lambda x, y: ((x - y) ** 2).sum(dim=(1, 2, 3)),
        "square": lambda x, y: (x - y).abs().mean(dim=(1, 2, 3)),
    },
    "rates": {
        "pair": lambda labels, scores, t: (scores > t).mean(),
        "order": lambda labels, scores, t: ((scores > t)[labels == 1].mean(), (scores > t)[labels == 0].mean()),
        "share": lambda labels, scores, t: (
            ((scores > t) & (labels == 0)).mean(),
            ((scores > t) & (labels == 1)).mean(),
        ),
        "tie": lambda labels, scores, t: ((scores >= t)[labels == 0].mean(), (scores >= t)[labels == 1].mean()),
        "value": lambda labels, scores, t: ((scores < t)[labels == 1].mean(), (scores < t)[labels == 1].mean()),
    },
    "worst_tile_score": {
        "shape": lambda e, n: (e - n.mean(0)) / n.std(0),
        "units": lambda e, n: (e - n.mean(0)).amax(1),
        "statistics": lambda e, n: ((e - n.mean(0)) / n.std(0)).amax(1) - e.mean(),
        "worst": lambda e, n: ((e - n.mean(0)) / n.std(0)).mean(1),
    },
    "mean_image_score": {
        "shape": lambda x, n: ((x - n.mean(0)) ** 2).mean().sqrt(),
        "mean image": lambda x, n: ((x - n.mean()) ** 2).mean(dim=(1, 2, 3)).sqrt(),
        "root": lambda x, n: ((x - n.mean(0)) ** 2).mean(dim=(1, 2, 3)),
        "value": lambda x, n: torch.sqrt((x - n.mean(0)) ** 2).mean(dim=(1, 2, 3)),
    },
}
