"""Lesson 11: true UAD."""

from __future__ import annotations

import random
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from digitanatomy import ANOMALIES
from squidlib.detection.memory_pruning import isolation


def _sorted_kinds(count: int, share: int) -> list[str]:
    normal = count * share // 100
    return ["normal"] * normal + [kind for kind in ANOMALIES for _ in range((count - normal) // len(ANOMALIES))]


def _rolled(count: int, share: int, generator: torch.Generator) -> list[str]:
    drawn = torch.rand(count, generator=generator)
    return ["normal" if value < share / 100 else "novel" for value in drawn.tolist()]


def _one_kind(count: int, share: int, generator: torch.Generator) -> list[str]:
    return ["normal"] * (count * share // 100) + ["novel"] * (count - count * share // 100)


def _own_chance(count: int, share: int, generator: torch.Generator) -> list[str]:
    kinds = _sorted_kinds(count, share)
    random.shuffle(kinds)
    return kinds


def _keep(slots: Tensor, loneliness: Tensor, count: int, ordered: bool = True) -> Tensor:
    kept = loneliness.topk(slots.shape[1] - count, largest=False).indices
    kept = kept.sort(-1).values if ordered else kept
    return torch.take_along_dim(slots, kept[..., None], dim=1)


def _with_itself(slots: Tensor, count: int, nearest: int) -> Tensor:
    unit = F.normalize(slots, dim=-1)
    return _keep(slots, 1 - (unit @ unit.transpose(1, 2)).topk(nearest, dim=-1).values.mean(-1), count)


def _products(slots: Tensor, count: int, nearest: int) -> Tensor:
    products = slots @ slots.transpose(1, 2)
    products.diagonal(dim1=1, dim2=2).fill_(-torch.inf)
    return _keep(slots, 1 - products.topk(nearest, dim=-1).values.mean(-1), count)


def _distances(slots: Tensor, count: int, nearest: int) -> Tensor:
    distances = torch.cdist(slots, slots)
    return _keep(slots, distances.topk(nearest + 1, largest=False).values.mean(-1), count)


WRONG: dict[str, dict[str, Any]] = {
    "contaminated_types": {
        "per cent": lambda count, share, generator: ["normal"] * (count * share),
        "list": lambda count, share, generator: {"normal": count * share // 100},
        "normal": _rolled,
        "equal": _one_kind,
        "shuffled": lambda count, share, generator: _sorted_kinds(count, share),
        "generator": _own_chance,
    },
    "wrong_share": {
        "shape": lambda wrong: wrong.float().mean(1),  # of each image, not of each position
        "share": lambda wrong: wrong.sum(0),
        "all images": lambda wrong: wrong.float().sum(0) / wrong.any(1).sum(),  # of the abnormal images only
    },
    "drop_isolated_slots": {
        "shape": lambda slots, count, nearest: _keep(slots, isolation(slots, nearest), slots.shape[1] - count),
        "copies": lambda slots, count, nearest: _keep(F.normalize(slots, dim=-1), isolation(slots, nearest), count),
        "end": lambda slots, count, nearest: _keep(slots, -isolation(slots, nearest), count),
        "alone": _distances,
        "long": _products,
        "isolated": lambda slots, count, nearest: _keep(slots, isolation(slots, 1), count),
        "order": lambda slots, count, nearest: _keep(slots, isolation(slots, nearest), count, ordered=False),
        "itself": _with_itself,
    },
    "contaminated_threshold": {
        "number": lambda scores, share, rate: torch.quantile(scores, torch.tensor([share * (1 - rate)])),
        "clean": lambda scores, share, rate: float(torch.quantile(scores, share * rate)),
        "share": lambda scores, share, rate: float(torch.quantile(scores, 1 - rate)),
        "order": lambda scores, share, rate: float(
            torch.quantile(scores[-round(share * len(scores)) :], 1 - rate)
        ),  # the check's first set has its normals last
    },
    "auc_lost": {
        "dictionary": lambda aucs: [aucs[100][0] - values[0] for values in aucs.values()],
        "numbers": lambda aucs: {share: [a - b for a, b in zip(aucs[100], aucs[share])] for share in aucs},  # noqa: B905
        "clean": lambda aucs: {share: sum(values) / len(values) for share, values in aucs.items()},
        "sign": lambda aucs: {
            share: sum(values) / len(values) - sum(aucs[100]) / len(aucs[100]) for share, values in aucs.items()
        },
        "mean": lambda aucs: {
            share: sum(abs(a - b) for a, b in zip(aucs[100], values, strict=False)) / len(values)
            for share, values in aucs.items()
        },
        "seed by seed": lambda aucs: {
            share: sum(aucs[100]) / len(aucs[100]) - sum(values) / len(values) for share, values in aucs.items()
        },
    },
}
