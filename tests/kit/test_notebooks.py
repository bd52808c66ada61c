"""Notebooks: built from their masters, executed, with every part that a lesson promises. nbval runs them besides."""

from __future__ import annotations

import base64
import io
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = ROOT / "notebooks"
sys.path.insert(0, str(NOTEBOOKS))
import build  # noqa: E402
import pages  # noqa: E402
import times  # noqa: E402
from masters import masters, solved_notebook, solved_path, student_notebook, student_path  # noqa: E402

LESSONS = masters()
STORED = [(make, path(master), master) for master in LESSONS for make, path in
          ((student_notebook, student_path), (solved_notebook, solved_path))]  # fmt: skip
each_master = pytest.mark.parametrize("master", LESSONS, ids=lambda path: path.stem)
each_notebook = pytest.mark.parametrize(
    ("make", "path", "master"), STORED, ids=[f"{path.parent.name}-{path.stem}" for _, path, _ in STORED]
)


def stored(path: Path) -> NotebookNode:
    return nbformat.read(path, as_version=4)


def code_cells(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def data_of(notebook: NotebookNode) -> Iterator[NotebookNode]:
    return (output for cell in code_cells(notebook) for output in cell.outputs if "data" in output)


def text_of(cell: NotebookNode) -> str:
    return "".join(output.get("text", "") or output.get("data", {}).get("text/plain", "") for output in cell.outputs)


def test_every_notebook_has_a_master_and_every_master_two_notebooks() -> None:
    assert LESSONS
    assert {path for _, path, _ in STORED} == {*NOTEBOOKS.glob("*.ipynb"), *NOTEBOOKS.glob("solutions/*.ipynb")}
    assert [path.name[:2] for path in LESSONS] == [f"{number:02d}" for number in range(len(LESSONS))]


@each_notebook
def test_a_notebook_is_what_its_master_says(make, path: Path, master: Path) -> None:  # type: ignore[no-untyped-def]
    found, expected = stored(path), make(master)
    assert [(cell.cell_type, cell.source, cell.metadata) for cell in found.cells] == [
        (cell.cell_type, cell.source, cell.metadata) for cell in expected.cells
    ], "run: make notebooks"
    assert found.metadata.kernelspec.name == "python3"


@each_notebook
def test_a_notebook_is_committed_executed_and_without_errors(make, path: Path, master: Path) -> None:  # type: ignore[no-untyped-def]
    cells = code_cells(stored(path))
    assert all(cell.execution_count for cell in cells)  # nbval compares nothing where it is null
    assert not [output for cell in cells for output in cell.outputs if output.output_type == "error"]
    assert not [output for output in data_of(stored(path)) if any("widget" in kind for kind in output.data)]


@each_notebook
def test_a_lesson_opens_with_prose_and_its_imports_are_folded(make, path: Path, master: Path) -> None:  # type: ignore[no-untyped-def]
    notebook = stored(path)
    folded = [cell for cell in code_cells(notebook) if cell.metadata.get("jupyter", {}).get("source_hidden")]
    assert notebook.cells[0].cell_type == "markdown"
    assert folded == code_cells(notebook)[:2]
    assert all(line.startswith(("import ", "from ", "    ", ")")) for line in folded[1].source.splitlines() if line)


@each_notebook
def test_nbval_compares_many_cells(make, path: Path, master: Path) -> None:  # type: ignore[no-untyped-def]
    cells = [cell for cell in code_cells(stored(path)) if cell.outputs]
    compared = [cell for cell in cells if "nbval-ignore-output" not in cell.metadata.get("tags", [])]
    assert len(compared) >= max(4, 0.25 * len(cells))
    assert not [cell for cell in cells if "NBVAL_" in cell.source or "nbval-skip" in cell.metadata.get("tags", [])]


@each_notebook
def test_exercises_are_blank_for_students_and_hold_when_solved(make, path: Path, master: Path) -> None:  # type: ignore[no-untyped-def]
    said = [text_of(cell) for cell in code_cells(stored(path)) if cell.source.startswith("check.")]
    assert said
    expected = "not written yet" if path.parent == NOTEBOOKS else "everything holds"
    assert [text for text in said if expected not in text] == []


@each_notebook
def test_every_picture_has_an_alternative_text_and_a_light_background(make, path: Path, master: Path) -> None:  # type: ignore[no-untyped-def]
    pictures = [output for output in data_of(stored(path)) if "image/png" in output.data]
    assert pictures
    for picture in pictures:
        assert len(picture.metadata.get("image/png", {}).get("alt", "")) > 20
        image = Image.open(io.BytesIO(base64.b64decode(picture.data["image/png"]))).convert("RGBA")
        corners = [image.getpixel((x, y)) for x in (0, image.width - 1) for y in (0, image.height - 1)]
        assert corners == [(255, 255, 255, 255)] * 4, "dark text on a transparent figure cannot be read in dark mode"


@each_master
def test_slides_and_handout_need_no_network_and_leave_out_what_they_should(master: Path) -> None:
    notebook = stored(student_path(master))
    slides, handout = pages.slides(notebook), pages.handout(notebook)
    sections = sum(cell.source.count("\n## ") + cell.source.startswith("## ") for cell in notebook.cells)
    assert slides.count("<section>") == sections + 1
    for page in (slides, handout):
        assert ' src="http' not in page
        assert "<link" not in page
        assert "check." not in page.replace("<code>check.", "")  # the cells that check are left out
        assert "$$" not in page
    predictions = sum(cell.cell_type == "markdown" and "**Predict" in cell.source for cell in notebook.cells)
    exercises = sum("exercise" in cell.metadata.get("tags", []) for cell in notebook.cells)
    assert handout.count('class="ruled"') == predictions + exercises
    assert handout.index("What came out") < handout.index("data:image/png")  # drawings may stand before, outputs not


def test_times_were_measured_for_every_lesson_and_hold_their_limits() -> None:
    measured = times.stored()
    names = [master.stem for master in LESSONS]
    assert list(measured["class"]) == list(measured["smoke"]) == names
    assert sum(sum(seconds) for seconds in measured["smoke"].values()) <= times.SMOKE_LIMIT
    for master in LESSONS:
        cells, seconds = code_cells(student_notebook(master)), measured["class"][master.stem]
        assert len(cells) == len(seconds), "the lesson changed: run make times"
        for cell, taken in zip(cells, seconds, strict=True):
            assert taken <= times.CELL_LIMIT or "long" in cell.metadata.get("tags", []), cell.source


def test_the_table_of_minutes_is_what_was_measured() -> None:
    assert times.table() in times.README.read_text()


def test_only_the_training_cell_of_lesson_08_is_announced_as_long() -> None:
    long = [master.stem[:2] for master in LESSONS for cell in code_cells(student_notebook(master))
            if "long" in cell.metadata.get("tags", [])]  # fmt: skip
    assert long == ["08"]


@each_master
def test_a_cell_keeps_its_name_when_another_is_put_in_before_it(master: Path, tmp_path: Path) -> None:
    names = [cell["id"] for cell in student_notebook(master).cells]
    assert len(names) == len(set(names))
    head, rest = master.read_text(encoding="utf-8").split("\n\n# %%", 1)
    longer = tmp_path / master.name
    longer.write_text(f"{head}\n\n# %%\nan_inserted_cell = 1\n\n# %%{rest}", encoding="utf-8")
    assert [cell["id"] for cell in student_notebook(longer).cells if "an-inserted-cell" not in cell["id"]] == names


def test_a_build_keeps_outputs_where_only_prose_changed(tmp_path: Path) -> None:
    path = tmp_path / "lesson.ipynb"
    old = student_notebook(LESSONS[0])
    for number, cell in enumerate(code_cells(old), 1):
        cell.execution_count = number
    nbformat.write(old, path)
    prose, code = student_notebook(LESSONS[0]), student_notebook(LESSONS[0])
    prose.cells[0].source += "\nMore."
    code_cells(code)[1].source += "\n1 + 1"
    assert build.keep_outputs(prose, path)
    assert [cell.execution_count for cell in code_cells(prose)] == [cell.execution_count for cell in code_cells(old)]
    assert not build.keep_outputs(code, path)
    assert not build.keep_outputs(prose, tmp_path / "none.ipynb")


def test_a_solved_notebook_shows_its_own_checks_and_the_students_results() -> None:
    student, solved = student_notebook(LESSONS[0]), solved_notebook(LESSONS[0])
    for notebook, name in ((student, "student"), (solved, "solved")):
        for cell in code_cells(notebook):
            cell.outputs = [NotebookNode(output_type="stream", name="stdout", text=name)]
    build.take_outputs(solved, student)
    for cell, other in zip(code_cells(solved), code_cells(student), strict=True):
        own = cell.source != other.source or cell.source.startswith("check.")
        assert text_of(cell) == ("solved" if own else "student")


def test_building_an_unknown_notebook_says_so() -> None:
    done = subprocess.run(
        [sys.executable, str(NOTEBOOKS / "build.py"), "99_nothing"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "no master" in done.stderr


def test_the_times_file_is_json_that_people_can_read() -> None:
    assert json.loads(times.STORE.read_text()) == times.stored()
    assert max(map(len, times.STORE.read_text().splitlines())) < 2000
