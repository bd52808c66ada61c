"""DeLong: is the AUC of one method different from another's on the same images, given that both have several seeds?

DeLong, DeLong and Clarke-Pearson, "Comparing the Areas under Two or More Correlated ROC Curves", Biometrics 1988;
placements by ranks: Sun and Xu, IEEE Signal Processing Letters 2014.

Their test takes one score an image. Here every method has one a seed, so the mean AUC over seeds is compared:

- other test images: an image's placement is averaged over seeds, and DeLong's variance taken of the averages, which
  allows for the images being the same in all seeds and both methods;
- other seeds: the variance of the AUCs over seeds, divided by their number, is added for each method. It holds a little
  of the images' variance once more, so that the test errs towards finding nothing.

The degrees of freedom are Satterthwaite's (Biometrics Bulletin 1946): three seeds say little about their variance.

Holm: p-values of several comparisons, corrected so that any false finding among them stays improbable.

Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 1979.

Order: do two tables put the same methods into the same order? Counted pair by pair.

Kendall, "A New Measure of Rank Correlation", Biometrika 1938: his tau is 1 - 2 * inverted / pairs where nothing ties.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int


class Placements(NamedTuple):
    """abnormal (P,): share of normal images that score lower; normal (N,): share of abnormal ones that score higher."""

    abnormal: np.ndarray
    normal: np.ndarray


class Comparison(NamedTuple):
    """Difference of the mean AUCs (first - second), its standard error, and the two-sided p-value."""

    difference: float
    error: float
    p: float


def placements(labels: Int[np.ndarray, "T"], scores: Float[np.ndarray, "T"]) -> Placements:
    """Equal scores count one half; the mean of either part is the AUC."""
    from scipy.stats import rankdata

    positive = labels == 1
    ranks = rankdata(scores)
    abnormal = (ranks[positive] - rankdata(scores[positive])) / (~positive).sum()
    normal = 1 - (ranks[~positive] - rankdata(scores[~positive])) / positive.sum()
    return Placements(abnormal, normal)


def compare(
    labels: Int[np.ndarray, "T"], first: Float[np.ndarray, "S T"], second: Float[np.ndarray, "U T"]
) -> Comparison:
    """Compare two methods on the same images.

    Args:
        labels: 0 normal, 1 abnormal; at least two of each.
        first, second: scores, a row a seed. Of one seed alone, the variance between seeds is unknown and left out.

    Raises:
        ValueError: where there are fewer than two images of a class.
    """
    from scipy.stats import t

    sides = [_placed(labels, rows) for rows in (first, second)]
    means = [_mean(rows) for rows in sides]
    difference = float(means[0].abnormal.mean() - means[1].abnormal.mean())
    variance = _over_images(*means)
    small = 0.0  # sum of squares over degrees of freedom, of the parts that have few
    for rows in sides:
        if len(rows) > 1:
            between = float(np.var([row.abnormal.mean() for row in rows], ddof=1)) / len(rows)
            variance += between
            small += between**2 / (len(rows) - 1)
    if variance < 1e-18:  # rounding: the same order of images in every seed of both
        return Comparison(difference, 0.0, 1.0 if abs(difference) < 1e-9 else 0.0)
    freedom = variance**2 / small if small > 0 else np.inf
    error = variance**0.5
    return Comparison(difference, error, float(2 * t.sf(abs(difference) / error, freedom)))


def error_over_images(
    labels: Int[np.ndarray, "T"], first: Float[np.ndarray, "S T"], second: Float[np.ndarray, "U T"]
) -> float:
    """DeLong's standard error of the difference of mean AUCs that other test images would give to the same trainings.

    Args:
        labels: 0 normal, 1 abnormal; at least two of each.
        first, second: scores, a row a seed.

    Raises:
        ValueError: where there are fewer than two images of a class.
    """
    return _over_images(*(_mean(_placed(labels, rows)) for rows in (first, second))) ** 0.5


def _placed(labels: np.ndarray, rows: np.ndarray) -> list[Placements]:
    """Of each row of scores.

    Raises:
        ValueError: where there are fewer than two images of a class.
    """
    if min((labels == 1).sum(), (labels == 0).sum()) < 2:
        raise ValueError("at least two normal and two abnormal images are needed to compare two AUCs")
    return [placements(labels, row) for row in rows]


def _mean(rows: list[Placements]) -> Placements:
    """An image's placement, averaged over seeds."""
    return Placements(*(np.mean(part, axis=0) for part in zip(*rows, strict=True)))


def _over_images(first: Placements, second: Placements) -> float:
    """DeLong's variance of the difference of two AUCs."""
    apart = [ours - theirs for ours, theirs in zip(first, second, strict=True)]
    return float(sum(np.var(part, ddof=1) / len(part) for part in apart))


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """Corrected p-values by name: the smallest times the number of all, the next times one less, never decreasing."""
    from statsmodels.stats.multitest import multipletests

    if not p_values:
        return {}
    corrected = multipletests(list(p_values.values()), method="holm")[1]
    return {name: float(p) for name, p in zip(p_values, corrected, strict=True)}


class Inverted(NamedTuple):
    """Pairs of names that stand the other way round, of all pairs that stand in both tables."""

    inverted: int
    pairs: int


def inverted_pairs(ours: Mapping[str, float], theirs: Mapping[str, float]) -> Inverted:
    """Names that only one of them has are left out; equal values are not inverted."""
    pairs = list(combinations([name for name in ours if name in theirs], 2))
    return Inverted(sum((ours[a] - ours[b]) * (theirs[a] - theirs[b]) < 0 for a, b in pairs), len(pairs))
