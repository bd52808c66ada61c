"""graded: a check as a test that an exception fails, whatever the answer writes while it is tried."""

from __future__ import annotations

import sys
import warnings
from typing import Any

import pytest
from torch import Tensor

from squidlib.shrinkage import topk_shrink
from squidlib.teaching import checks
from squidlib.teaching.checks.graded import NotYet, graded


def test_a_right_answer_passes_and_says_what_holds(capsys: pytest.CaptureFixture[str]) -> None:
    graded(checks.topk_shrink, topk_shrink)
    assert "topk_shrink: everything holds" in capsys.readouterr().out


@pytest.mark.parametrize("answer", [None, ..., 42, lambda weights, k: weights, lambda weights, k: 1 / 0])
def test_any_other_raises_one_line_that_names_exercise_and_problem(answer: Any) -> None:
    with pytest.raises(NotYet) as caught:
        graded(checks.topk_shrink, answer)
    report = checks.topk_shrink(answer)
    assert str(caught.value) == f"topk_shrink: {report.problem}"
    assert caught.value._render_traceback_() == [f"NotYet: {caught.value}"]


def test_what_an_answer_writes_to_stderr_does_not_cost_it_its_points(capsys: pytest.CaptureFixture[str]) -> None:
    def warns(weights: Tensor, k: int) -> Tensor:
        print("a note", file=sys.stderr)
        warnings.warn("a warning", RuntimeWarning, stacklevel=1)
        return topk_shrink(weights, k)

    with pytest.warns(RuntimeWarning):
        graded(checks.topk_shrink, warns)
    out, err = capsys.readouterr()
    assert err == ""
    assert "a note" in out
