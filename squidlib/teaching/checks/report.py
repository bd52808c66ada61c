"""Report: try what a student wrote, property by property, and say in words what holds and what does not yet.

A check is a function of (mine, holds). It asks ``holds.that(...)`` for one property after the other and stops at the
first that fails: what comes after would usually fail for the same reason.
"""

from __future__ import annotations

import copy
import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

BLANK = "blank"  #: the key of a report on something that was not written yet
RAISES = "raises"  #: ... on a function that raised an exception


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


@dataclass
class Holds:
    """Collects what holds; ends the check at the first property that does not."""

    held: list[str] = field(default_factory=list)
    failed: str = ""
    problem: str = ""
    hints: tuple[str, ...] = ()

    def that(self, key: str, holds: bool | Tensor, sentence: str, problem: str, *hints: str) -> None:
        """Go on where ``holds``, else end the check.

        Args:
            key: a short name of the property, another one for each.
            sentence: the property, as it is said where it holds.
            problem: what is wrong, with what was expected and what came.
            hints: at least one, each saying more than the one before.
        """
        if not hints:
            raise ValueError(f"the property {key!r} needs at least one hint")
        if bool(holds):
            self.held.append(sentence)
            return
        self.failed, self.problem, self.hints = key, problem, hints
        raise _Stop

    def given(self, value: Any, hint: str) -> Any:
        """The value, unless nothing was written yet (None or ``...``)."""
        self.that(BLANK, value is not None and value is not ..., "something is written", "not written yet", hint)
        self.held.pop()
        return value

    def call(self, mine: Any, *arguments: Any, hint: str, copied: bool = True, **named: Any) -> Any:
        """What ``mine`` returns for copies of the arguments; a blank or raising function ends the check.

        Args:
            hint: how to begin, for a function that is blank or raises.
            copied: off for tensors whose gradient is asked for afterwards.
        """
        self.that(BLANK, callable(mine), "a function", f"a function expected, got {type(mine).__name__}", hint)
        self.held.pop()
        try:
            result = mine(*copy.deepcopy(arguments), **copy.deepcopy(named)) if copied else mine(*arguments, **named)
        except NotImplementedError:
            result = None
        except Exception as error:  # a student's code may raise anything, and what it was is what they need to know
            text = " ".join(str(error).split())[:200]
            self.failed = RAISES
            self.problem = f"it stopped with {type(error).__name__}: {text}{_line_of(error)}"
            self.hints = (hint,)
            raise _Stop from error
        if result is None and not _is_blank(mine):
            problem = "not written yet, or `return` is missing: the function returned nothing"
            self.that(BLANK, False, "", problem, hint)
        return self.given(result, hint)

    def shape(self, value: Any, expected: tuple[int, ...], meaning: str, hint: str) -> Tensor:
        """``value`` as a tensor of that shape; ``meaning`` names its dimensions, e.g. "(B, R, S)"."""
        self.that(
            "type",
            isinstance(value, Tensor),
            "it is a tensor",
            f"a tensor {meaning} expected, got {type(value).__name__}",
            "Return a torch tensor; torch.stack and torch.cat make one out of several.",
        )
        self.held.pop()
        got = tuple(value.shape)
        self.that("shape", got == expected, f"its shape is {meaning}", f"shape {expected} expected, got {got}", hint)
        return value


def exercise(check: Callable[[Any, Holds], None]) -> Callable[..., Report]:
    """Make ``check(mine, holds)`` a function of (mine, hints) that returns a report."""

    @functools.wraps(check)
    def run(mine: Any = None, hints: int = 1) -> Report:
        holds = Holds()
        try:
            with torch.random.fork_rng(devices=[]):  # a check leaves the notebook's random numbers as they were
                check(mine, holds)
        except _Stop:
            return Report(check.__name__, tuple(holds.held), holds.failed, holds.problem, holds.hints, hints)
        return Report(check.__name__, tuple(holds.held))

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
