"""Evaluation: every score and the trivial baselines on the same images, with intervals.

Paper: section 4.2 and 5.1. Only this module sees labels. Thresholds come from normal calibration images; the oracle
figure is computed on the test labels and is named so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from digitanatomy import ANOMALIES, NORMAL, DigitAnatomy
from squidlib.baselines import FeatureNeighbours, MeanImage, Method, PatchNeighbours, Sharpness
from squidlib.baselines.backbone import backbone
from squidlib.data.digits import Digits
from squidlib.detection.detector import Detector
from squidlib.detection.metrics import (
    Decision,
    Interval,
    bootstrap_auc,
    decide,
    oracle_threshold,
    pixel_auc,
    worst_patch_hits,
)
from squidlib.detection.scores import DEFAULT_SCORE
from squidlib.patches import Grid

FALSE_POSITIVE_RATE = 0.05


@dataclass(frozen=True)
class Row:
    """AUC of one score: against each kind of anomaly, their mean, and against all abnormal images at once."""

    kinds: dict[str, Interval]
    mean: float
    overall: Interval


@dataclass(frozen=True)
class Evaluation:
    """Everything that ``squid evaluate`` prints; ``as_json`` writes it."""

    images: dict[str, int]
    scores: dict[str, Row]
    baselines: dict[str, Row]
    false_positive_rate: float
    decision: Decision
    oracle: Decision
    pixel_auc: dict[str, float]
    worst_tile: dict[str, float]  #: share of *detected* anomalies whose worst tile is wrong; NaN: none detected
    default: str = DEFAULT_SCORE  #: the score that the decisions are of
    detected: dict[str, float] = field(default_factory=dict)  #: share of images above the threshold, normals too

    def as_json(self) -> dict[str, Any]:
        """Plain dictionaries and numbers; None stands for NaN, which JSON has not."""
        return asdict(self) | {
            "decision": self.decision._asdict(),
            "oracle": self.oracle._asdict(),
            "worst_tile": {kind: None if np.isnan(share) else share for kind, share in self.worst_tile.items()},
            "scores": {name: _row_json(row) for name, row in self.scores.items()},
            "baselines": {name: _row_json(row) for name, row in self.baselines.items()},
        }


def evaluate(
    detector: Detector, data: Digits, test: DigitAnatomy | None = None, rate: float = FALSE_POSITIVE_RATE
) -> Evaluation:
    """Score the test set (``data.test()`` by default) and compare with labels and masks.

    Args:
        data: the digits whose training images the baselines learn from.
        rate: share of normal calibration images that the threshold may call abnormal.
    """
    test = data.test() if test is None else test
    samples = list(test)
    images = torch.stack([sample.image for sample in samples])
    methods = trivial_baselines(detector.config.grid)
    found = evaluate_images(detector, images, [sample.kind for sample in samples], data.reference(), rate, methods)
    kinds = np.array([sample.kind for sample in samples])
    called = detector.score(images).numpy() > found.decision.threshold
    wrong = torch.stack([sample.wrong for sample in samples])
    hits = worst_patch_hits(wrong, detector.patch_scores(images))
    maps = detector.anomaly_map(images)
    masks = torch.stack([sample.mask for sample in samples])
    present = [kind for kind in ANOMALIES if (kinds == kind).any()]
    return replace(
        found,
        pixel_auc={kind: pixel_auc(masks[kinds == kind], maps[kinds == kind]) for kind in present},
        worst_tile={kind: _share(hits[(kinds == kind) & called]) for kind in present},
    )


def evaluate_images(
    detector: Detector,
    images: Float[Tensor, "N 1 H W"],
    image_kinds: Sequence[str],
    reference: Float[Tensor, "M 1 H W"],
    rate: float = FALSE_POSITIVE_RATE,
    baselines: Sequence[Method] | None = None,
) -> Evaluation:
    """Score labelled images of which nobody knows *where* they are abnormal.

    Args:
        images: in 0..1.
        image_kinds: of each image; ``NORMAL``, or what it is abnormal by.
        reference: normal training images, which the baselines learn from.
        rate: share of normal calibration images that the threshold may call abnormal.
        baselines: None: the trivial ones, and 2-NN on ImageNet features where such are on this machine.
    """
    kinds = np.array(image_kinds)
    labels = (kinds != NORMAL).astype(int)
    present = [kind for kind in dict.fromkeys(image_kinds) if kind != NORMAL]
    scored = detector.scores(images)
    if baselines is None:
        baselines = [*trivial_baselines(detector.config.grid), *_pretrained_baselines()]
    own = scored[detector.default_score].numpy()
    threshold = detector.threshold(rate)
    called = own > threshold
    return Evaluation(
        images={kind: int((kinds == kind).sum()) for kind in (NORMAL, *present)},
        scores={name: _row(kinds, values, present) for name, values in scored.items()},
        baselines={method.name: _row(kinds, method.fit(reference).score(images), present) for method in baselines},
        false_positive_rate=rate,
        decision=decide(labels, own, threshold),
        oracle=decide(labels, own, oracle_threshold(labels, own)),
        pixel_auc={},
        worst_tile={},
        default=detector.default_score,
        detected={kind: float(np.mean(called[kinds == kind])) for kind in (NORMAL, *present)},
    )


def trivial_baselines(grid: Grid) -> list[Method]:
    """What learns nothing, or no more than a mean or copies."""
    return [Sharpness(), MeanImage(), PatchNeighbours(grid)]


@lru_cache(maxsize=1)  # it remembers features, so that several runs on the same images cost no more than one
def _pretrained_baselines() -> list[Method]:
    network = backbone(size=224)
    return [FeatureNeighbours(network)] if network.pretrained else []


def _share(found: np.ndarray) -> float:
    return float(found.mean()) if found.size else float("nan")


def _row(kinds: np.ndarray, scores: Tensor, present: list[str]) -> Row:
    values = scores.numpy()
    normal = kinds == NORMAL
    each = {
        kind: bootstrap_auc((kinds == kind)[normal | (kinds == kind)].astype(int), values[normal | (kinds == kind)])
        for kind in present
    }
    overall = bootstrap_auc((~normal).astype(int), values)
    return Row(each, float(np.mean([interval.value for interval in each.values()])), overall)


def _row_json(row: Row) -> dict[str, Any]:
    return {
        "kinds": {kind: interval._asdict() for kind, interval in row.kinds.items()},
        "mean": row.mean,
        "overall": row.overall._asdict(),
    }
