"""Report: try what a student wrote, property by property, and say in words what holds and what does not yet.

A check is a function of (mine, holds). It states one property after the other and stops at the first that fails, since
what comes after would usually fail for the same reason:

    holds.that("shares", bool((got <= 1).all()), "they are shares").otherwise("one is more than 1", "divide by the sum")
"""

from __future__ import annotations

import copy
import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NoReturn

import torch
from torch import Tensor

from squidlib.teaching.checks import counting, guard

BLANK = "blank"  #: the key of a report on something that was not written yet
RAISES = "raises"  #: ... on a function that raised an exception
TOO_LONG = "too long"  #: ... on one that did not end


@dataclass(frozen=True)
class Report:
    """What a check found. Its text is what a notebook shows."""

    exercise: str
    held: tuple[str, ...]  #: sentences
    failed: str = ""  #: a short key of the property that failed; empty where all hold
    problem: str = ""  #: a sentence
    hints: tuple[str, ...] = ()
    shown: int = 1  #: how many of the hints to show

    @property
    def passed(self) -> bool:
        """Whether everything holds."""
        return not self.failed

    def __repr__(self) -> str:
        lines = [f"✓ {sentence}" for sentence in self.held]
        if self.passed:
            return "\n".join([*lines, f"{self.exercise}: everything holds"])
        lines.append(f"{'○' if self.failed == BLANK else '✗'} {self.problem}")
        shown = self.hints[: max(self.shown, 0)]
        lines += [f"  hint {index} of {len(self.hints)}: {hint}" for index, hint in enumerate(shown, 1)]
        if len(shown) < len(self.hints):
            lines.append(f"  (another hint: check.{self.exercise}(..., hints={len(shown) + 1}))")
        return "\n".join(lines)


class _Stop(Exception):  # noqa: N818 (it is no error, it ends a check)
    pass


@dataclass(frozen=True)
class Property:
    """A property that was looked at, and what is to be said of it."""

    holds: Holds
    key: str
    held: bool
    sentence: str

    def otherwise(self, problem: str, *hints: str) -> None:
        """Go on where the property holds, else end the check.

        Args:
            problem: what is wrong, with what was expected and what came.
            hints: at least one, each saying more than the one before.
        """
        if not hints:
            raise ValueError(f"the property {self.key!r} needs at least one hint")
        self.holds.stated = ""
        if not self.held:
            self.holds.fail(self.key, problem, *hints)
        if self.sentence:
            self.holds.held.append(self.sentence)


