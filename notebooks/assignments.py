"""Assignments for nbgrader, made of the same masters: a course folder to grade the lessons' exercises with.

    make nbgrader DIR=course                       # all lessons
    python notebooks/build.py --nbgrader course 00 05

    course/nbgrader_config.py              nbgrader's settings: written once, then the instructor's own
    course/source/NN_name/NN_name.ipynb    the solved notebook with nbgrader's cell metadata, not executed

An exercise becomes a solution cell, the check below it a locked test that is worth ``POINTS``; set-up and imports are
locked. All other cells (prose, experiments, figures, widgets) have no part in grading and may be changed.
"""

from __future__ import annotations

import ast
import re
import secrets
import shutil
import textwrap
from pathlib import Path
from typing import Any

import nbformat
from masters import SOLUTION, STUB, notebook_of
from nbformat import NotebookNode

from squidlib.utils.safetensors_io import write_atomically

ROOT = Path(__file__).resolve().parent.parent
SCHEMA = 3  #: of nbgrader's cell metadata
POINTS = 1  #: of an exercise
BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"  #: nbgrader's marks
SECONDS = 300  #: that a cell may take; a check stops an answer after 60
_CHECK = re.compile(r"^check\.(\w+)\((\w+)\)$")
_SHOWN = re.compile(r"\]\(((?:\.\./docs|schematics)/[\w./-]+)")

SETTINGS = '''"""nbgrader's settings for the lessons of the SQUID kit. Written once; change what you like."""

import os

os.environ.setdefault("KIT_MODE", "smoke")  # notebooks run as small as they will go; the checks are the same
os.environ.setdefault("KIT_CHEST_DATA", "")  # lesson 13 on drawn chests

c = get_config()  # noqa: F821 (nbgrader gives it)
c.CourseDirectory.course_id = "squid"
c.ClearSolutions.code_stub = {{"python": "{stub}"}}  # as in the kit: a blank exercise breaks nothing
c.Execute.timeout = {seconds}  # seconds a cell
# No cell is skipped: by its usual name, skip-execution, a student could tag a test so that it is never run.
c.Execute.skip_cells_with_tag = "{tag}"
'''


def assignment(master: Path) -> NotebookNode:
    """The instructor's version of a lesson: solutions between nbgrader's marks, checks as tests, no outputs.

    Raises:
        ValueError: where an exercise is not followed by its check before the next one.
    """
    notebook = notebook_of(master, lambda source: SOLUTION.sub(_marked, source).rstrip("\n"))
    setup, imports, *lesson = [cell for cell in notebook.cells if cell.cell_type == "code"]
    _grading(setup, "setup", locked=True)
    _grading(imports, "imports", locked=True)
    asked: NotebookNode | None = None  # the exercise whose check has not come yet
    for cell in lesson:
        check, exercise = _CHECK.match(cell.source), "exercise" in cell.metadata.get("tags", [])
        if (exercise and asked is not None) or (check is not None and asked is None):
            raise ValueError(f"{master.name}, cell {cell['id']}: one check below each exercise expected")
        if exercise:
            asked = cell
        elif check is not None and asked is not None:
            _grading(asked, f"answer_{check[1]}", solution=True)
            _grading(cell, f"test_{check[1]}", grade=True, locked=True)
            cell.source = _test(check[1], check[2])
            asked = None
    if asked is not None:
        raise ValueError(f"{master.name}, cell {asked['id']}: one check below each exercise expected")
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = cell.source.replace("](../docs/", "](docs/")
    return notebook


def write_course(folder: Path, chosen: list[Path]) -> None:
    """Write the assignments of ``chosen`` masters into the course folder; what else is in it stays.

    Raises:
        SystemExit: where the folder cannot be written; the text is one line.
    """
    settings = folder / "nbgrader_config.py"
    try:
        for master in chosen:
            home = folder / "source" / master.stem
            home.mkdir(parents=True, exist_ok=True)
            notebook = assignment(master)
            _copy_shown(master, home)
            write_atomically(home / f"{master.stem}.ipynb", f"{nbformat.writes(notebook)}\n".encode())
        if not settings.exists():
            text = SETTINGS.format(stub=STUB, seconds=SECONDS, tag=f"skipped-{secrets.token_hex(8)}")
            write_atomically(settings, text.encode())
    except OSError as error:
        line = f"{folder}: a folder that can be written expected, got: {error}; name another with --nbgrader"
        raise SystemExit(line) from error
    print(f"assignments written: {len(chosen)}, in {folder / 'source'}")
    print('what to do next: notebooks/instructor/README.md, "Grading"')


def _marked(match: re.Match[str]) -> str:
    """A solution between nbgrader's marks. Where a value is asked for, its name stays: ``name = (stub)``."""
    indent, solution = match[1], match[2]
    statement = None if indent else ast.parse(solution).body[0]
    if isinstance(statement, ast.Assign):
        if len(ast.parse(solution).body) > 1:
            raise ValueError(f"a value is set by one statement in an exercise, got:\n{solution}")
        value = textwrap.indent(ast.get_source_segment(solution, statement.value) or "", "    ")
        name = ast.unparse(statement.targets[0])
        return f"{name} = (\n    {BEGIN}\n{value}\n    {END}\n)\n"
    return f"{indent}{BEGIN}\n{solution}{indent}{END}\n"


def _test(check: str, answer: str) -> str:
    return (
        "from squidlib.teaching import checks\n"
        "from squidlib.teaching.checks.graded import graded\n\n"
        f"graded(checks.{check}, {answer})"
    )


def _grading(cell: NotebookNode, name: str, grade: bool = False, solution: bool = False, locked: bool = False) -> None:
    about: dict[str, Any] = {
        "schema_version": SCHEMA,
        "grade_id": name,
        "grade": grade,
        "solution": solution,
        "locked": locked,
        "task": False,
    }
    cell.metadata["nbgrader"] = NotebookNode(about | ({"points": POINTS} if grade else {}))


def _copy_shown(master: Path, home: Path) -> None:
    """Put what the lesson shows and links beside it."""
    source = "\n".join(cell.source for cell in notebook_of(master, str).cells if cell.cell_type == "markdown")
    for name in sorted(set(_SHOWN.findall(source))):
        target = home / name.removeprefix("../")
        target.parent.mkdir(exist_ok=True)
        shutil.copyfile(ROOT / "notebooks" / name, target)
