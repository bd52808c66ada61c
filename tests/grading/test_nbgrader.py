"""nbgrader itself: it takes every assignment, gives a right answer its points and all others none.

Skipped where nbgrader is missing; ``make test`` brings it.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat import NotebookNode

pytest.importorskip("nbgrader", reason="no nbgrader; make test brings it")
from nbgrader.apps import NbGraderAPI
from nbgrader.nbgraderformat import MetadataValidator
from nbgrader.utils import has_failed
from nbgrader.validator import Validator
from traitlets.config.loader import PyFileConfigLoader

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "notebooks"))
from assignments import assignment, write_course  # noqa: E402
from masters import STUB, exercises, masters  # noqa: E402

CAPSTONE, EXPLORER = "15_capstone", "12_explorer"  #: the quickest ones; functions in one, values in the other
#: A typical wrong answer to one exercise of a lesson: its cell's name, and code of ``tests/wrong_answers``.
WRONG = {
    CAPSTONE: ("answer_blind_results", "my_blind_results = WRONG['blind_results']['f1']"),
    EXPLORER: ("answer_suffering_k", "my_suffering_k = WRONG['suffering_k']['suffer']"),
}
pytestmark = pytest.mark.filterwarnings("ignore::Warning")  # SQLAlchemy's, of nbgrader's own queries


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A course folder; notebooks are run as small as they will go and find the tests' wrong answers."""
    folder = tmp_path_factory.mktemp("course")
    write_course(folder, masters())
    with pytest.MonkeyPatch.context() as patch:
        for name in ("KIT_MODE", "KIT_CHEST_DATA"):
            patch.delenv(name, raising=False)  # the settings' own
        patch.setenv("PYTHONPATH", str(ROOT), prepend=os.pathsep)
        patch.chdir(folder)
        yield folder


@pytest.fixture(scope="module")
def api(course: Path) -> NbGraderAPI:
    """nbgrader with the settings that the course was written with."""
    settings = PyFileConfigLoader("nbgrader_config.py", path=str(course)).load_config()
    settings.CourseDirectory.root = str(course)
    return NbGraderAPI(config=settings)


@pytest.fixture(scope="module")
def released(api: NbGraderAPI, course: Path) -> Path:
    """The folder of the students' versions of all lessons."""
    for master in masters():
        done = api.generate_assignment(master.stem)
        assert done["success"], done["log"]
    return course / "release"


def cells_of(notebook: NotebookNode) -> dict[str, NotebookNode]:
    return {cell.metadata.nbgrader.grade_id: cell for cell in notebook.cells if "nbgrader" in cell.metadata}


def hand_in(course: Path, student: str, lesson: str, notebook: NotebookNode) -> None:
    folder = course / "submitted" / student / lesson
    folder.mkdir(parents=True)
    nbformat.write(notebook, folder / f"{lesson}.ipynb")


def points(api: NbGraderAPI, student: str, lesson: str) -> dict[str, Any]:
    """Points of each test of a notebook that was handed in, after it was graded."""
    done = api.autograde(lesson, student)
    assert done["success"], done["log"]
    with api.gradebook as gradebook:
        notebook = gradebook.find_submission_notebook(lesson, lesson, student)
        return {grade.name: grade.score for grade in notebook.grades}


@pytest.mark.parametrize("master", masters(), ids=lambda path: path.stem)
def test_nbgraders_own_validator_takes_the_metadata_of_every_lesson(master: Path) -> None:
    MetadataValidator().validate_nb(assignment(master))
    broken = assignment(master)
    del cells_of(broken)["setup"].metadata.nbgrader["locked"]
    with pytest.raises(Exception, match="'locked' is a required property"):
        MetadataValidator().validate_nb(broken)


@pytest.mark.parametrize("master", masters(), ids=lambda path: path.stem)
def test_a_released_lesson_holds_no_solution_and_is_code_that_runs(released: Path, master: Path) -> None:
    notebook = nbformat.read(released / master.stem / f"{master.stem}.ipynb", 4)
    source = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    compile(source, master.stem, "exec")
    assert "SOLUTION" not in source
    assert source.count(STUB) >= len(exercises(master))
    assert sum(cell.metadata.nbgrader.get("points", 0) for cell in cells_of(notebook).values()) == len(
        exercises(master)
    )


@pytest.mark.parametrize("lesson", WRONG)
def test_a_right_notebook_gets_all_points(api: NbGraderAPI, released: Path, lesson: str) -> None:
    notebook = nbformat.read(released.parent / "source" / lesson / f"{lesson}.ipynb", 4)
    for name, cell in cells_of(notebook).items():
        if name.startswith("answer_") and cell.source.startswith("def "):  # a note to stderr costs nothing
            head, _, body = cell.source.partition("### BEGIN SOLUTION\n")
            cell.source = f"{head}import sys; print('a note', file=sys.stderr)\n{body}"
    hand_in(released.parent, "right", lesson, notebook)
    found = points(api, "right", lesson)
    assert len(found) == 3
    assert set(found.values()) == {1.0}


@pytest.mark.parametrize("lesson", WRONG)
def test_a_notebook_as_it_was_released_gets_none_even_if_its_tests_were_tampered_with(
    api: NbGraderAPI, released: Path, lesson: str
) -> None:
    notebook = nbformat.read(released / lesson / f"{lesson}.ipynb", 4)
    tests = [cell for name, cell in cells_of(notebook).items() if name.startswith("test_")]
    tests[0].source = "pass"
    tests[1].metadata["tags"] = ["skip-execution"]  # what nbclient skips by default
    hand_in(released.parent, "blank", lesson, notebook)
    found = points(api, "blank", lesson)
    assert len(found) == 3
    assert set(found.values()) == {0.0}


@pytest.mark.parametrize("lesson", WRONG)
def test_a_typical_wrong_answer_loses_its_points_and_no_others(api: NbGraderAPI, released: Path, lesson: str) -> None:
    notebook = nbformat.read(released.parent / "source" / lesson / f"{lesson}.ipynb", 4)
    name, answer = WRONG[lesson]
    cells_of(notebook)[name].source = f"from tests.wrong_answers.lesson_{lesson[:2]} import WRONG\n{answer}"
    hand_in(released.parent, "wrong", lesson, notebook)
    found = points(api, "wrong", lesson)
    graded = nbformat.read(released.parent / "autograded" / "wrong" / lesson / f"{lesson}.ipynb", 4)
    assert [cell.cell_type for cell in graded.cells if has_failed(cell)] == ["code"], "the test alone failed"
    assert found.pop(name.replace("answer", "test")) == 0.0
    assert list(found.values()) == [1.0, 1.0]


def test_nbgrader_validate_tells_students_what_is_left_to_do(api: NbGraderAPI, released: Path) -> None:
    validator = Validator(parent=api)
    blank = validator.validate(str(released / CAPSTONE / f"{CAPSTONE}.ipynb"))
    assert [found["raw_error"].splitlines()[-1] for found in blank["failed"]] == [
        f"NotYet: {check}: not written yet" for check in ("blind_results", "auc_error", "difference_p")
    ]
    shutil.copytree(released.parent / "source" / CAPSTONE, released.parent / "solved")
    assert validator.validate(os.fspath(released.parent / "solved" / f"{CAPSTONE}.ipynb")) == {}
