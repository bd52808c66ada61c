"""Masters: notebooks/src/NN_name.py (py:percent) -> the student's and the solved notebook, not yet executed.

A master holds the solutions. Between ``# solution: begin`` and ``# solution: end`` stands what a student shall write;
in the student's notebook one line ``...  # your code here`` stands there instead. Cell tags:

    exercise   the cell holds a solution
    varies     its output depends on the mode or on chance: nbval runs it and does not compare
    long       announced: may take longer than a minute in class mode

Behind the title stands the set-up cell of setup_cell.py (tag ``setup``), the same in every notebook. It and the imports
behind it are folded: a lesson opens with its question and not with its plumbing.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import jupytext
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
from glossary_links import with_links
from prose import with_answers, with_core_path
from setup_cell import SOURCE as SETUP

KERNEL = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
FOLDED = 2  #: code cells at the beginning whose source is hidden until somebody clicks on it
SCHEMATICS = "schematics"  #: folder of the drawings that prose shows: ![what is seen](schematics/name.svg)
TAGS = {"exercise", "varies", "long", "setup"}
STUB = "...  # your code here"  #: what a student finds in place of a solution
SOLUTION = re.compile(r"^( *)# solution: begin\n(.*?)^ *# solution: end\n?", re.DOTALL | re.MULTILINE)


class Exercise(NamedTuple):
    """One exercise cell: what the student finds, and what solves it."""

    stub: str
    solution: str


def masters(beginnings: list[str] | None = None) -> list[Path]:
    """All masters, or those whose names begin with one of ``beginnings``."""
    found = sorted((HERE / "src").glob("*.py"))
    return [path for path in found if not beginnings or path.name.startswith(tuple(beginnings))]


def student_path(master: Path) -> Path:
    """Where the student's notebook stands."""
    return HERE / f"{master.stem}.ipynb"


def solved_path(master: Path) -> Path:
    """Where the solved notebook stands."""
    return HERE / "solutions" / f"{master.stem}.ipynb"


def student_notebook(master: Path) -> NotebookNode:
    """The notebook with blank exercises."""
    return notebook_of(master, _blank)


def solved_notebook(master: Path) -> NotebookNode:
    """The notebook with solutions; it lies a folder deeper than what it shows and links."""
    notebook = notebook_of(master, _solved)
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            for folder in (SCHEMATICS, "../docs"):
                cell.source = cell.source.replace(f"]({folder}/", f"](../{folder}/")
    return notebook


def exercises(master: Path) -> list[Exercise]:
    """Every exercise of a master, in order."""
    cells = jupytext.read(master).cells
    sources = [cell.source for cell in cells if "exercise" in cell.metadata.get("tags", [])]
    return [Exercise(_blank(source), _solved(source)) for source in sources]


def notebook_of(master: Path, rewrite: Callable[[str], str]) -> NotebookNode:
    """The notebook of a master, each cell's source passed through ``rewrite``, which sees the solutions."""
    notebook = jupytext.read(master)
    notebook.metadata = NotebookNode(kernelspec=KERNEL, language_info={"name": "python"})
    told = [cell for cell in notebook.cells if cell.cell_type == "markdown"]
    sources = with_core_path(with_links([cell.source for cell in told], master.stem), master.stem)
    for cell, source in zip(told, sources, strict=True):
        cell.source = with_answers(source)
    notebook.cells.insert(1, new_code_cell(SETUP, metadata={"tags": ["setup"]}))
    names: list[str] = []
    for index, cell in enumerate(notebook.cells):
        names.append(cell_name(cell.source, names))
        cell["id"] = names[-1]
        tags = set(cell.metadata.get("tags", []))
        if tags - TAGS:
            raise ValueError(
                f"{master.name}, cell {index}: tags are {', '.join(sorted(TAGS))}; got {sorted(tags - TAGS)}"
            )
        if ("exercise" in tags) != ("# solution: begin" in cell.source):
            raise ValueError(f"{master.name}, cell {index}: an exercise holds a solution, and nothing else does")
        cell.source = rewrite(cell.source)
        if "varies" in tags:
            tags.add("nbval-ignore-output")
        cell.metadata = NotebookNode({"tags": sorted(tags)} if tags else {})
    for cell in [cell for cell in notebook.cells if cell.cell_type == "code"][:FOLDED]:
        cell.metadata["jupyter"] = NotebookNode(source_hidden=True)
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    return notebook


def cell_name(source: str, taken: list[str]) -> str:
    """An id that a cell keeps when another is put in before it: the function it defines, or how its text begins."""
    defined = re.search(r"^def (\w+)", source, re.MULTILINE)
    begin = defined[1] if defined else next((line for line in source.split("\n") if line.strip("# \n")), "cell")
    name = re.sub(r"[^a-z0-9]+", "-", begin.lower())[:48].strip("-") or "cell"
    same = sum(name == known or re.fullmatch(rf"{name}-\d+", known) is not None for known in taken)
    return f"{name}-{same + 1}" if same else name


def _blank(source: str) -> str:
    return SOLUTION.sub(_blank_line, source).rstrip("\n")


def _blank_line(match: re.Match[str]) -> str:
    assignments = re.findall(r"^(\w+) = ", match[2], re.MULTILINE)
    if not match[1] and assignments:  # no function: the last name that is set is the answer
        return f"{assignments[-1]} = ...  # your answer here\n"
    return f"{match[1]}{STUB}\n"


def _solved(source: str) -> str:
    return SOLUTION.sub(lambda match: match[2], source).rstrip("\n")
