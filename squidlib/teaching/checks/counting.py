"""Counting: what a check said is counted beside a student's working copies; the check itself never fails of it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from squidlib.teaching.course.progress import record
from squidlib.utils.errors import UserError

if TYPE_CHECKING:
    from squidlib.teaching.checks.report import Report


def counted(report: Report, blank: str) -> Report:
    """The report, after its try was counted; one whose failure is called ``blank`` was none."""
    if report.failed != blank:
        try:
            record(report.exercise, report.passed, min(max(report.shown, 0), len(report.hints)))
        except UserError as error:
            print(f"(this try was not counted: {error})", file=sys.stderr)
    return report
