"""The one error that is the user's to correct: the command line prints it as one line and exits with 2."""

from __future__ import annotations


class UserError(ValueError):
    """Something the caller gave is not usable. The text says what was expected, what came and what to do."""
