"""Classifier two-sample test (C2ST): do two sets of features come from one distribution?

Tests: Lopez-Paz and Oquab, "Revisiting Classifier Two-Sample Tests", ICLR 2017; and the share of nearest neighbours of
one's own side, Schilling, "Multivariate Two-Sample Tests Based on Nearest Neighbors", JASA 1986.

Paper: section 3.2 claims that what a memory queue holds has the features' own distribution while a learned matrix has
not, and shows it by t-SNE. Authors' file: none.

Differs from the original: a number with an interval beside the picture. A t-SNE keeps neighbourhoods and no more, so
two clouds may look mixed where a plain classifier tells them apart.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from squidlib.detection.metrics import Interval, auc

LEAST = 4  #: points a side and position: two to learn from, two to judge by
STRENGTH = 0.01  #: scikit-learn's C: small, for there are as many dimensions as points


def two_sample_auc(left: Tensor, right: Tensor, seed: int) -> Interval:
    """How well a classifier tells left from right: 0.5 where nobody could, 1 where the two lie apart.

    At each position a classifier learns from one half of the points and is judged by its AUC on the other half. One
    split is unbiased where the distributions are the same; pooled cross-validation would come out below 0.5, because
    a fold that lacks points of one side has too many of them in its training part.

    The classifier is a strongly regularised logistic regression on standardised dimensions. On SQUID's features a
    random forest found no difference that it missed, and took twenty times as long. It sees a difference in mean and
    not one in spread alone; ``nearest_own_share`` sees both.

    Args:
        left, right: (R, N, D) and (R, M, D), features of each position; the points of one position independent of
            each other. Near copies of one point on both halves (a digit drawn twice) push the AUC above 0.5.
        seed: of the halves.

    Returns:
        Mean over positions with its 95 % t-interval over positions, cut to 0..1. It takes the positions as
        independent; those of one network share its weights.

    Raises:
        ValueError: where R or D differ, there are fewer than 2 positions or 4 points, or a value is not finite.
    """
    from scipy.stats import t

    if left.ndim != 3 or right.ndim != 3 or (left.shape[0], left.shape[2]) != (right.shape[0], right.shape[2]):
        raise ValueError(f"(R, N, D) and (R, M, D) expected, got {tuple(left.shape)} and {tuple(right.shape)}")
    if len(left) < 2:
        raise ValueError(f"an interval over positions needs at least 2 positions, got {len(left)}")
    if min(left.shape[1], right.shape[1]) < LEAST:
        raise ValueError(f"at least {LEAST} points a side are needed, got {left.shape[1]} and {right.shape[1]}")
    if not (torch.isfinite(left).all() and torch.isfinite(right).all()):
        raise ValueError("features must be finite; got NaN or infinity")
    found = [
        _auc_of_one(one.detach().cpu().numpy(), other.detach().cpu().numpy(), [seed, position])
        for position, (one, other) in enumerate(zip(left, right, strict=True))
    ]
    mean, std = float(np.mean(found)), float(np.std(found, ddof=1))
    half = float(t.ppf(0.975, len(found) - 1)) * std / len(found) ** 0.5
    return Interval(mean, max(mean - half, 0.0), min(mean + half, 1.0))


def nearest_own_share(left: Tensor, right: Tensor) -> Tensor:
    """Share of all 2N points (N, D) whose nearest other point is of their own side: about 0.5 if mixed, 1 if apart.

    Raises:
        ValueError: where the shapes differ: with unequal numbers 0.5 would not mean "mixed".
    """
    if left.shape != right.shape:
        raise ValueError(f"as many points left as right expected, got {tuple(left.shape)} and {tuple(right.shape)}")
    points = torch.cat([left, right])
    own = torch.arange(len(points)) >= len(left)
    nearest = torch.cdist(points, points).fill_diagonal_(torch.inf).argmin(dim=1)
    return (own[nearest] == own).float().mean()


def _auc_of_one(left: NDArray[np.float32], right: NDArray[np.float32], seed: list[int]) -> float:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    # A generator for each side, so that left and right can change places.
    seen, unseen = zip(*(_halves(side, np.random.default_rng(seed)) for side in (left, right)), strict=True)
    classifier = make_pipeline(StandardScaler(), LogisticRegression(C=STRENGTH, solver="newton-cholesky", tol=1e-6))
    classifier.fit(np.concatenate(seen), _labels(seen))
    return auc(_labels(unseen), classifier.decision_function(np.concatenate(unseen)))


def _halves(
    points: NDArray[np.float32], generator: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    order = generator.permutation(len(points))
    return points[order[: len(points) // 2]], points[order[len(points) // 2 :]]


def _labels(sides: tuple[NDArray[np.float32], ...]) -> NDArray[np.int64]:
    return np.repeat([0, 1], [len(side) for side in sides])
