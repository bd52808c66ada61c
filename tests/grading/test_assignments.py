"""Assignments: what a course folder for nbgrader holds, for every lesson, without nbgrader."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode

from squidlib.teaching import checks

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "notebooks"))
import assignments  # noqa: E402
import build  # noqa: E402
from assignments import assignment, write_course  # noqa: E402
from masters import exercises, masters, solved_notebook  # noqa: E402

each_master = pytest.mark.parametrize("master", masters(), ids=lambda path: path.stem)
KEYS = {"schema_version", "grade_id", "grade", "solution", "locked", "task"}


def about(cell: NotebookNode) -> NotebookNode:
    return cell.metadata.get("nbgrader", NotebookNode(grade=False, solution=False, locked=False))


def code(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


@each_master
def test_each_exercise_is_a_solution_and_its_check_a_locked_test_with_points(master: Path) -> None:
    marked = [cell for cell in assignment(master).cells if "nbgrader" in cell.metadata]
    kinds = [(about(cell).solution, about(cell).grade, about(cell).locked) for cell in marked]
    answers = len(exercises(master))
    assert kinds == [(False, False, True)] * 2 + [(True, False, False), (False, True, True)] * answers
    for cell in marked:
        assert set(about(cell)) == (KEYS | {"points"} if about(cell).grade else KEYS)
        assert about(cell).schema_version == 3
        assert not about(cell).task
        assert about(cell).get("points", 1) > 0
        assert re.fullmatch(r"[\w-]+", about(cell).grade_id)
    names = [about(cell).grade_id for cell in marked]
    assert len(set(names)) == len(names)


@each_master
def test_a_test_asks_the_check_of_its_exercise_for_the_students_answer(master: Path) -> None:
    cells = [cell for cell in code(assignment(master)) if about(cell).solution or about(cell).grade]
    for answer, test in zip(cells[::2], cells[1::2], strict=True):
        call = re.search(r"^graded\(checks\.(\w+), (\w+)\)$", test.source, re.MULTILINE)
        assert call is not None
        assert call[1] in checks.__all__
        assert about(test).grade_id == f"test_{call[1]}"
        assert about(answer).grade_id == f"answer_{call[1]}"


@each_master
def test_figures_and_widgets_have_no_part_in_grading(master: Path) -> None:
    drawing = [cell for cell in code(assignment(master)) if re.search(r"\b(show|slider|explore|say)\(", cell.source)]
    assert len(drawing) >= 3
    assert [cell.source for cell in drawing if "nbgrader" in cell.metadata] == []


def plain(source: str) -> str:
    """The code itself: without comments, brackets that are not needed and the check's own spelling."""
    source = re.sub(r"^from squidlib.teaching.*\n\n?", "", source, flags=re.MULTILINE)
    return ast.unparse(ast.parse(re.sub(r"^graded\(checks\.(\w+), (\w+)\)", r"check.\1(\2)", source)))


@each_master
def test_the_instructors_version_is_the_solved_notebook_with_marks(master: Path) -> None:
    own, solved = assignment(master), solved_notebook(master)
    assert [cell["id"] for cell in own.cells] == [cell["id"] for cell in solved.cells]
    for cell, other in zip(code(own)[2:], code(solved)[2:], strict=True):
        assert plain(cell.source) == plain(other.source)
        assert cell.outputs == []
        assert cell.source.count("### BEGIN SOLUTION") == cell.source.count("### END SOLUTION")
        assert ("### BEGIN SOLUTION" in cell.source) == about(cell).solution


def test_a_course_folder_holds_all_that_its_notebooks_show_and_link(tmp_path: Path) -> None:
    write_course(tmp_path / "course", masters())
    paths = sorted((tmp_path / "course").glob("source/*/*.ipynb"))
    assert [path.stem for path in paths] == [path.parent.name for path in paths] == [m.stem for m in masters()]
    shown = 0
    for path in paths:
        text = "\n".join(cell.source for cell in nbformat.read(path, 4).cells if cell.cell_type == "markdown")
        for target in re.findall(r"\]\(([^)#\s]+)", text):
            assert target.startswith("http") or (path.parent / target).is_file(), f"{path.stem}: {target}"
            shown += 1
    assert shown > 60


def test_what_an_instructor_changed_or_collected_stays(tmp_path: Path) -> None:
    chosen = masters(["15"])
    write_course(tmp_path, chosen)
    path = next(tmp_path.glob("source/*/*.ipynb"))
    first = path.read_bytes()
    settings, collected = tmp_path / "nbgrader_config.py", tmp_path / "submitted" / "alice"
    settings.write_text("# mine")
    collected.mkdir(parents=True)
    path.write_text("damaged")
    write_course(tmp_path, chosen)
    assert path.read_bytes() == first
    assert settings.read_text() == "# mine"
    assert collected.is_dir()


def test_two_courses_do_not_share_the_tag_by_which_a_cell_is_skipped(tmp_path: Path) -> None:
    texts = []
    for name in ("one", "two"):
        write_course(tmp_path / name, masters(["15"]))
        texts.append((tmp_path / name / "nbgrader_config.py").read_text())
    tags = [re.findall(r'skip_cells_with_tag = "(.+)"', text) for text in texts]
    assert all(len(found) == 1 and len(found[0]) > 20 for found in tags)
    assert tags[0] != tags[1]


def test_a_folder_that_cannot_be_written_is_said_in_a_line(tmp_path: Path) -> None:
    (tmp_path / "course").write_text("a file")
    with pytest.raises(SystemExit) as said:
        build.main(["--nbgrader", str(tmp_path / "course"), "15"])
    assert "a folder that can be written expected" in str(said.value)
    assert "\n" not in str(said.value)


def test_the_builder_writes_a_course_of_the_lessons_that_are_named(tmp_path: Path) -> None:
    before = {path: path.stat().st_mtime for path in (ROOT / "notebooks").glob("*.ipynb")}
    build.main(["--nbgrader", str(tmp_path), "00", "15"])
    assert sorted(path.name for path in (tmp_path / "source").iterdir()) == ["00_start_here", "15_capstone"]
    assert {path: path.stat().st_mtime for path in before} == before


MASTER = "# %% [markdown]\n# # 00 · A\n#\n# Text.\n\n# %%\nimport torch\n\n"
EXERCISE = """# %% tags=["exercise"]
def my_auc(a, b):
    '''Say.'''
    # solution: begin
    return 1
    # solution: end


"""
CHECK = "# %%\ncheck.pairs_in_order(my_auc)\n\n"


@pytest.mark.parametrize("lesson", [EXERCISE, CHECK, EXERCISE + EXERCISE + CHECK, EXERCISE + CHECK + CHECK])
def test_an_exercise_without_its_check_is_refused(lesson: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / masters()[0].name
    path.write_text(MASTER + lesson)
    with pytest.raises(ValueError, match="one check below each exercise expected"):
        assignment(path)
    path.write_text(MASTER + EXERCISE + CHECK)
    assert about(code(assignment(path))[-1]).grade_id == "test_pairs_in_order"


def test_a_value_in_several_statements_is_refused() -> None:
    region = assignments.SOLUTION.search("# solution: begin\na = 1\nb = 2\n# solution: end\n")
    assert region is not None
    with pytest.raises(ValueError, match="one statement"):
        assignments._marked(region)
