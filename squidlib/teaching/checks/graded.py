"""Graded: a check as a test of a grader such as nbgrader, where an exception costs the points."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from typing import Any

from squidlib.teaching.checks.report import Report


class NotYet(AssertionError):  # noqa: N818 (it says what is wrong with an answer, not with a program)
    """An exercise does not hold yet. A notebook shows the line alone and no stack trace."""

    def _render_traceback_(self) -> list[str]:
        return [f"{type(self).__name__}: {self}"]


def graded(check: Callable[[Any], Report], mine: Any) -> None:
    """Print what ``check`` finds of ``mine``; return where everything holds.

    What the answer writes to stderr while it is tried, warnings among it, goes to stdout: nbgrader takes a test that
    wrote to stderr for a failed one.

    Args:
        check: one of ``squidlib.teaching.checks``.
        mine: the student's answer.

    Raises:
        NotYet: where a property does not hold; the text names the exercise and the problem.
    """
    with contextlib.redirect_stderr(sys.stdout):
        report = check(mine)
    print(report)
    if not report.passed:
        raise NotYet(f"{report.exercise}: {report.problem}")
