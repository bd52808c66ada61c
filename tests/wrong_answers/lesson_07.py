"""Lesson 07: when neighbours help."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor


def exchanged(tokens: Tensor, position: int) -> Tensor:
    changed = tokens.clone()
    changed[:, position] = tokens[:, position].roll(1, dims=0)
    return changed


def moves(predict: Any, tokens: Tensor, position: int) -> Tensor:
    return predict(exchanged(tokens, position))[:, position] - predict(tokens)[:, position]


def in_place(predict: Any, tokens: Tensor, position: int) -> float:
    before = predict(tokens)[:, position].clone()
    tokens[:, position] = tokens[:, position].roll(1, dims=0)
    return float((predict(tokens)[:, position] - before).square().sum(-1).mean())


def everywhere(predict: Any, tokens: Tensor, position: int) -> float:
    return float((predict(exchanged(tokens, position)) - predict(tokens)).square().sum(-1).mean())


def whole_images(predict: Any, tokens: Tensor, position: int) -> float:
    return float((predict(tokens.roll(1, dims=0)) - predict(tokens))[:, position].square().sum(-1).mean())


def cosines(one: Tensor, other: Tensor) -> Tensor:
    return F.normalize(one, dim=-1) @ F.normalize(other, dim=-1).T


def own(count: int) -> Tensor:
    return torch.arange(count)


def misfit(predicted: Tensor, keys: Tensor, slots: Tensor, scale: float, reduce: Any) -> Tensor:
    return reduce(scale * cosines(predicted, slots)) - scale * F.cosine_similarity(predicted, keys, dim=-1)


def log_mean_exp(fits: Tensor) -> Tensor:
    return fits.logsumexp(-1) - torch.tensor(float(fits.shape[-1])).log()


WRONG: dict[str, dict[str, Any]] = {
    "leak": {
        "kept": in_place,
        "alone": whole_images,
        "here": everywhere,
        "found": lambda predict, tokens, position: float((predict(tokens) - predict(tokens.clone())).square().sum()),
        "value": lambda predict, tokens, position: float(
            moves(predict, tokens, position).square().mean()
        ),  # over D, too
    },
    "info_nce": {
        "shape": lambda p, k, scale: F.cross_entropy(scale * cosines(p, k), own(len(p)), reduction="none"),
        "length": lambda p, k, scale: F.cross_entropy(scale * p @ k.T, own(len(p))),
        "chance": lambda p, k, scale: -scale * F.cosine_similarity(p, k, dim=-1).mean(),  # no alternatives
        "own": lambda p, k, scale: F.cross_entropy(-scale * cosines(p, k), own(len(p))),
        "scale": lambda p, k, scale: F.cross_entropy(50 * cosines(p, k), own(len(p))),
    },
    "misfit": {
        "shape": lambda p, k, slots, scale: scale * (cosines(p, slots) - F.cosine_similarity(p, k, dim=-1)[:, None]),
        "sign": lambda p, k, slots, scale: -misfit(p, k, slots, scale, log_mean_exp),
        "usual": lambda p, k, slots, scale: misfit(p, k, slots, scale, lambda fits: fits.logsumexp(-1)),
        "length": lambda p, k, slots, scale: log_mean_exp(scale * p @ slots.T) - scale * (p * k).sum(-1),
        "large": lambda p, k, slots, scale: misfit(p, k, slots, scale, lambda fits: fits.exp().mean(-1).log()),
        "mean": lambda p, k, slots, scale: misfit(p, k, slots, scale, lambda fits: fits.amax(-1)),
    },
}
