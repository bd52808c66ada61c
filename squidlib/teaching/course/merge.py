"""Merge: a newer lesson and a student's copy of an older one, brought together cell by cell. Nothing is lost.

Cells are compared by their ids, which a lesson's cells keep (notebooks/masters.py), with the lesson as it was copied:

- A cell that the student did not touch takes the new text, or goes where the lesson no longer has it.
- A cell that the student changed stays. Where the lesson's cell changed as well, its new text is put behind it as a
  cell that says so. That cell is Markdown, whatever it shows, since running it must not undo an answer.
- A cell of the student's own stays behind the lesson's cell that it followed.
- A cell that the student deleted stays deleted.

Outputs stay the student's. The order of the lesson's cells is the lesson's.
"""

from __future__ import annotations

import copy
from collections import Counter, defaultdict
from typing import NamedTuple

from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell

NEW_TEXT = "**New in this lesson.** Your cell above stayed as you left it. The lesson's cell now reads:"
TAG = "lesson-update"
Cells = list[NotebookNode]


class Merged(NamedTuple):
    """The cells, and how many took a new text, were added, were removed, or are a new text behind the student's."""

    cells: Cells
    changed: int
    added: int
    removed: int
    behind: int

    @property
    def anything(self) -> bool:
        """Whether the cells differ from the student's."""
        return any(self[1:])


def merge(base: Cells, mine: Cells, new: Cells) -> Merged:
    """Bring the newer lesson's cells into the student's.

    Args:
        base: the lesson's cells as they were copied; none, where that is not known: all texts then count as changed by
            the student.
        mine: the student's cells; those without an id are told by their text.
        new: the lesson's cells now.
    """
    count: Counter[str] = Counter()
    mine = _named(mine, base)
    old, there = ({cell["id"]: cell for cell in cells} for cells in (base, mine))
    coming = {cell["id"] for cell in new}
    own: dict[str, Cells] = defaultdict(list)
    anchor = ""
    for cell in mine:
        if cell["id"] in coming:
            anchor = cell["id"]
        elif cell["id"] in old and same(cell, old[cell["id"]]):
            count["removed"] += 1
        else:
            own[anchor].append(cell)
    cells = own[""]
    for cell in new:
        name = cell["id"]
        if name in there:
            cells += _both(old.get(name), there[name], cell, set(there), own[name], count)
        elif name not in old:
            count["added"] += 1
            cells.append(copy.deepcopy(cell))
        cells += own[name]
    return Merged(cells, count["changed"], count["added"], count["removed"], count["behind"])


def same(cell: NotebookNode, other: NotebookNode) -> bool:
    """Whether two cells hold the same text; space at the end does not count."""
    return bool(cell.cell_type == other.cell_type and cell.source.rstrip() == other.source.rstrip())


def _both(
    old: NotebookNode | None, mine: NotebookNode, new: NotebookNode, taken: set[str], own: Cells, count: Counter[str]
) -> Cells:
    """A cell that both have: the student's, with the new text in it or behind it."""
    if same(mine, new):
        return [_tagged(mine, old, new)]
    if old is not None and same(mine, old):
        count["changed"] += 1
        if mine.cell_type != new.cell_type:
            return [copy.deepcopy(new)]
        mine.source = new.source
        return [_tagged(mine, old, new)]
    if old is not None and same(old, new):
        return [mine]
    shown = _shown(new, taken)
    if any(same(cell, shown) for cell in own):  # an interrupted update put it there
        return [mine]
    count["behind"] += 1
    return [mine, shown]


def _tagged(mine: NotebookNode, old: NotebookNode | None, new: NotebookNode) -> NotebookNode:
    """The student's cell with the tags that the lesson now gives it, and those that are the student's."""
    before, after, there = (
        list(cell.metadata.get("tags", [])) if cell is not None else [] for cell in (old, new, mine)
    )
    tags = after + [tag for tag in there if tag not in before and tag not in after]
    if tags:
        mine.metadata["tags"] = tags
    else:
        mine.metadata.pop("tags", None)
    return mine


def _shown(cell: NotebookNode, taken: set[str]) -> NotebookNode:
    text = cell.source if cell.cell_type == "markdown" else f"~~~~python\n{cell.source}\n~~~~"
    name, number = f"{cell['id']}-new", 2
    while name in taken:
        name, number = f"{cell['id']}-new-{number}", number + 1
    return new_markdown_cell(f"{NEW_TEXT}\n\n{text}", id=name, metadata={"tags": [TAG]})


def _named(mine: Cells, base: Cells) -> Cells:
    """The student's cells, each with an id of its own; a program that drops ids leaves the lesson's texts to go by."""
    taken = {cell.get("id", "") for cell in mine}
    free = [cell for cell in base if cell["id"] not in taken]
    seen: set[str] = set()
    named = [copy.deepcopy(cell) for cell in mine]
    for number, cell in enumerate(named):
        if not cell.get("id") or cell["id"] in seen:
            match = next((other for other in free if same(cell, other)), None)
            if match is not None:
                free.remove(match)
            cell["id"] = match["id"] if match is not None else _unused(f"own-{number}", taken | seen)
        seen.add(cell["id"])
    return named


def _unused(name: str, taken: set[str]) -> str:
    while name in taken:
        name += "x"
    return name
