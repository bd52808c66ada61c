"""Order: do two tables put the same systems into the same order? Counted pair by pair.

Kendall, "A New Measure of Rank Correlation", Biometrika 1938: his tau is 1 - 2 * inverted / pairs where nothing ties.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import NamedTuple


class Inverted(NamedTuple):
    """Pairs of names that stand the other way round, of all pairs that stand in both tables."""

    inverted: int
    pairs: int


def inverted_pairs(ours: Mapping[str, float], theirs: Mapping[str, float]) -> Inverted:
    """Names that only one of them has are left out; equal values are not inverted."""
    pairs = list(combinations([name for name in ours if name in theirs], 2))
    return Inverted(sum((ours[a] - ours[b]) * (theirs[a] - theirs[b]) < 0 for a, b in pairs), len(pairs))
