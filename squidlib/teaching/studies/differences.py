"""Differences: how far a variant's figure lies from the whole's, seed by seed, and what may be said of it.

Runs of one seed share their training images and their first weights, so they are compared in pairs: what a seed does to
both does not count. The interval is Student's, of the differences of all seeds (three have two degrees of freedom: it
is wide). That zero lies in it is no proof that there is no difference; only an interval within a margin says that the
two are equal for all that the margin's user cares (an equivalence test; Schuirmann 1987).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import numpy as np

from squidlib.teaching.studies.results import figure_at
from squidlib.utils.errors import UserError

CONFIDENCE = 0.95
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
    from scipy.stats import t

    seeds = [key.rpartition("/")[2] for key in runs if key.rpartition("/")[0] == setting]
    pairs = [(f"{setting}/{seed}", f"{reference}/{seed}") for seed in seeds if f"{reference}/{seed}" in runs]
    if len(pairs) < 2:
        raise UserError(f"at least two seeds of {setting!r} and {reference!r} are needed, got {len(pairs)}")
    apart = [figure_at(runs[ours], names) - figure_at(runs[theirs], names) for ours, theirs in pairs]
    factor = float(t.ppf((1 + CONFIDENCE) / 2, len(apart) - 1))
    return Difference(float(np.mean(apart)), factor * float(np.std(apart, ddof=1)) / len(apart) ** 0.5)
