"""Order: inverted pairs are those of Kendall's tau."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import kendalltau

from squidlib.benchmark.significance import inverted_pairs


def table(seed: int, count: int = 9) -> dict[str, float]:
    return {f"s{index}": float(value) for index, value in enumerate(np.random.default_rng(seed).random(count))}


@pytest.mark.parametrize("seed", range(3))
def test_they_are_those_of_kendalls_tau(seed: int) -> None:
    ours, theirs = table(seed), table(seed + 10)
    found = inverted_pairs(ours, theirs)
    assert found.pairs == 36
    assert kendalltau(list(ours.values()), list(theirs.values())).statistic == pytest.approx(
        1 - 2 * found.inverted / found.pairs
    )


def test_a_turned_order_inverts_all_and_names_of_one_table_do_not_count() -> None:
    ours = table(0)
    turned = {name: -value for name, value in reversed(ours.items())} | {"theirs alone": 3.0}
    assert inverted_pairs(ours | {"ours alone": 1.0}, turned) == (36, 36)
    assert inverted_pairs(ours, ours) == (0, 36)
    assert inverted_pairs(ours, {}) == (0, 0)


def test_equal_values_are_not_inverted() -> None:
    assert inverted_pairs({"a": 1.0, "b": 2.0}, {"a": 0.5, "b": 0.5}) == (0, 1)
