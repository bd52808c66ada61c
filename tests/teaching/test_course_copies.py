"""Working copies: complete in any folder, never written over, updated with a backup, whole after an interruption."""

from __future__ import annotations

import json
from pathlib import Path

import nbformat
import pytest

from squidlib.teaching.course import copies, folder, handout
from squidlib.teaching.course.copies import make_copies, read_copy, update_copies
from squidlib.utils.errors import UserError
from tests.helpers import squid

ROOT = Path(__file__).resolve().parents[2]
NAME = "05_gumbel_shrinkage.ipynb"
ANSWER = "def my_hard_shrink(weights, threshold):\n    return weights * (weights > threshold)"
Patch = pytest.MonkeyPatch


@pytest.fixture
def course(tmp_path: Path, monkeypatch: Patch) -> Path:
    """A course of one lesson that a test may change, and the folder of its copies, ``my``, as working folder."""
    made = tmp_path / "course"
    (made / "notebooks" / "schematics").mkdir(parents=True)
    (made / "docs").mkdir()
    (made / "notebooks" / NAME).write_bytes((ROOT / "notebooks" / NAME).read_bytes())
    for name in ("here_memory.svg",):
        (made / "notebooks" / "schematics" / name).write_bytes((ROOT / "notebooks/schematics" / name).read_bytes())
    (made / "docs" / "glossary.md").write_text("[The kit](../README.md) and [words](https://example.org) [a](#slot)\n")
    for module in (folder, handout, copies):
        monkeypatch.setattr(module, "course_folder", lambda: made, raising=False)
    monkeypatch.chdir(tmp_path)
    return made


def change(path: Path, begin: str, text: str) -> None:
    """Another text for the cell of the notebook at ``path`` whose text begins so."""
    notebook = nbformat.read(path, as_version=4)
    (cell,) = [cell for cell in notebook.cells if cell.source.startswith(begin)]
    cell.source = text
    nbformat.write(notebook, path)


def sources(path: Path) -> list[str]:
    return [cell.source for cell in read_copy(path).cells]


def test_every_picture_and_page_that_a_lesson_shows_lies_beside_the_copies(tmp_path: Path) -> None:
    made = make_copies(tmp_path / "my")
    assert made.copied == sorted(path.stem for path in (ROOT / "notebooks").glob("[0-9]*.ipynb"))
    shown = 0
    for path in (tmp_path / "my").rglob("*"):
        if path.is_dir() or ".lessons" in path.parts:
            continue
        text = path.read_text() if path.suffix == ".md" else ""
        if path.suffix == ".ipynb":
            cells = read_copy(path).cells
            text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
            assert not [cell for cell in cells if cell.get("outputs") or cell.get("execution_count")]
        for target in handout.links(text):
            assert (path.parent / target).is_file(), f"{path.name}: {target}"
            assert ".." not in target, "JupyterLab shows nothing above its folder"
            shown += 1
    assert shown > 30


def test_what_is_there_is_never_written_over(course: Path) -> None:
    assert make_copies(Path("my")).copied == [NAME[:-6]]
    change(Path("my") / NAME, "def my_hard_shrink", ANSWER)
    kept = Path("my", NAME).read_bytes()
    change(course / "notebooks" / NAME, "def my_topk_shrink", "def my_topk_shrink(weights, k, dim=-1):\n    ...")
    assert make_copies(Path("my")) == ([], [NAME[:-6]], [NAME[:-6]])
    assert Path("my", NAME).read_bytes() == kept


