"""Holm: p-values of several comparisons, corrected so that any false finding among them stays improbable.

Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 1979.
"""

from __future__ import annotations

from collections.abc import Mapping


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """Corrected p-values by name: the smallest times the number of all, the next times one less, never decreasing."""
    corrected, highest = {}, 0.0
    for place, (name, value) in enumerate(sorted(p_values.items(), key=lambda item: item[1])):
        highest = max(highest, min(1.0, (len(p_values) - place) * value))
        corrected[name] = highest
    return {name: corrected[name] for name in p_values}
