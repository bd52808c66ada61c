"""Judging: a method's scores and maps held against labels and masks. Only the harness calls this.

Paper: section 4.2. A threshold comes from normal calibration images; the oracle's, chosen on the test labels, is an
upper bound and no result.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float
from torch import Tensor

from digitanatomy import NORMAL
from squidlib.benchmark.source import TestSet
from squidlib.detection.metrics import auc, decide, oracle_threshold, pixel_auc, threshold_at

FALSE_POSITIVE_RATE = 0.05


def judge(
    test_set: TestSet,
    scores: Float[Tensor, "T"],
    calibration: Float[Tensor, "K"],
    maps: Float[Tensor, "T 1 H W"] | None = None,
) -> dict[str, Any]:
    """Figures as JSON wants them.

    Args:
        scores: of the test images, in the exam's order.
        calibration: scores of normal images, which give the threshold.
        maps: anomaly maps of the test images; used where the exam has masks.

    Returns:
        "auc": of each kind against the normal images, "mean" over kinds, "all" abnormal images at once;
        "calibrated" and "oracle": threshold, accuracy, f1, sensitivity, specificity;
        "pixel_auc": of each kind and "mean", or None.
    """
    kinds, values, labels = np.array(test_set.kinds), scores.double().numpy(), test_set.labels.numpy()
    anomalies = [kind for kind in dict.fromkeys(test_set.kinds) if kind != NORMAL]
    areas = {}
    for kind in anomalies:
        own = (kinds == kind) | (kinds == NORMAL)
        areas[kind] = auc(labels[own], values[own])
    threshold = threshold_at(calibration.double().numpy(), FALSE_POSITIVE_RATE)
    pixels = None
    if maps is not None and test_set.masks is not None:
        chosen = {kind: np.flatnonzero(kinds == kind) for kind in anomalies}
        pixels = _with_mean({kind: pixel_auc(test_set.masks[own], maps[own]) for kind, own in chosen.items()})
    return {
        "auc": _with_mean(areas) | {"all": auc(labels, values)},
        "calibrated": decide(labels, values, threshold)._asdict(),
        "oracle": decide(labels, values, oracle_threshold(labels, values))._asdict(),
        "pixel_auc": pixels,
    }


def _with_mean(values: dict[str, float]) -> dict[str, float]:
    return values | {"mean": float(np.mean(list(values.values())))}
