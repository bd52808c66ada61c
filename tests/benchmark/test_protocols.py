"""Protocols summed up: shares and AUC of known scores, and p-values that stand for all runs together."""

from __future__ import annotations

import numpy as np
import pytest

from squidlib.benchmark.protocols import Outcome, ProtocolRow, protocol_cells, summed_up

LABELS = np.repeat([0, 1], [60, 40])
RANDOM = np.random.default_rng(0)


def outcome(shift: float, baselines: dict[str, np.ndarray]) -> Outcome:
    """Scores of normal images about 0, of abnormal ones about ``shift``; called abnormal above 1."""
    scores = RANDOM.normal(size=100) + shift * LABELS
    return Outcome(LABELS, scores, scores > 1, np.zeros(100, dtype=bool), baselines)


def test_a_method_far_below_is_told_apart_and_one_alike_is_not() -> None:
    blind, alike = RANDOM.normal(size=100), RANDOM.normal(size=100) + 2 * LABELS
    runs = summed_up([outcome(2, {"blind": blind, "alike": alike}) for _ in range(3)])
    assert len(runs) == 3
    assert runs[0].p_values == runs[2].p_values  # of all runs together
    assert runs[0].p_values["blind"] < 0.001
    assert runs[0].p_values["alike"] > 0.05
    row = protocol_cells({"test": runs})[1]
    assert "(p < .001)" in row[-2]
    assert "(p = " in row[-1]


def test_shares_are_of_normal_and_of_abnormal_images() -> None:
    scores = np.where(np.arange(100) % 4 == 0, 2.0, 0.0) + LABELS
    (found,) = summed_up([Outcome(LABELS, scores, scores > 1, scores > 5, {})])
    assert found.false_alarms == pytest.approx(15 / 60)
    assert found.detected == pytest.approx(10 / 40)
    assert found.unlike == 0
    assert found.images == (60, 40)
    assert ProtocolRow.from_json(found.as_json()) == found


def test_runs_on_different_images_have_no_p_value() -> None:
    other = Outcome(1 - LABELS, LABELS + 0.0, LABELS > 0, LABELS > 1, {"blind": LABELS + 0.0})
    runs = summed_up([outcome(2, {"blind": RANDOM.normal(size=100)}), other])
    assert runs[0].p_values == {}
