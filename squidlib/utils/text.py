"""Text of others: names of files, shown and written so that they are read as nothing else."""

from __future__ import annotations

#: What a spreadsheet takes for the beginning of a formula (OWASP, "CSV Injection"), with the full-width signs.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def cell(text: str) -> str:
    """Text for a CSV cell that a spreadsheet will not take for a formula: with an apostrophe before it, if need be."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def printable(text: str) -> str:
    r"""Text for one line of a terminal: what is not printable, a newline or an escape code, becomes \n or \x1b."""
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode() for character in text
    )
