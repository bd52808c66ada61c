"""Glossary links: in the lesson that introduces a word of docs/glossary.md, its first use leads to the glossary.

An entry of the glossary begins ``- <a id="slot"></a>**Slot**`` and names its lesson: ``*Lesson 03``. Several bold words
before the colon share the entry. Headings, tables, code, formulas, links and answers to choose from stay as they are.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent
GLOSSARY = HERE.parent / "docs" / "glossary.md"
_ENTRY = re.compile(r'^- <a id="([\w-]+)"></a>(\*\*.+?\*\*.*?): (.+?)(?=^- |^#|\Z)', re.MULTILINE | re.DOTALL)
_KEPT = re.compile(r"`[^`]*`|!?\[[^\]]*\]\([^)]*\)|\$[^$]*\$|<[^>]*>|https?://\S+")
_SKIPPED = ("#", "|", "!", "?", "$", "<", ">")


class Term(NamedTuple):
    """A word, the anchor of its entry, and the number of the lesson that introduces it."""

    word: str
    anchor: str
    lesson: str


def terms() -> list[Term]:
    """Every word of the glossary that has a lesson."""
    found = []
    for anchor, head, text in _ENTRY.findall(GLOSSARY.read_text(encoding="utf-8")):
        lesson = re.search(r"\*Lesson (\d\d)", text)
        if lesson is not None:
            found += [Term(word, anchor, lesson[1]) for word in re.findall(r"\*\*(.+?)\*\*", head)]
    return found


def with_links(cells: list[str], name: str) -> list[str]:
    """The Markdown cells of a lesson, the first use of each of its words linked; one link for each entry."""
    linked = list(cells)
    done: set[str] = set()
    for term in terms():
        if term.lesson != name[:2] or term.anchor in done:
            continue
        for number, cell in enumerate(linked):
            changed = _link(cell, term)
            if changed is not None:
                linked[number] = changed
                done.add(term.anchor)
                break
    return linked


def _link(cell: str, term: Term) -> str | None:
    """The cell with the first use linked; None where it does not use the word."""
    stem = f"{re.escape(term.word[:-1])}(?:y|ies)" if term.word.endswith("y") else f"{re.escape(term.word)}(?:s|es)?"
    word = re.compile(rf"(?<![\w-]){stem}(?![\w-])", re.IGNORECASE)
    lines = cell.split("\n")
    fenced = False
    for number, line in enumerate(lines):
        fenced ^= line.startswith("```")
        if fenced or line.lstrip().startswith(_SKIPPED):
            continue
        hidden = _KEPT.sub(lambda kept: "\0" * len(kept[0]), line)
        found = word.search(hidden)
        if found is not None:
            begin, end = found.span()
            link = f"[{line[begin:end]}](../docs/glossary.md#{term.anchor})"
            lines[number] = line[:begin] + link + line[end:]
            return "\n".join(lines)
    return None
