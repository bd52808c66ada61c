"""Lessons: every master has the parts that a student can rely on, and what it names exists."""

from __future__ import annotations

import importlib
import re
import sys
from functools import reduce
from pathlib import Path

import jupytext
import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "notebooks"))
from masters import masters, student_notebook  # noqa: E402
from times import planned_minutes  # noqa: E402

each_master = pytest.mark.parametrize("master", masters(), ids=lambda path: path.stem)
SECTION = re.compile(r"^## .+ \((\d+) min\)$", re.MULTILINE)
PARTS = ("**Aims.**", "**Time.**", "**Needs.**", "**Predict.**", "**What we saw.**", "**What this does not show.**")


def prose(master: Path) -> str:
    return "\n\n".join(cell.source for cell in jupytext.read(master).cells if cell.cell_type == "markdown")


def code(master: Path) -> list[str]:
    return [cell.source for cell in jupytext.read(master).cells if cell.cell_type == "code"]


@each_master
def test_a_lesson_has_all_its_parts(master: Path) -> None:
    text, source = prose(master), master.read_text()  # what we saw may be a sentence with computed numbers
    assert [part for part in PARTS if part not in source] == []
    exercises = re.findall(r"\*\*Exercise (\d+)", text)
    assert exercises == [str(number) for number in range(1, len(exercises) + 1)]


@each_master
def test_the_minutes_of_the_sections_are_the_lessons(master: Path) -> None:
    headings = re.findall(r"^## .+$", prose(master), re.MULTILINE)
    minutes = [int(found) for found in SECTION.findall(prose(master))]
    assert len(minutes) == len(headings), "every section says its minutes: '## Title (6 min)'"
    assert sum(minutes) == planned_minutes(master)


@each_master
def test_cells_are_short(master: Path) -> None:
    cells = [cell.source for cell in student_notebook(master).cells if cell.cell_type == "code"]
    longest = max(cells, key=lambda source: source.count("\n"))
    assert longest.count("\n") < 32, longest


@each_master
def test_what_the_map_names_exists(master: Path) -> None:
    table = prose(master).rpartition("| seen here | paper | function | test |")[2]
    rows = [line for line in table.splitlines()[2:] if line.startswith("|")]
    assert len(rows) >= 3
    for row in rows:
        _, _, functions, tests = (part.strip() for part in row.strip("|").split("|"))
        for name in re.findall(r"`([\w.]+)`", functions):
            assert resolves(name), f"{master.stem}: no {name}"
        named = re.findall(r"`(tests/[\w./]+\.py)(?:::(\w+))?`", tests)
        assert named, row
        for file, test in named:
            assert (ROOT / file).is_file(), f"{master.stem}: no {file}"
            assert not test or f"def {test}(" in (ROOT / file).read_text(), f"{master.stem}: no {file}::{test}"


def resolves(name: str) -> bool:
    """Whether a dotted name stands for a module or something in one."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        try:
            module = importlib.import_module(".".join(parts[:length]))
            reduce(getattr, parts[length:], module)
        except (ImportError, AttributeError):
            continue
        return True
    return False


@each_master
def test_no_measured_number_is_typed_into_prose(master: Path) -> None:
    text = re.sub(r"`[^`]*`|\$[^$]*\$", "", prose(master))  # code and formulas hold settings
    typed = re.findall(r"AUC[^.|\n]{0,30}\b0?\.\d\d+|\b0?\.\d{3,}|\b\d+(?:\.\d+)? (?:s|seconds) (?:a|per) step", text)
    assert typed == []


@each_master
def test_colours_are_the_kits(master: Path) -> None:
    source = master.read_text()
    assert re.findall(r"(?:color|colour|c)=[\"'](?!black|white|0\.)[^\"']*[\"']", source) == []
    assert set(re.findall(r"cmap=[\"'](\w+)[\"']", source)) <= {"gray", "magma", "cividis"}


@each_master
def test_a_lesson_reads_no_other_notebook_and_no_hidden_file(master: Path) -> None:
    source = "\n".join(code(master))
    assert ".ipynb" not in source
    assert "download=True" not in source
    assert 'device="cuda"' not in source
    assert ".cuda()" not in source
