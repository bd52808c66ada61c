"""Lesson 05: shrinkage."""

from __future__ import annotations

import torch
import torch.nn.functional as F

WRONG = {
    "effective_slots": {
        "zeros": lambda w: torch.exp(-(w * w.log()).sum(-1)),
        "one": lambda w: -(w * w.clamp(min=1e-12).log()).sum(-1),  # forgot the exponential
        "even": lambda w: torch.exp(-(w * w.clamp(min=1e-12).log2()).sum(-1)),  # bits with a natural exponential
        "shape": lambda w: torch.exp(-(w * w.clamp(min=1e-12).log()).sum()),
        "uneven": lambda w: 1 / (w**2).sum(-1),  # inverse Simpson
    },
    "hard_shrink": {
        "cut": lambda w, t: w / w.sum(-1, keepdim=True),
        "at": lambda w, t: F.normalize(torch.where(w >= t, w, torch.zeros_like(w)), p=1, dim=-1),
        "kept": lambda w, t: torch.where(w > t, torch.zeros_like(w), w) * 0,
        "sum": lambda w, t: torch.where(w > t, w, torch.zeros_like(w)),
        "ratio": lambda w, t: F.normalize(F.relu(w - t), p=1, dim=-1),
        "empty": lambda w, t: (kept := torch.where(w > t, w, torch.zeros_like(w))) / kept.sum(-1, keepdim=True),
    },
    "topk_shrink": {
        "k-th": lambda w, k: F.normalize(F.relu(w - w.topk(k).values[..., -1:]), p=1, dim=-1),  # the authors'
        "exactly k": lambda w, k: F.normalize(w * (w >= w.flatten().topk(k).values[-1]), p=1, dim=-1),
        "largest": lambda w, k: torch.cat([w.topk(k).values, torch.zeros_like(w[..., k:])], dim=-1),
        "tie": lambda w, k: F.normalize(w * (w >= w.topk(k).values[..., -1:]), p=1, dim=-1),
        "sum": lambda w, k: torch.zeros_like(w).scatter(-1, w.topk(k).indices, w.topk(k).values),
        "ratio": lambda w, k: torch.zeros_like(w).scatter(-1, w.topk(k).indices, w.topk(k).values.softmax(-1)),
        "raises": lambda w, k: w.topk(k, axis=7),
    },
    "straight_through": {
        "value": lambda soft, hard: soft,
        "has gradient": lambda soft, hard: hard.detach(),
        "hard alone": lambda soft, hard: hard,
        "gradient": lambda soft, hard: hard + soft - soft.detach(),  # hard keeps its own gradient
        "shape": lambda soft, hard: (soft + (hard - soft).detach()).sum(),
    },
}
