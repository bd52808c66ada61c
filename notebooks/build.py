"""Build the notebooks: notebooks/src/*.py (py:percent masters) -> notebooks/*.ipynb, executed, with their outputs.

python notebooks/build.py            # all
python notebooks/build.py 00_start   # those whose name begins so
"""

from __future__ import annotations

import sys
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode

HERE = Path(__file__).parent
KERNEL = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
CELL_SECONDS = 120


def student_notebook(master: Path) -> NotebookNode:
    """The notebook of a master, not yet executed; cell ids are their numbers, so that builds can be compared."""
    notebook = jupytext.read(master)
    notebook.metadata = NotebookNode(kernelspec=KERNEL, language_info={"name": "python"})
    for index, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{index:02d}"
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    return notebook


def target(master: Path) -> Path:
    """Where a master's notebook stands."""
    return HERE / f"{master.stem}.ipynb"


def main(beginnings: list[str]) -> None:
    """Build all notebooks whose names begin with one of ``beginnings`` (all, where there are none)."""
    masters = sorted((HERE / "src").glob("*.py"))
    chosen = [master for master in masters if not beginnings or master.name.startswith(tuple(beginnings))]
    if not chosen:
        raise SystemExit(f"no master in {HERE / 'src'} begins with {' or '.join(beginnings)}")
    for master in chosen:
        notebook = student_notebook(master)
        NotebookClient(notebook, timeout=CELL_SECONDS, resources={"metadata": {"path": str(HERE)}}).execute()
        for cell in notebook.cells:
            cell.get("metadata", {}).pop("execution", None)  # times differ from build to build
        nbformat.write(notebook, target(master))
        print(target(master))


if __name__ == "__main__":
    main(sys.argv[1:])
