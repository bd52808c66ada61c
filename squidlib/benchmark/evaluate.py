"""Evaluation: scores and maps held against labels and masks. The one place where labels are looked at.

Paper: section 4.2 and 5.1. Thresholds come from normal calibration images; the oracle figure is chosen on the test
labels, an upper bound and no result, and is named so.

``evaluate`` is of a detector, with every score, naive baselines and intervals. ``judge`` is of any method's scores, for
the benchmark.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Float
from torch import Tensor

from digitanatomy import NORMAL
from squidlib.baselines import Method
from squidlib.benchmark.same_source import SOURCE_ALONE, SameSource, same_source
from squidlib.benchmark.simple_methods import simple_methods
from squidlib.data.base import Dataset, TestSet, check_both_classes, require_test_set
from squidlib.detection.detector import Detector
from squidlib.detection.metrics import (
    Decision,
    Interval,
    auc,
    bootstrap_auc,
    decide,
    oracle_threshold,
    pixel_auc,
    threshold_at,
    worst_patch_hits,
)
from squidlib.detection.scores import DEFAULT_SCORE

FALSE_POSITIVE_RATE = 0.05


@dataclass(frozen=True)
class Row:
    """AUC of one score: against each anomaly type, their mean, and against all abnormal images at once."""

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
    unlike: dict[str, float] = field(default_factory=dict)  #: share of images that are unlike the training data
    same_source: dict[str, SameSource] = field(default_factory=dict)  #: of the default score, see ``same_source``

    def as_json(self) -> dict[str, Any]:
        """Plain dictionaries and numbers; None stands for NaN, which JSON has not."""
        return asdict(self) | {
            "decision": self.decision._asdict(),
            "oracle": self.oracle._asdict(),
            "worst_tile": {kind: None if np.isnan(share) else share for kind, share in self.worst_tile.items()},
            "scores": {name: _row_json(row) for name, row in self.scores.items()},
            "baselines": {name: _row_json(row) for name, row in self.baselines.items()},
            "same_source": {
                name: found._asdict() | {"auc": found.auc._asdict()} for name, found in self.same_source.items()
            },
        }


def evaluate(
    detector: Detector,
    data: Dataset,
    test: TestSet | None = None,
    rate: float = FALSE_POSITIVE_RATE,
    baselines: Sequence[Method] | None = None,
) -> Evaluation:
    """Score a data set's test images in one pass and compare with what is known of them.

    Args:
        data: whose training images the baselines learn from.
        test: other test images than ``data.test()``.
        rate: share of normal calibration images that the threshold may call abnormal.
        baselines: None: the naive ones, and 2-NN on ImageNet features where such are on this machine and may say
            something of the images.

    Raises:
        UserError: where there are no normal, or no abnormal, test images; ``one_class`` says what can be said then.
    """
    test = require_test_set(data) if test is None else test
    check_both_classes(test)
    if baselines is None:
        baselines = simple_methods(data, detector.config.grid)
    found = detector.predict(test.images, rate)
    kinds, labels, present = np.array(test.anomaly_types), test.labels.numpy(), test.present
    own, called, reference = found.score.numpy(), found.abnormal.numpy(), data.reference()
    groups = {kind: kinds == kind for kind in (NORMAL, *present)}
    wrong = test.wrong_tiles(detector.config.grid)
    hits = None if wrong is None else worst_patch_hits(wrong, found.patch_scores)
    return Evaluation(
        images={kind: int(rows.sum()) for kind, rows in groups.items()},
        scores={name: _row(kinds, values, present) for name, values in found.scores.items()},
        baselines={name: _row(kinds, values, present) for name, values in _baseline_scores(test, reference, baselines)},
        false_positive_rate=rate,
        decision=decide(labels, own, found.threshold),
        oracle=decide(labels, own, oracle_threshold(labels, own)),
        pixel_auc=_pixel_aucs(test, found.anomaly_map),
        worst_tile={} if hits is None else {kind: _share(hits[groups[kind] & called]) for kind in present},
        default=found.score_name,
        detected={kind: float(np.mean(called[rows])) for kind, rows in groups.items()},
        unlike={kind: float(np.mean(found.unlike.numpy()[rows])) for kind, rows in groups.items()},
        same_source=same_source(test, own),
    )


def _baseline_scores(test: TestSet, reference: Tensor, baselines: Sequence[Method]) -> Iterator[tuple[str, Tensor]]:
    """Of every baseline, and of the source alone where the test images have one each."""
    for base in baselines:
        yield base.name, base.fit(reference).score(test.images)
    if test.source_rarity is not None:
        yield SOURCE_ALONE, test.source_rarity


def judge(
    test_set: TestSet,
    scores: Float[Tensor, "T"],
    calibration: Float[Tensor, "K"],
    maps: Float[Tensor, "T 1 H W"] | None = None,
) -> dict[str, Any]:
    """Figures of one method as JSON wants them.

    Args:
        scores: of the test images, in the test set's order.
        calibration: scores of normal images, which give the threshold.
        maps: anomaly maps of the test images; used where the test set has masks.

    Returns:
        "auc": of each anomaly type against the normal images, "mean" over types, "all" abnormal images at once;
        "calibrated" and "oracle": threshold, accuracy, f1, sensitivity, specificity;
        "pixel_auc": of each type and "mean", or None.
    """
    kinds, values, labels = np.array(test_set.anomaly_types), scores.double().numpy(), test_set.labels.numpy()
    areas = {}
    for kind in test_set.present:
        own = (kinds == kind) | (kinds == NORMAL)
        areas[kind] = auc(labels[own], values[own])
    threshold = threshold_at(calibration.double().numpy(), FALSE_POSITIVE_RATE)
    pixels = None if maps is None else _pixel_aucs(test_set, maps)
    return {
        "auc": _with_mean(areas) | {"all": auc(labels, values)},
        "calibrated": decide(labels, values, threshold)._asdict(),
        "oracle": decide(labels, values, oracle_threshold(labels, values))._asdict(),
        "pixel_auc": _with_mean(pixels) if pixels else None,
    }


def _pixel_aucs(test: TestSet, maps: Float[Tensor, "T 1 H W"]) -> dict[str, float]:
    """Of each anomaly type, over all pixels of its images; none where nobody knows where they are abnormal.

    A type whose masks are empty, or cover every pixel, has none.
    """
    if test.masks is None:
        return {}
    kinds = np.array(test.anomaly_types)
    rows = {kind: np.flatnonzero(kinds == kind) for kind in test.present}
    known = {kind: own for kind, own in rows.items() if 0 < test.masks[own].float().mean() < 1}
    return {kind: pixel_auc(test.masks[own], maps[own]) for kind, own in known.items()}


def _with_mean(values: Mapping[str, float]) -> dict[str, float]:
    return {**values, "mean": float(np.mean(list(values.values())))}


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
