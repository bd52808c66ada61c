"""Notebooks: built from their masters, executed, with figures that can be read aloud. nbval runs them besides."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parent.parent
MASTERS = sorted((ROOT / "notebooks" / "src").glob("*.py"))
_spec = importlib.util.spec_from_file_location("build", ROOT / "notebooks" / "build.py")
assert _spec is not None
assert _spec.loader is not None
build = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(build)


def test_every_notebook_has_a_master_and_every_master_a_notebook() -> None:
    assert {build.target(master) for master in MASTERS} == set((ROOT / "notebooks").glob("*.ipynb"))
    assert MASTERS


@pytest.mark.parametrize("master", MASTERS, ids=lambda path: path.stem)
def test_a_notebook_is_what_its_master_says(master: Path) -> None:
    expected, found = build.student_notebook(master), nbformat.read(build.target(master), as_version=4)
    assert [(cell.cell_type, cell.source) for cell in found.cells] == [
        (cell.cell_type, cell.source) for cell in expected.cells
    ], "run: make notebooks"
    assert found.metadata.kernelspec.name == "python3"


@pytest.mark.parametrize("master", MASTERS, ids=lambda path: path.stem)
def test_a_notebook_is_committed_executed_and_without_errors(master: Path) -> None:
    cells = [cell for cell in nbformat.read(build.target(master), as_version=4).cells if cell.cell_type == "code"]
    assert all(cell.execution_count for cell in cells)
    assert not [output for cell in cells for output in cell.outputs if output.output_type == "error"]


@pytest.mark.parametrize("master", MASTERS, ids=lambda path: path.stem)
def test_every_picture_has_an_alternative_text(master: Path) -> None:
    cells = nbformat.read(build.target(master), as_version=4).cells
    pictures = [output for cell in cells for output in cell.get("outputs", []) if "image/png" in output.get("data", {})]
    assert pictures
    assert all(len(picture.metadata.get("image/png", {}).get("alt", "")) > 20 for picture in pictures)


def test_building_an_unknown_notebook_says_so() -> None:
    command = [sys.executable, str(ROOT / "notebooks" / "build.py"), "99_nothing"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1
    assert "no master" in done.stderr
