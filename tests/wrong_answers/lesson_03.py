"""Lesson 03: the memory matrix."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F

WRONG: dict[str, dict[str, Any]] = {
    "addressing": {
        "shape": lambda q, s, scale: torch.softmax(scale * F.normalize(s, dim=-1) @ F.normalize(q, dim=-1).T, -1),
        "before": lambda q, s, scale: scale * torch.softmax(F.normalize(q, dim=-1) @ F.normalize(s, dim=-1).T, -1),
        "rows": lambda q, s, scale: torch.softmax(scale * F.normalize(q, dim=-1) @ F.normalize(s, dim=-1).T, 0),
        "length": lambda q, s, scale: torch.softmax(scale * q @ s.T, -1),
        "scale": lambda q, s, scale: torch.softmax(F.normalize(q, dim=-1) @ F.normalize(s, dim=-1).T, -1),
        "value": lambda q, s, scale: torch.softmax(-scale * F.normalize(q, dim=-1) @ F.normalize(s, dim=-1).T, -1),
    },
    "space_aware_read": {
        "shape": lambda w, s: torch.einsum("brs,rsd->bd", w, s),
        "own position": lambda w, s: torch.einsum("brs,sd->brd", w, s[0]),
        "weighted sum": lambda w, s: s[torch.arange(len(s)), w.argmax(-1)],  # the strongest slot alone
        "raises": lambda w, s: w @ s.flatten(),
    },
    "mean_entropy": {
        "shape": lambda w: -(w * w.clamp(min=1e-12).log()).sum(-1),
        "zeros": lambda w: -(w * w.log()).sum(-1).mean(),
        "sign": lambda w: (w * w.clamp(min=1e-12).log()).sum(-1).mean(),
        "sum": lambda w: -(w * w.clamp(min=1e-12).log()).mean(),
        "value": lambda w: -(w * w.clamp(min=1e-12).log2()).sum(-1).mean(),
        "uneven": lambda w: -(w**2).sum(-1).log().mean(),
        "gradient": lambda w: -(w * w.log()).nansum(-1).mean(),
    },
    "mismatch": {
        "shape": lambda q, a: 1 - F.cosine_similarity(q, a, dim=-1),
        "zero": lambda q, a: (q - a).norm(dim=-1).amax(1),
        "features": lambda q, a: (1 - F.cosine_similarity(q, a)).amax(1),
        "worst": lambda q, a: (1 - F.cosine_similarity(q, a, dim=-1)).mean(1),
    },
}
