"""Prose: two things that a master says in short form and a notebook shows in full.

Answers to a predicting question, to choose from; a click opens what is to be said of one, with or without a kernel:

    ? a wrong answer :: why it is wrong
    ! the right one :: why it is right

The question of each lesson is taken from the road map of lesson 00 and put below its title.

The core path: the sections that instructor/NN_name.md calls "must". The lesson's first cell names them and their
minutes; every other section says that it is optional.
"""

from __future__ import annotations

import html
import re
from pathlib import Path

HERE = Path(__file__).parent
ANSWER = re.compile(r"^([?!]) (.+?) :: (.+)$")
HEADING = re.compile(r"^## (.+) \((\d+) min\)$", re.MULTILINE)
TIME = re.compile(r"^(\*\*Time\.\*\*)", re.MULTILINE)
OPTIONAL = "*Optional: not on the core path. Run its cells, too.*"


def with_answers(source: str) -> str:
    """Markdown in which answers to choose from can be opened one by one.

    Raises:
        ValueError: where there are not three in a row, or not one of them is right.
    """
    shown: list[str] = []
    group: list[re.Match[str]] = []
    for line in [*source.split("\n"), ""]:
        found = ANSWER.match(line)
        if found is not None:
            group.append(found)
            continue
        if group:
            shown += _opened(group)
            group = []
        shown.append(line)
    return "\n".join(shown[:-1]).rstrip("\n")


def _opened(group: list[re.Match[str]]) -> list[str]:
    rights = [found[1] for found in group].count("!")
    if len(group) != 3 or rights != 1:
        raise ValueError(f"three answers, one of them right, expected; got {len(group)}, {rights} right: {group[0][0]}")
    lines = []
    for letter, found in zip("abc", group, strict=True):
        word = "Yes." if found[1] == "!" else "No."
        summary, reply = html.escape(found[2], quote=False), html.escape(found[3], quote=False)
        lines += [f"<details><summary>({letter}) {summary}</summary>\n", f"**{word}** {reply}\n", "</details>"]
    return lines


def question(name: str) -> str:
    """What a lesson answers, as the road map of lesson 00 puts it; empty for lesson 00 itself."""
    road = next((HERE / "src").glob("00_*.py")).read_text(encoding="utf-8")
    found = re.search(rf"^# \| {name[:2]} [^|]+\| (.+) \|$", road, re.MULTILINE)
    if found is None and not name.startswith("00"):
        raise ValueError(f"the road map in lesson 00 has no row for lesson {name[:2]}")
    return found[1] if found else ""


def core_path(name: str) -> list[str]:
    """Titles of the sections that the instructor's page of a lesson calls "must"; some say more in brackets."""
    text = (HERE / "instructor" / f"{name}.md").read_text(encoding="utf-8")
    return [line.removeprefix("- must: ") for line in text.splitlines() if line.startswith("- must: ")]


def on_core_path(title: str, name: str) -> bool:
    """Whether a section is on a lesson's core path."""
    return any(must == title or must.startswith(f"{title} (") for must in core_path(name))


def with_core_path(cells: list[str], name: str) -> list[str]:
    """The Markdown cells of a lesson: the first asks its question and names the core path, sections may be optional."""
    asked = question(name)
    if asked:
        title, _, rest = cells[0].partition("\n")
        cells = [f"{title}\n\n> **{asked}**\n{rest}", *cells[1:]]
    sections = [found for cell in cells for found in HEADING.findall(cell)]
    core = [(title, int(minutes)) for title, minutes in sections if on_core_path(title, name)]
    if len(core) == len(sections):
        return cells
    named = " · ".join(title for title, _ in core)
    line = f"**Core path.** {sum(minutes for _, minutes in core)} minutes: {named}"
    first = TIME.sub(f"{line}\n\n\\1", cells[0], count=1)
    return [_optional(cell, name) for cell in (first, *cells[1:])]


def _optional(cell: str, name: str) -> str:
    return HEADING.sub(lambda found: found[0] if on_core_path(found[1], name) else f"{found[0]}\n\n{OPTIONAL}", cell)