@dataclass
class Holds:
    """Collects what holds; ends the check at the first property that does not."""

    held: list[str] = field(default_factory=list)
    stated: str = ""  #: a property's key until ``otherwise`` is said
    failed: str = ""
    problem: str = ""
    hints: tuple[str, ...] = ()

    def that(self, key: str, holds: bool | Tensor, sentence: str = "") -> Property:
        """State a property; ``.otherwise(...)`` has to follow.

        Args:
            key: a short name of the property, another one for each.
            sentence: the property, as it is said where it holds; without one nothing is said.
        """
        if self.stated:
            raise ValueError(f"the property {self.stated!r} needs its otherwise(...)")
        self.stated = key
        return Property(self, key, bool(holds), sentence)

    def fail(self, key: str, problem: str, *hints: str) -> NoReturn:
        """End the check: the property does not hold."""
        self.failed, self.problem, self.hints = key, problem, hints
        raise _Stop

    def given(self, value: Any, hint: str) -> Any:
        """The value, unless nothing was written yet (None or ``...``)."""
        self.that(BLANK, value is not None and value is not ...).otherwise("not written yet", hint)
        return value

    def call(self, mine: Any, *arguments: Any, hint: str, copied: bool = True, **named: Any) -> Any:
        """What ``mine`` returns for copies of the arguments; a blank or raising function ends the check.

        Args:
            hint: how to begin, for a function that is blank or raises.
            copied: off for tensors whose gradient is asked for afterwards.
        """
        self.that(BLANK, callable(mine)).otherwise(f"a function expected, got {type(mine).__name__}", hint)
        if copied:
            arguments, named = copy.deepcopy(arguments), copy.deepcopy(named)
        try:
            with guard.same_settings():
                result = mine(*arguments, **named)
        except NotImplementedError:
            result = None
        except SystemExit:
            problem = "it called exit, which ends Python; a function gives its result back by return"
            self.fail(RAISES, problem, "Take the exit out.", hint)
        except Exception as error:  # a student's code may raise anything, and what it was is what they need to know
            text = " ".join(str(error).split())[:200]
            self.fail(RAISES, f"it stopped with {type(error).__name__}: {text}{_line_of(error)}", hint)
        if result is None and not _is_blank(mine):
            self.fail(BLANK, "not written yet, or `return` is missing: the function returned nothing", hint)
        return self.given(result, hint)

    def shape(self, value: Any, expected: tuple[int, ...], meaning: str, hint: str) -> Tensor:
        """``value`` as a tensor of that shape; ``meaning`` names its dimensions, e.g. "(B, R, S)"."""
        self.that("type", isinstance(value, Tensor)).otherwise(
            f"a tensor {meaning} expected, got {type(value).__name__}",
            "Return a torch tensor; torch.stack and torch.cat make one out of several.",
        )
        got = tuple(value.shape)
        self.that("shape", got == expected, f"its shape is {meaning}").otherwise(
            f"shape {expected} expected, got {got}", hint
        )
        return value

    def number(self, value: Any) -> float:
        """``value`` as a float; a tensor of one element will do."""
        try:
            return float(value)
        except (TypeError, ValueError, RuntimeError):  # several numbers, or none
            self.fail(
                "number",
                f"a number expected, got {type(value).__name__}",
                "Return one number; float(...) makes one of a tensor with a single entry.",
            )


def exercise(check: Callable[[Any, Holds], None]) -> Callable[..., Report]:
    """Make ``check(mine, holds)`` a function of (mine, hints) that returns a report."""

    @functools.wraps(check)
    def run(mine: Any = None, hints: int = 1) -> Report:
        holds = Holds()
        try:
            # a check leaves the notebook as it was, whatever the student's code does
            with guard.same_settings(), guard.same_randomness(), guard.no_exit(), guard.limited(guard.SECONDS):
                torch.set_default_dtype(torch.float32)
                torch.set_grad_enabled(True)
                torch.manual_seed(0)  # what is said of an answer that draws is the same each time
                check(mine, holds)
        except _Stop:
            pass
        except guard.TooLong:
            holds.failed, holds.hints = (
                TOO_LONG,
                (
                    "Is there a loop whose end is never reached? Print what changes in its first rounds.",
                    "A loop over the numbers of a tensor may be right but slow: use operations on whole tensors.",
                ),
            )
            holds.problem = f"it had not ended after {guard.SECONDS:g} seconds and was stopped"
        report = Report(check.__name__, tuple(holds.held), holds.failed, holds.problem, holds.hints, hints)
        return counting.counted(report, BLANK)

    # What help() and a tooltip show; wraps() would have them show (mine, holds).
    run.__signature__ = inspect.Signature([_parameter("mine", None), _parameter("hints", 1)])  # type: ignore[attr-defined]
    return run


def _parameter(name: str, default: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=default)


def _is_blank(mine: Any) -> bool:
    """Whether a function does nothing: its code is no longer than that of a blank one."""
    code = getattr(mine, "__code__", None)
    return code is None or len(code.co_code) <= len(_blank.__code__.co_code)


def _blank() -> None: ...


def _line_of(error: BaseException) -> str:
    """Where in the student's own code it happened."""
    trace, line = error.__traceback__, 0
    while trace is not None:
        name = trace.tb_frame.f_code.co_filename
        if "ipykernel" in name or name.startswith("<"):
            line = trace.tb_lineno
        trace = trace.tb_next
    return f" (line {line} of the cell)" if line else ""
