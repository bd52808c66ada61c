"""Mode: one code path, three sizes. The environment variable KIT_MODE says which.

``smoke`` runs everything as small as it will go (CI, rehearsals), ``class`` is meant for two CPU cores in a workshop
and is the default, ``full`` takes the time that it takes.
"""

from __future__ import annotations

import os
from typing import TypeVar

from squidlib.utils.errors import UserError

MODES = ("smoke", "class", "full")
DEFAULT_MODE = "class"
T = TypeVar("T")


def mode() -> str:
    """The mode that KIT_MODE names; ``class`` where it is not set.

    Raises:
        UserError: where it names another one.
    """
    named = os.environ.get("KIT_MODE", "") or DEFAULT_MODE
    if named not in MODES:
        raise UserError(f"KIT_MODE must be one of {', '.join(MODES)}, got {named!r}")
    return named


def by_mode(smoke: T, class_: T, full: T) -> T:
    """The value for the present mode, e.g. ``steps = by_mode(5, 300, 2000)``."""
    return {"smoke": smoke, "class": class_, "full": full}[mode()]
