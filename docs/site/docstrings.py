"""Docstrings as reStructuredText: the kit writes plain text, with hanging lines, and bars and stars in formulas."""

from __future__ import annotations

import re

from sphinx.application import Sphinx

_LITERAL = re.compile(r"(``[^`]*``)")
_ITEM = re.compile(r"^[\w.*/ ,()-]+: \S")
_SECTION = re.compile(r"^(Args|Arguments|Attributes|Returns|Yields|Raises|Example|Examples|Note):$")


def as_rst(lines: list[str]) -> list[str]:
    """The lines of a docstring: hanging lines joined, two or more "name: text" lines as a list, signs escaped."""
    joined: list[str] = []
    in_section = False
    for line in lines:
        if line and not line[0].isspace():
            in_section = _SECTION.match(line) is not None
        before = joined[-1] if joined else ""
        if line.startswith(" ") and not in_section and before.strip() and before[0] != " " and before[-1] != ":":
            joined[-1] = f"{before} {line.strip()}"
        else:
            joined.append(line)
    items = [_ITEM.match(line) is not None and not line.startswith((" ", "- ")) for line in joined]
    found: list[str] = []
    for number, line in enumerate(joined):
        neighbours = items[max(0, number - 1) : number + 2]
        listed = items[number] and sum(neighbours) > 1
        if listed and found and found[-1] and not found[-1].startswith("- "):
            found.append("")
        if found and found[-1].startswith("- ") and line and not listed and not line.startswith(("- ", " ")):
            found.append("")
        found.append(_escaped(f"- {line}" if listed else line))
    return found


def _escaped(line: str) -> str:
    if line.lstrip().startswith((">>>", "...")):
        return line
    head = "- " if line.startswith("- ") else ""
    parts = _LITERAL.split(line.removeprefix(head))
    return head + "".join(part if part.startswith("``") else re.sub(r"([|*`])", r"\\\1", part) for part in parts)


def setup(app: Sphinx) -> dict[str, bool]:
    """Before napoleon reads the sections."""

    def process(_app: Sphinx, _what: str, _name: str, _obj: object, _options: object, lines: list[str]) -> None:
        lines[:] = as_rst(lines)

    app.connect("autodoc-process-docstring", process, priority=400)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
