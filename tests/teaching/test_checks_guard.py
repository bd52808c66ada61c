"""A student's code that never ends, ends Python or changes how torch computes: it is said, and the notebook goes on."""

from __future__ import annotations

import os
import random
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from squidlib.shrinkage import topk_shrink
from squidlib.teaching import checks
from squidlib.teaching.checks import guard
from squidlib.teaching.checks.report import Holds, Report, exercise


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second in place of a minute."""
    monkeypatch.setattr(guard, "SECONDS", 1.0)
    monkeypatch.setattr(guard, "AGAIN", 1)


def endless(weights: torch.Tensor, k: int) -> torch.Tensor:
    while k:
        k += 1
    return weights


def endless_and_catches_all(weights: torch.Tensor, k: int) -> torch.Tensor:
    for _ in range(2):
        try:
            while True:
                try:
                    k += 1
                except Exception:
                    k = 0
        except:  # noqa: E722 (a student's)
            pass
    return endless(weights, 1)


def asleep(weights: torch.Tensor, k: int) -> torch.Tensor:
    time.sleep(10**6)
    return weights


def recursive(weights: torch.Tensor, k: int) -> torch.Tensor:
    return recursive(weights, k)


WAITS = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no alarm clock interrupts a call that waits here")


@pytest.mark.usefixtures("short")
@pytest.mark.parametrize("answer", [endless, endless_and_catches_all, pytest.param(asleep, marks=WAITS)])
def test_what_never_ends_is_stopped_and_said(answer: Callable[..., Any]) -> None:
    report = checks.topk_shrink(answer)
    assert report.failed == "too long"
    assert "had not ended after 1 seconds" in str(report)
    assert "loop whose end is never reached" in str(report)
    assert checks.topk_shrink(lambda weights, k: topk_shrink(weights, k)).passed


@pytest.mark.usefixtures("short")
@pytest.mark.parametrize("answer", [endless, endless_and_catches_all])
def test_it_is_stopped_in_another_thread_too(answer: Callable[..., Any]) -> None:
    found: list[Report] = []
    thread = threading.Thread(target=lambda: found.append(checks.topk_shrink(answer)))
    thread.start()
    thread.join(120)
    assert [report.failed for report in found] == ["too long"]


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no alarm clock here")
def test_an_alarm_clock_of_somebody_else_still_rings() -> None:
    rung: list[int] = []
    before = signal.signal(signal.SIGALRM, lambda number, frame: rung.append(number))
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    try:
        with guard.limited(60.0):
            pass
        while not rung:
            time.sleep(0.01)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert rung == [signal.SIGALRM]


@pytest.mark.parametrize("leave", [sys.exit, os._exit, exit, lambda status: (_ for _ in ()).throw(SystemExit)])
def test_what_ends_python_ends_the_check_only(leave: Callable[[int], Any]) -> None:
    def leaves(weights: torch.Tensor, k: int) -> torch.Tensor:
        leave_now = os._exit if leave is ORIGINAL_EXIT else leave
        return leave_now(3)  # type: ignore[no-any-return]

    report = checks.topk_shrink(leaves)
    assert report.failed == "raises"
    assert "it called exit" in str(report)
    assert os._exit is ORIGINAL_EXIT


ORIGINAL_EXIT = os._exit


def test_one_that_calls_itself_without_an_end_is_told_in_a_line() -> None:
    assert "RecursionError" in checks.topk_shrink(recursive).problem


def test_an_interruption_by_hand_goes_through() -> None:
    def interrupted(weights: torch.Tensor, k: int) -> torch.Tensor:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        checks.topk_shrink(interrupted)


def settings() -> dict[str, Any]:
    return {
        "type": torch.get_default_dtype(),
        "gradients": torch.is_grad_enabled(),
        "threads": torch.get_num_threads(),
        "device": torch.get_default_device(),
        "determinism": torch.get_deterministic_debug_mode(),
    }


def spoil() -> None:
    torch.set_default_dtype(torch.float64)
    torch.set_grad_enabled(False)
    torch.set_num_threads(torch.get_num_threads() + 1)
    torch.set_default_device("meta")
    torch.use_deterministic_algorithms(True)
    torch.manual_seed(99)
    np.random.seed(99)
    random.seed(99)


def test_a_right_answer_that_changes_settings_is_right_and_changes_none() -> None:
    def spoils(weights: torch.Tensor, k: int) -> torch.Tensor:
        found = topk_shrink(weights, k)
        spoil()
        return found

    def drawn() -> list[float]:
        return [float(torch.rand(())), float(np.random.rand())]

    torch.manual_seed(1), np.random.seed(1)
    expected, before = drawn(), settings()
    torch.manual_seed(1), np.random.seed(1)
    report = checks.topk_shrink(spoils)
    assert settings() == before
    assert drawn() == expected
    assert report.passed, str(report)


def test_pythons_own_generator_goes_on_as_if_nothing_had_been() -> None:
    with guard.same_randomness():  # alone: what enforces the types of arguments in tests draws from it, too
        before = random.getstate()
        random.seed(99)
    assert random.getstate() == before


def test_a_wrong_answer_that_changes_settings_changes_none() -> None:
    def raises(weights: torch.Tensor, k: int) -> torch.Tensor:
        spoil()
        raise ValueError("no")

    before = settings()
    assert checks.topk_shrink(raises).failed == "raises"
    assert settings() == before


def test_settings_of_the_notebook_do_not_change_what_a_check_finds() -> None:
    torch.set_default_dtype(torch.float64)
    torch.set_grad_enabled(False)
    try:
        assert checks.topk_shrink(topk_shrink).passed
        assert (torch.get_default_dtype(), torch.is_grad_enabled()) == (torch.float64, False)
    finally:
        torch.set_default_dtype(torch.float32)
        torch.set_grad_enabled(True)


def test_a_property_without_its_otherwise_is_a_defect_of_the_check() -> None:
    @exercise
    def forgetful(mine: Any, holds: Holds) -> None:
        holds.that("one", False, "one")
        holds.that("two", True, "two").otherwise("no", "hint")

    with pytest.raises(ValueError, match="'one' needs its otherwise"):
        forgetful(1)
