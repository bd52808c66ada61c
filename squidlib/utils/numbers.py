"""Numbers that come from outside: of known names, of the right type, finite, and within their range."""

from __future__ import annotations

import math
from collections.abc import Iterable

from squidlib.utils.errors import UserError


def check_names(what: str, given: Iterable[str], known: Iterable[str]) -> None:
    """Raise a UserError where a name is given that is not known."""
    unknown = [name for name in given if name not in known]
    if unknown:
        raise UserError(f"no number of a {what}: {', '.join(unknown)}; they are {', '.join(known)}")


def check_number(name: str, value: object, least: int | float, most: int | float, whole: bool = False) -> None:
    """Raise a UserError where ``value`` is no number in ``least..most``, or no whole one where ``whole`` asks for it.

    True and False are no numbers here, although Python counts with them.
    """
    if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
        raise UserError(f"{name} is a {'whole number' if whole else 'number'}, got {value!r}")
    if isinstance(value, float) and not math.isfinite(value):
        raise UserError(f"{name} is a finite number, got {value}")
    if value < least:
        raise UserError(f"{name} must be at least {least:,}, got {value}")
    if value > most:
        raise UserError(f"{name} must be at most {most:,}, got {value}")
