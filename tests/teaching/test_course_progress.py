"""Progress: counted beside working copies and nowhere else; read from what students hand in, bad files named."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
import torch
from torch import Tensor

from squidlib.shrinkage import hard_shrink
from squidlib.teaching import checks as check
from squidlib.teaching.course.progress import Standing, handed_in, read_progress
from squidlib.utils.errors import UserError
from tests.helpers import squid

Capture = pytest.CaptureFixture[str]
Patch = pytest.MonkeyPatch


@pytest.fixture(autouse=True)
def users(as_users: None) -> None:
    """As a student's kernel has it."""


@pytest.fixture
def copies(tmp_path: Path, monkeypatch: Patch) -> Path:
    """A folder that is marked as one of working copies, as working folder."""
    monkeypatch.delenv("KIT_PROGRESS", raising=False)
    (tmp_path / "my" / ".lessons").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "my")
    return tmp_path / "my"


def wrong(weights: Tensor, threshold: float) -> Tensor:
    return torch.ones_like(weights)


def write(path: Path, **standings: tuple[bool, int, int]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    exercises = {name: Standing(*told)._asdict() for name, told in standings.items()}
    path.write_text(json.dumps({"format": "squidlib-progress-1", "exercises": exercises}))


def test_tries_and_hints_are_counted_until_an_exercise_passes(copies: Path) -> None:
    check.hard_shrink(...)
    assert not (copies / "progress.json").exists(), "a blank exercise is no try"
    check.hard_shrink(wrong)
    check.hard_shrink(wrong, hints=2)
    assert read_progress(copies / "progress.json") == {"hard_shrink": (False, 2, 2)}
    assert check.hard_shrink(hard_shrink).passed
    check.hard_shrink(wrong)
    check.topk_shrink(wrong)
    assert read_progress(copies / "progress.json") == {"hard_shrink": (True, 3, 2), "topk_shrink": (False, 1, 1)}
    assert "name" not in (copies / "progress.json").read_text()


def test_nothing_is_written_elsewhere_or_where_it_is_switched_off(
    copies: Path, tmp_path: Path, monkeypatch: Patch
) -> None:
    monkeypatch.setenv("KIT_PROGRESS", "off")
    check.hard_shrink(wrong)
    monkeypatch.delenv("KIT_PROGRESS")
    monkeypatch.chdir(tmp_path)
    check.hard_shrink(wrong)
    assert [path.name for path in tmp_path.rglob("*")] == ["my", ".lessons"]


def test_a_file_that_cannot_be_kept_does_not_disturb_the_check(copies: Path, capsys: Capture) -> None:
    (copies / "progress.json").write_text("{")
    assert check.hard_shrink(hard_shrink).passed
    assert "(this try was not counted: " in capsys.readouterr().err
    assert (copies / "progress.json").read_text() == "{"


def test_a_class_is_one_table_and_one_csv_file(tmp_path: Path, monkeypatch: Patch, capsys: Capture) -> None:
    monkeypatch.chdir(tmp_path)
    write(Path("in/anna/my/progress.json"), hard_shrink=(True, 3, 2), topk_shrink=(True, 1, 0))
    write(Path("in/=bob.json"), hard_shrink=(False, 4, 1))
    write(Path("cora/progress.json"), pairs_in_order=(True, 1, 0))
    said = squid(capsys, "progress", "in", "cora", "--csv", "class.csv")
    assert (said.code, said.errors) == (0, [])
    rows = [line.split() for line in said.out.splitlines() if line.strip()]
    table = {name: cells for name, *cells in rows if name in ("=bob", "anna", "cora")}
    assert list(table) == ["=bob", "anna", "cora"]
    assert table["anna"][5] == "2"
    assert table["anna"][-3:] == ["2", "4", "2"]
    assert table["=bob"][-3:] == ["0", "4", "1"]
    assert table["cora"][0] == "1"
    (shares,) = [row for row in rows if row[:3] == ["%", "of", "3"]]
    assert shares[3 + 5] == "17", "2 of the 4 exercises of lesson 05, by one of three"
    found = list(csv.DictReader(io.StringIO(Path("class.csv").read_text())))
    assert len(found) == 3 * len(check.__all__)
    assert {row["name"] for row in found} == {"anna", "'=bob", "cora"}
    (row,) = [row for row in found if row["name"] == "anna" and row["exercise"] == "hard_shrink"]
    assert row == {"name": "anna", "lesson": "05", "exercise": "hard_shrink", "passed": "1", "tries": "3", "hints": "2"}


def test_a_folder_of_lessons_is_called_as_the_folder_that_holds_it(copies: Path) -> None:
    write(copies / "progress.json")
    assert handed_in([copies]) == [(copies.parent.name, copies / "progress.json")]
    assert handed_in([copies / "progress.json"]) == handed_in([copies])


@pytest.mark.parametrize(
    "text",
    [
        "{", "[]", '{"format": "squidlib-progress-1"}', '{"format": "squidlib-progress-2", "exercises": {}}',
        "[" * 99999,
        '{"format": "squidlib-progress-1", "exercises": {"a": {"passed": 1, "tries": 1, "hints": 0}}}',
        '{"format": "squidlib-progress-1", "exercises": {"a": {"passed": true, "tries": -1, "hints": 0}}}',
    ],
)  # fmt: skip
def test_a_bad_file_is_named_in_a_line_and_passed_over(
    text: str, tmp_path: Path, monkeypatch: Patch, capsys: Capture
) -> None:
    monkeypatch.chdir(tmp_path)
    write(Path("in/anna.json"), hard_shrink=(True, 1, 0))
    Path("in/bad\x1b.json").write_text(text)
    said = squid(capsys, "progress", "in")
    assert said.code == 1
    assert len(said.errors) == 1
    assert "passed over: in/bad\\x1b.json" in said.errors[0]
    assert "anna" in said.out
    said = squid(capsys, "progress", "in/bad\x1b.json")
    assert said.code == 2
    assert said.errors[-1] == "squid: none of the files could be read"


def test_what_is_not_there_is_said(tmp_path: Path, capsys: Capture) -> None:
    with pytest.raises(UserError, match="there is none"):
        handed_in([tmp_path / "nobody"])
    said = squid(capsys, "progress", tmp_path)
    assert said.code == 2
    assert "holds no progress.json" in said.errors[0]
    assert "name what students handed in" in squid(capsys, "progress").errors[0]
