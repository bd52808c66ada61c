"""Differences: how far a variant's figure lies from the whole's, seed by seed, and what may be said of it.

Runs of one seed share their training images and their first weights, so they are compared in pairs: what a seed does to
both does not count. The interval is Student's, of the differences of all seeds (three have two degrees of freedom: it
is wide). That zero lies in it is no proof that there is no difference; only an interval within a margin says that the
two are equal for all that the margin's user cares (an equivalence test; Schuirmann 1987).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np

from digitanatomy import NORMAL
from squidlib.benchmark.significance import error_over_images
from squidlib.detection.metrics import auc
from squidlib.teaching.studies.image_order import order_of
from squidlib.teaching.studies.results import figure_at
from squidlib.utils.errors import UserError

CONFIDENCE = 0.95
NORMAL_QUANTILE = 1.959964  #: of the normal distribution, for 95 %
Verdict = Literal["costs", "helps", "equal", "undecided"]


class Difference(NamedTuple):
    """mean: variant - whole; half: half the width of the 95 % interval around it."""

    mean: float
    half: float

    def verdict(self, margin: float) -> Verdict:
        """What the interval says: it lies below zero, above it, within ± margin, or says nothing yet."""
        if abs(self.mean) > self.half:
            return "helps" if self.mean > 0 else "costs"
        return "equal" if abs(self.mean) + self.half < margin else "undecided"

    def __str__(self) -> str:
        return f"{self.mean:+.3f} ± {self.half:.3f}"


def difference(runs: Mapping[str, Mapping[str, Any]], setting: str, reference: str, *names: str) -> Difference:
    """``runs["setting/seed"][name]...`` minus ``runs["reference/seed"][name]...``, over the seeds that both have.

    Raises:
        UserError: where they share fewer than two seeds.
    """
    pairs = _pairs(runs, setting, reference)
    return _of_seeds([figure_at(runs[ours], names) - figure_at(runs[theirs], names) for ours, theirs in pairs])


def difference_over_images(
    runs: Mapping[str, Mapping[str, Any]],
    images: Mapping[str, int],
    setting: str,
    reference: str,
    score: str,
    kinds: Sequence[str],
) -> Difference:
    """The same difference, of the AUC of all images of ``kinds``; its interval allows for other test images as well.

    Seeds and images are two sources of chance. Half the width is the root of the sum of two squares, Student's half of
    the seeds and DeLong's of the images, as the intervals of independent parts are joined (Zou and Donner 2008).

    Args:
        images: how many of each kind, in the order in which they were scored.
        score: whose order the runs keep (``image_order``).
        kinds: anomaly types that are set against the normal images; of equal numbers, their AUC is the types' mean.

    Raises:
        UserError: where they share fewer than two seeds, or runs keep no order.
    """
    types = np.array([kind for kind, count in images.items() for _ in range(count)])
    chosen = np.isin(types, [NORMAL, *kinds])
    labels = (types[chosen] != NORMAL).astype(int)
    pairs = _pairs(runs, setting, reference)
    sides = [np.stack([order_of(runs[key], score)[chosen] for key in keys]) for keys in zip(*pairs, strict=True)]
    apart = [auc(labels, ours) - auc(labels, theirs) for ours, theirs in zip(*sides, strict=True)]
    seeds, pictures = (
        _of_seeds(apart),
        NORMAL_QUANTILE * error_over_images(labels, *(side.astype(float) for side in sides)),
    )
    return Difference(seeds.mean, float(np.hypot(seeds.half, pictures)))


def _of_seeds(apart: Sequence[float]) -> Difference:
    """Mean of the differences, one a seed, and Student's interval."""
    from scipy.stats import t

    factor = float(t.ppf((1 + CONFIDENCE) / 2, len(apart) - 1))
    return Difference(float(np.mean(apart)), factor * float(np.std(apart, ddof=1)) / len(apart) ** 0.5)


def _pairs(runs: Mapping[str, Any], setting: str, reference: str) -> list[tuple[str, str]]:
    """Keys of the runs of one seed."""
    seeds = [key.rpartition("/")[2] for key in runs if key.rpartition("/")[0] == setting]
    pairs = [(f"{setting}/{seed}", f"{reference}/{seed}") for seed in seeds if f"{reference}/{seed}" in runs]
    if len(pairs) < 2:
        raise UserError(f"at least two seeds of {setting!r} and {reference!r} are needed, got {len(pairs)}")
    return pairs
