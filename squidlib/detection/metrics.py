"""Metrics: how well scores separate abnormal from normal images, and maps point at what is wrong.

Paper: section 4.2 (AUC, accuracy, F1). Authors' file: alert.py, which takes the threshold that maximises *test*
accuracy. Here a threshold comes from normal calibration images; the other is called "oracle" and only reported as such.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray


class Interval(NamedTuple):
    """A value with the limits of its 95 % interval."""

    value: float
    low: float
    high: float


class Decision(NamedTuple):
    """What one threshold gives: an image is called abnormal where its score is above it."""

    threshold: float
    accuracy: float
    f1: float
    sensitivity: float
    specificity: float


def auc(labels: ArrayLike, scores: ArrayLike) -> float:
    """Area under the ROC curve; labels 0 normal, 1 abnormal; scores finite, higher = more abnormal.

    Raises:
        ValueError: where lengths differ, a score is NaN or infinite, or one of the classes is absent.
    """
    from sklearn.metrics import roc_auc_score

    truth, values = _checked(labels, scores)
    return float(roc_auc_score(truth, values))


def bootstrap_auc(labels: ArrayLike, scores: ArrayLike, rounds: int = 1000, seed: int = 0) -> Interval:
    """AUC with a 95 % percentile interval; normal and abnormal images are drawn with replacement, each by itself."""
    truth, values = _checked(labels, scores)
    if rounds < 1:
        raise ValueError(f"at least one round of drawing is needed, got {rounds=}")
    generator = np.random.default_rng(seed)
    order = np.argsort(values)
    positive = truth[order] == 1
    starts = np.flatnonzero(np.append(True, np.diff(values[order]) > 0))  # of groups of equal scores
    # How often each image was drawn, a row a round; then all rounds at once: a pair counts 1 where the abnormal image
    # scores higher and 1/2 where the two are equal.
    drawn = np.empty((rounds, len(values)))
    for chosen in (positive, ~positive):
        count = int(chosen.sum())
        drawn[:, chosen] = generator.multinomial(count, np.full(count, 1 / count), size=rounds)
    negatives = np.add.reduceat(drawn * ~positive, starts, axis=1)
    positives = np.add.reduceat(drawn * positive, starts, axis=1)
    below = np.cumsum(negatives, axis=1) - negatives / 2
    areas = (positives * below).sum(axis=1) / (positive.sum() * (~positive).sum())
    low, high = np.percentile(areas, [2.5, 97.5])
    return Interval(auc(truth, values), float(low), float(high))


def threshold_at(normal_scores: ArrayLike, false_positive_rate: float) -> float:
    """The score that a share ``false_positive_rate`` of normal calibration images exceeds.

    Raises:
        ValueError: where the rate is not inside 0..1, there are no scores or one is NaN or infinite.
    """
    scores = np.asarray(normal_scores, dtype=float)
    if not 0 < false_positive_rate < 1:
        raise ValueError(f"a false-positive rate lies between 0 and 1, got {false_positive_rate}")
    if not scores.size:
        raise ValueError("at least one normal calibration score is needed to set a threshold")
    if not np.isfinite(scores).all():
        raise ValueError("calibration scores must be finite; got NaN or infinity")
    return float(np.quantile(scores, 1 - false_positive_rate))


def decide(labels: ArrayLike, scores: ArrayLike, threshold: float) -> Decision:
    """Accuracy, F1, sensitivity and specificity at a *given* threshold."""
    if np.isnan(threshold):
        raise ValueError("a threshold must be a number, got NaN")
    truth, values = _checked(labels, scores)
    called = values > threshold
    hits, false_alarms = np.sum(called & (truth == 1)), np.sum(called & (truth == 0))
    misses = np.sum(~called & (truth == 1))
    return Decision(
        threshold=float(threshold),
        accuracy=float(np.mean(called == (truth == 1))),
        f1=float(2 * hits / (2 * hits + false_alarms + misses)),
        sensitivity=float(hits / np.sum(truth == 1)),
        specificity=float(1 - false_alarms / np.sum(truth == 0)),
    )


def oracle_threshold(labels: ArrayLike, scores: ArrayLike) -> float:
    """The threshold with the best accuracy on these very labels: an upper bound and no result."""
    truth, values = _checked(labels, scores)
    order = np.argsort(values)
    # Cut below all, between neighbours or above all: correct = normals below the cut + abnormals above it.
    below = np.concatenate([[0], np.cumsum(truth[order] == 0)])
    above = np.concatenate([[np.sum(truth)], np.sum(truth) - np.cumsum(truth[order])])
    ordered = values[order]
    cuts = np.concatenate([[np.nextafter(ordered[0], -np.inf)], ordered])
    allowed = np.concatenate([[True], np.append(ordered[1:] > ordered[:-1], True)])
    return float(cuts[np.argmax(np.where(allowed, below + above, -1))])


def pixel_auc(masks: ArrayLike, maps: ArrayLike) -> float:
    """AUC of anomaly maps against masks over all pixels of all images; both of one shape."""
    truth, values = np.asarray(masks).astype(int), np.asarray(maps)
    if truth.shape != values.shape:
        raise ValueError(f"masks and maps of one shape expected, got {truth.shape} and {values.shape}")
    return auc(truth.ravel(), values.ravel())


def worst_patch_hits(wrong: ArrayLike, patch_scores: ArrayLike) -> NDArray[np.bool_]:
    """For each image, whether the patch with the highest score is a wrong one: (B, R), (B, R) -> (B,)."""
    wrong, patch_scores = np.asarray(wrong, dtype=bool), np.asarray(patch_scores)
    if wrong.shape != patch_scores.shape or wrong.ndim != 2:
        raise ValueError(f"two (B, R) arrays expected, got {wrong.shape} and {patch_scores.shape}")
    if not np.isfinite(patch_scores).all():
        raise ValueError("scores must be finite; got NaN or infinity")
    return wrong[np.arange(len(wrong)), patch_scores.argmax(axis=1)]


def _checked(labels: ArrayLike, scores: ArrayLike) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    truth, values = np.asarray(labels), np.asarray(scores, dtype=float)
    if truth.ndim != 1 or truth.shape != values.shape:
        raise ValueError(f"one label for each score expected, got shapes {truth.shape} and {values.shape}")
    if not np.isfinite(values).all():
        raise ValueError("scores must be finite; got NaN or infinity")
    if set(np.unique(truth).tolist()) != {0, 1}:
        raise ValueError(f"labels 0 and 1 must both be present, got {sorted(set(truth.tolist()))}")
    return truth.astype(np.int64), values
