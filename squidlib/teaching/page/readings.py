"""Readings: what normal images score for every memory size and shrinkage that the page offers, and the AUC there."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from squidlib.detection.onnx_page import scale_of
from squidlib.detection.prediction import limits_of
from squidlib.teaching.explorer.setting import THRESHOLDS, ladder
from squidlib.teaching.explorer.state import ExplorerState
from squidlib.teaching.memory_sizes import sizes

RATE = 0.05  #: share of normal images that the page's threshold may call abnormal


class Readings(NamedTuple):
    """N readings, by the names of ``Setting.reading``.

    told: of each, its name, "threshold" of the verdict, "limits" and "scale" as the graph wants them, "auc".
    numbers: (N, 2 * P * R + M) float32, mean and std of the patch scores, then the sorted scores of M normal images.
    """

    told: list[dict[str, Any]]
    numbers: NDArray[np.float32]


def readings_of(state: ExplorerState) -> Readings:
    """All of the explorer's ladder, with the score that the detector reports."""
    told, rows = [], []
    for setting in ladder(state.most_slots):
        known = state.calibration(setting)
        score = state.detector.default_score
        auc = state.effect.auc(replace(setting, score=score), "mean")
        told.append({"name": setting.reading, "threshold": known.threshold(score, RATE),
                     "limits": list(limits_of(known)), "scale": scale_of(known), "auc": auc})  # fmt: skip
        parts: list[Tensor] = [known.mean, known.std, known.scores_of_normals(score).sort().values]
        rows.append(torch.cat([part.flatten().cpu().float() for part in parts]))
    return Readings(told, torch.stack(rows).numpy())


def steps(state: ExplorerState) -> dict[str, Any]:
    """What the sliders offer, and where they begin."""
    start = state.start()
    return {
        "sizes": sizes(state.most_slots),
        "thresholds": list(THRESHOLDS),
        "start": {"slots": start.slots, "shrinkage": start.shrinkage, "threshold": start.threshold, "k": start.k},
    }
