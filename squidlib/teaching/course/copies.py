"""Copies: a student's own working copies of the lessons in a folder, made once and brought up to date on request.

Beside the copies lie what they show and, in ``.lessons``, each lesson as it was copied (``merge`` compares with it) and
``backups``: every file as it was before it was rewritten. Files are written whole or not at all, and in such an order
that an update that was interrupted is simply done again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import nbformat
from nbformat import NotebookNode

from squidlib.teaching.course.folder import LESSONS, course_folder, lesson_files
from squidlib.teaching.course.handout import beside, handout
from squidlib.teaching.course.merge import Merged, merge
from squidlib.utils.errors import UserError
from squidlib.utils.safetensors_io import check_writable, remove_partials, write_atomically

RECORD = ".lessons"  #: the folder that marks a folder of working copies
BACKUPS = "backups"


class Made(NamedTuple):
    """Names of lessons: copied now, there already, and those of the latter that have changed since they were copied."""

    copied: list[str]
    kept: list[str]
    newer: list[str]


class Updated(NamedTuple):
    """What an update did with one lesson, in a line; ``bad`` where the file could not be read and stayed as it was."""

    lesson: str
    line: str
    bad: bool = False


def make_copies(folder: Path) -> Made:
    """Copy every lesson that is not in ``folder`` yet; what is there is never written.

    Raises:
        UserError: where the folder cannot be written, or is the one that the lessons come from.
    """
    _check(folder)
    made = Made([], [], [])
    for lesson in lesson_files():
        new, path, record = _text(handout(lesson)), folder / lesson.name, _record(folder, lesson.name)
        if path.exists():
            made.kept.append(lesson.stem)
            if not record.is_file() or record.read_bytes() != new:
                made.newer.append(lesson.stem)
            continue
        write_atomically(record, new)  # before the copy: a copy without it would seem to be all the student's
        write_atomically(path, new)
        made.copied.append(lesson.stem)
    for name, content in beside().items():
        if not (folder / name).exists():
            write_atomically(folder / name, content)
    return made


def update_copies(folder: Path) -> Iterator[Updated]:
    """Bring each copy in ``folder`` up to date with its lesson, and say of each what was done.

    Raises:
        UserError: where there are no copies, or the folder cannot be written.
    """
    _check(folder)
    if not any(folder.glob(LESSONS)):
        raise UserError(f"{folder} holds no lessons to update; make some with: squid lessons {folder}")
    for lesson in lesson_files():
        yield _update(folder, lesson)
    for name, content in beside().items():
        path = folder / name
        if not path.is_file() or path.read_bytes() != content:
            _replace(folder, path, content)


def _update(folder: Path, lesson: Path) -> Updated:
    new, path, record = handout(lesson), folder / lesson.name, _record(folder, lesson.name)
    if not path.exists():
        write_atomically(record, _text(new))
        write_atomically(path, _text(new))
        return Updated(lesson.stem, "copied")
    if record.is_file() and record.read_bytes() == _text(new):
        return Updated(lesson.stem, "has not changed")
    try:
        mine = read_copy(path)
    except UserError as error:
        again = f"squid lessons {folder}"
        return Updated(lesson.stem, f"left as it is: {error}; to start it again, rename it and run: {again}", True)
    note = ""
    try:
        base = read_copy(record).cells
    except UserError:
        base, note = [], " (what was copied is not known here, so that all your texts count as changed by you)"
    merged = merge(base, mine.cells, new.cells)
    if merged.anything:
        mine.cells, mine.nbformat_minor = merged.cells, max(5, mine.nbformat_minor)
        _replace(folder, path, _text(mine))
    write_atomically(record, _text(new))  # after the copy: where this is not reached, the same update is done again
    return Updated(lesson.stem, _told(merged) + note)


def read_copy(path: Path) -> NotebookNode:
    """A notebook whose cells are as they were written; nothing is repaired.

    Raises:
        UserError: where the file is no notebook of this format (any more).
    """
    try:
        notebook = nbformat.reader.reads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror})") from error
    except Exception as error:  # whatever a damaged file makes nbformat raise
        raise UserError(f"{path} is no notebook any more: it is no whole JSON file") from error
    cells = notebook.get("cells")
    if notebook.get("nbformat") != 4 or not isinstance(cells, list):
        raise UserError(f"{path} is no notebook of format 4, which has a list of cells")
    if not all(isinstance(cell.get("source"), str) and "cell_type" in cell and "metadata" in cell for cell in cells):
        raise UserError(f"{path} is no whole notebook: a cell lacks its text, type or metadata")
    return notebook


def _told(merged: Merged) -> str:
    parts = [
        (merged.changed, "took a new text"),
        (merged.added, "new"),
        (merged.removed, "no longer in the lesson, removed"),
        (merged.behind, "of yours kept, with the new text behind"),
    ]
    said = [f"{count} {what}" for count, what in parts if count]
    return f"cells: {'; '.join(said)}" if said else "nothing that your copy does not have already"


def _replace(folder: Path, path: Path, content: bytes) -> None:
    """Write over a file, after its old content is safe."""
    if path.exists():
        name = path.relative_to(folder).as_posix().replace("/", "-")
        stem, _, suffix = name.rpartition(".")
        now, number = f"{datetime.now():%Y%m%d-%H%M%S}", 0
        kept = folder / RECORD / BACKUPS / f"{stem}.{now}.{suffix}"
        while kept.exists():
            number += 1
            kept = kept.with_name(f"{stem}.{now}-{number}.{suffix}")
        write_atomically(kept, path.read_bytes())
    write_atomically(path, content)


def _check(folder: Path) -> None:
    source = course_folder() / "notebooks"
    if folder.resolve() == source.resolve() or source.resolve() in folder.resolve().parents:
        raise UserError(f"{folder} holds the lessons themselves, which copies are made of; name another folder")
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder} is a file; a folder for the copies of the lessons was expected, name another")
    check_writable(folder)
    for place in (folder, folder / RECORD, folder / RECORD / BACKUPS):
        remove_partials(place)


def _record(folder: Path, name: str) -> Path:
    return folder / RECORD / name


def _text(notebook: NotebookNode) -> bytes:
    return (re.sub(r"\n*\Z", "\n", nbformat.writes(notebook))).encode("utf-8")
