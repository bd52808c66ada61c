"""Docstrings as reStructuredText: the kit writes plain text, with hanging lines, and bars and stars in formulas."""

from __future__ import annotations

import re

from sphinx.application import Sphinx

Signature = tuple[str | None, str | None]
_LITERAL = re.compile(r"(``[^`]*``|(?<![\w*])\*\w[^*`|]*\w\*(?![\w*]))")  #: code, and *words* to stress
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
    return head + "".join(part if _LITERAL.fullmatch(part) else re.sub(r"([|*`])", r"\\\1", part) for part in parts)


def setup(app: Sphinx) -> dict[str, bool]:
    """Before napoleon reads the sections."""

    def process(_app: Sphinx, _what: str, _name: str, _obj: object, _options: object, lines: list[str]) -> None:
        lines[:] = as_rst(lines)

    def skip(_app: Sphinx, _what: str, _name: str, obj: object, _skipped: bool, _options: object) -> bool | None:
        """A field of a NamedTuple is told of in its class; alone it would be "Alias for field number 0"."""
        return True if str(getattr(obj, "__doc__", "")).startswith("Alias for field number") else None

    def plain(_app: Sphinx, _what: str, _name: str, _obj: object, _options: object, *told: str | None) -> Signature:
        """A default that has no text, such as <factory>, keeps Sphinx from reading the whole signature."""
        arguments, returned = (part and re.sub(r"<[^<>]*>", "...", part) for part in told)
        return arguments, returned

    app.connect("autodoc-process-docstring", process, priority=400)
    app.connect("autodoc-process-signature", plain)
    app.connect("autodoc-skip-member", skip)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