def test_an_update_keeps_the_answer_takes_the_news_and_leaves_a_backup(
    course: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = squid(capsys, "lessons").out.splitlines()
    assert first == "my: copied 1 lessons, yours to write into; begin with 00_start_here"
    assert second == "to open them: squid lab"
    assert squid(capsys, "lessons", "a folder").out.endswith("to open them: squid lab 'a folder'\n")
    path = Path("my", NAME)
    change(path, "def my_hard_shrink", ANSWER)
    before = path.read_bytes()
    change(course / "notebooks" / NAME, "def my_topk_shrink", "def my_topk_shrink(weights, k, dim=-1):\n    ...")
    said = squid(capsys, "lessons")
    assert "lessons that have changed since: 05; to take the changes over: squid lessons --update" in said.out
    said = squid(capsys, "lessons", "--update")
    assert said == (0, f"{NAME[:-6]}: cells: 1 took a new text\n", [])
    assert ANSWER in sources(path)
    assert "def my_topk_shrink(weights, k, dim=-1):\n    ..." in sources(path)
    (backup,) = Path("my/.lessons/backups").iterdir()
    assert backup.read_bytes() == before
    assert squid(capsys, "lessons", "--update").out == f"{NAME[:-6]}: has not changed\n"


def test_an_interrupted_update_is_done_again_and_nothing_is_done_twice(course: Path, monkeypatch: Patch) -> None:
    make_copies(Path("my"))
    path = Path("my", NAME)
    change(path, "def my_hard_shrink", ANSWER)
    change(course / "notebooks" / NAME, "def my_hard_shrink", "def my_hard_shrink(weights, threshold=0.1):\n    ...")
    whole, steps = copies.write_atomically, []

    def stop_at_third(target: Path, content: bytes) -> None:
        steps.append(target)
        if len(steps) == 3:  # backup, copy, record
            raise KeyboardInterrupt
        whole(target, content)

    monkeypatch.setattr(copies, "write_atomically", stop_at_third)
    with pytest.raises(KeyboardInterrupt):
        list(update_copies(Path("my")))
    assert [step.parent.name for step in steps] == ["backups", "my", ".lessons"]
    after = sources(path)
    assert ANSWER in after
    assert [done.line for done in update_copies(Path("my"))] == ["nothing that your copy does not have already"]
    assert sources(path) == after


def test_a_broken_notebook_is_named_in_a_line_and_left_alone(course: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_copies(Path("my"))
    path = Path("my", NAME)
    cut = path.read_text()[:-200]
    change(course / "notebooks" / NAME, "def my_topk_shrink", "def my_topk_shrink(weights, k, dim=-1):\n    ...")
    for text in (cut, "", "[]", '{"nbformat": 4, "cells": [{}], "metadata": {}}', '{"nbformat": 3, "worksheets": []}'):
        path.write_text(text)
        said = squid(capsys, "lessons", "--update")
        assert said.code == 1
        (line,) = said.out.splitlines()
        assert f"left as it is: {path} is no" in line
        assert "rename it and run: squid lessons my" in line
        assert path.read_text() == text
    path.rename("my/mine.ipynb")
    assert squid(capsys, "lessons").code == 0
    assert "def my_topk_shrink(weights, k, dim=-1):\n    ..." in sources(path)


def test_a_copy_whose_record_was_lost_keeps_all_its_texts(course: Path) -> None:
    make_copies(Path("my"))
    path = Path("my", NAME)
    change(path, "def my_hard_shrink", ANSWER)
    Path("my/.lessons", NAME).unlink()
    (done,) = update_copies(Path("my"))
    assert "1 of yours kept, with the new text behind" in done.line
    assert "not known" in done.line
    assert ANSWER in sources(path)


def test_a_newer_picture_replaces_the_old_one(course: Path) -> None:
    make_copies(Path("my"))
    (course / "notebooks/schematics/here_memory.svg").write_text("<svg>new</svg>")
    list(update_copies(Path("my")))
    assert Path("my/schematics/here_memory.svg").read_text() == "<svg>new</svg>"
    assert Path("my/docs/glossary.md").read_text() == "The kit and [words](https://example.org) [a](#slot)\n"


def test_folders_that_cannot_be_used_are_refused_in_a_line(course: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("file").write_text("")
    for arguments, wanted in (
        ((course / "notebooks",), "holds the lessons themselves"),
        (("file",), "is a file; a folder for the copies"),
        (("nowhere", "--update"), "nowhere holds no lessons to update; make some with: squid lessons nowhere"),
    ):
        said = squid(capsys, "lessons", *arguments)
        assert said.code == 2
        assert wanted in said.errors[0]
    assert not Path("nowhere").exists()


def test_an_installation_without_lessons_says_so(tmp_path: Path, monkeypatch: Patch) -> None:
    monkeypatch.setattr(folder, "files", lambda name: tmp_path / "squidlib")
    with pytest.raises(UserError, match=r"no lessons in .* this installation is incomplete"):
        folder.course_folder()


def test_a_copy_is_a_notebook_that_jupyter_writes_the_same_way(tmp_path: Path) -> None:
    make_copies(tmp_path)
    text = (tmp_path / NAME).read_text()
    assert json.dumps(json.loads(text), indent=1, ensure_ascii=False, sort_keys=True) + "\n" == text
