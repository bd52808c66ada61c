"""Execute a notebook in a fresh kernel, and say how long each cell took."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

from nbclient import NotebookClient
from nbformat import NotebookNode

CELL_SECONDS = 900  #: a cell that takes longer hangs
WIDGET = "application/vnd.jupyter.widget-view+json"


def execute(notebook: NotebookNode, folder: Path, mode: str = "class") -> list[float]:
    """Run all cells in ``folder``; returns the seconds of each code cell.

    Outputs that a stored notebook cannot show (progress bars are widgets) and times are left out.

    Raises:
        nbclient.exceptions.CellExecutionError: where a cell raises.
    """
    resources = {"metadata": {"path": str(folder)}}
    client = NotebookClient(notebook, timeout=CELL_SECONDS, resources=resources, record_timing=True)
    client.execute(env=os.environ | {"KIT_MODE": mode})
    seconds = []
    for cell in notebook.cells:
        stamps = cell.metadata.pop("execution", None)
        if cell.cell_type == "code":
            seconds.append(_seconds(stamps or {}))
            cell.outputs = [output for output in cell.outputs if WIDGET not in output.get("data", {})]
    notebook.metadata.pop("widgets", None)
    return seconds


def _seconds(stamps: dict[str, str]) -> float:
    begun, ended = stamps.get("iopub.execute_input"), stamps.get("shell.execute_reply")
    if begun is None or ended is None:
        return 0.0  # an empty cell is not sent to the kernel
    return (datetime.fromisoformat(ended) - datetime.fromisoformat(begun)).total_seconds()
