"""Build the notebooks from their masters: the student's and the solved one, with the outputs of class mode.

    python notebooks/build.py                # those whose code changed; new prose is put into the others
    python notebooks/build.py 05_gumbel      # only those whose name begins so
    python notebooks/build.py --all          # execute every one again
    python notebooks/build.py --nbgrader DIR # no notebooks here, but assignments to grade, see assignments.py

Slides and handouts are made of the result, see pages.py; the measured seconds go into times.json, see times.py.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import nbformat
from nbformat import NotebookNode

sys.path.insert(0, str(Path(__file__).parent))
import assignments
import pages
import times
from execute import execute
from masters import masters, solved_notebook, solved_path, student_notebook, student_path


def code(notebook: NotebookNode) -> list[tuple[str, list[str]]]:
    """Sources and tags of the code cells but the set-up: where these are the same, the outputs still hold."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    tagged = [(cell.source, list(cell.metadata.get("tags", []))) for cell in cells]
    return [(source, tags) for source, tags in tagged if "setup" not in tags]


def keep_outputs(notebook: NotebookNode, path: Path) -> bool:
    """Take the outputs of the notebook at ``path`` where its code is the same; whether that was possible."""
    if not path.is_file():
        return False
    old = nbformat.read(path, as_version=4)
    if code(old) != code(notebook):
        return False
    new_cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for cell, before in zip(new_cells, (cell for cell in old.cells if cell.cell_type == "code"), strict=True):
        cell.outputs, cell.execution_count = before.outputs, before.execution_count
    return True


def build(master: Path, everything: bool) -> None:
    """Write both notebooks of one master, and its pages."""
    os.environ["KIT_CHEST_DATA"] = ""  # what is stored shows drawn chests: no X-ray may be committed
    os.environ["KIT_CHECK_FIGURES"] = "1"
    student, solved = student_notebook(master), solved_notebook(master)
    if everything or not keep_outputs(student, student_path(master)):
        seconds = execute(student, student_path(master).parent)
        times.note("class", master.stem, seconds)
        print(f"{student_path(master).name}: {sum(seconds):.0f} s", flush=True)
        nbformat.write(student, student_path(master))
    solved_path(master).parent.mkdir(exist_ok=True)
    if everything or not keep_outputs(solved, solved_path(master)):
        execute(solved, solved_path(master).parent, "smoke")
        take_outputs(solved, student)
    nbformat.write(student, student_path(master))
    nbformat.write(solved, solved_path(master))
    pages.write(master)


def take_outputs(solved: NotebookNode, student: NotebookNode) -> None:
    """Show in the solved notebook what class mode gave for the student's.

    What follows an exercise uses the library's version where the student's is blank, so that the two differ in the
    exercises' own cells and in what the checks say, and class mode has to be computed only once. nbval runs both.
    """
    for cell, other in zip(solved.cells, student.cells, strict=True):
        if cell.cell_type == "code" and cell.source == other.source and not cell.source.startswith("check."):
            cell.outputs = other.outputs


def main(arguments: list[str] | None = None) -> None:
    """Build what the arguments name."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="how the names of the masters begin; all where none is given")
    parser.add_argument("--all", action="store_true", help="execute notebooks whose code did not change, too")
    parser.add_argument("--nbgrader", metavar="DIR", type=Path, help="write assignments for nbgrader into this folder")
    options = parser.parse_args(arguments)
    chosen = masters(options.names)
    if not chosen:
        raise SystemExit(f"no master in notebooks/src begins with {' or '.join(options.names)}")
    if options.nbgrader is not None:
        assignments.write_course(options.nbgrader, chosen)
        return
    for master in chosen:
        build(master, options.all)
    pages.remove_stale()
    times.forget_stale()
    times.write_table()


if __name__ == "__main__":
    main()
