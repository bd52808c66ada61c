"""Merging a newer lesson into a student's copy: each rule, and that nothing of the student's is ever lost."""

from __future__ import annotations

import nbformat
from hypothesis import given, settings
from hypothesis import strategies as st
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from squidlib.teaching.course.merge import NEW_TEXT, Cells, merge


def cells(**texts: str) -> Cells:
    """Code cells by id; an id that begins with ``m`` is Markdown."""
    return [(new_markdown_cell if name[0] == "m" else new_code_cell)(text, id=name) for name, text in texts.items()]


def texts(found: Cells) -> list[str]:
    return [cell.source for cell in found]


def new_text(code: str) -> str:
    return f"{NEW_TEXT}\n\n~~~~python\n{code}\n~~~~"


def test_a_cell_that_was_not_touched_takes_the_new_text_and_keeps_its_output() -> None:
    mine = cells(a="1", b="2")
    mine[0].outputs, mine[0].execution_count = [new_output("stream", text="one\n")], 3
    found = merge(cells(a="1", b="2"), mine, cells(a="10", b="2"))
    assert texts(found.cells) == ["10", "2"]
    assert found.cells[0].outputs[0].text == "one\n"
    assert found.cells[0].execution_count == 3
    assert found[1:] == (1, 0, 0, 0)


def test_an_answer_stays_and_the_new_text_follows_as_text_that_cannot_undo_it() -> None:
    base, new = cells(a="def f(): ...", b="f()"), cells(a="def f(x): ...", b="f()")
    mine = cells(a="def f(): return 7", b="f()")
    found = merge(base, mine, new)
    assert texts(found.cells) == ["def f(): return 7", new_text("def f(x): ..."), "f()"]
    assert found.cells[1].cell_type == "markdown"
    assert found[1:] == (0, 0, 0, 1)
    again = merge(base, found.cells, new)  # as where an update was interrupted before it was recorded
    assert texts(again.cells) == texts(found.cells)
    assert not again.anything
    assert texts(merge(new, found.cells, new).cells) == texts(found.cells)
    third = merge(new, found.cells, cells(a="def f(x, y): ...", b="f()"))
    assert texts(third.cells)[:3] == ["def f(): return 7", new_text("def f(x, y): ..."), new_text("def f(x): ...")]
    assert len({cell.id for cell in third.cells}) == 4


def test_prose_that_the_student_changed_is_followed_by_the_new_prose() -> None:
    found = merge(cells(m="Guess."), cells(m="Guess. I say 3."), cells(m="Guess again."))
    assert texts(found.cells) == ["Guess. I say 3.", f"{NEW_TEXT}\n\nGuess again."]


def test_an_answer_stays_as_it_is_where_only_other_cells_changed() -> None:
    found = merge(cells(a="...", b="2"), cells(a="42", b="2"), cells(a="...", b="3"))
    assert texts(found.cells) == ["42", "3"]


def test_new_cells_take_their_places_and_own_cells_stay_behind_those_they_followed() -> None:
    mine = cells(z="first", a="1", x="mine", b="2", y="mine, too")
    found = merge(cells(a="1", b="2"), mine, cells(n="0", a="1", c="1.5", b="2", d="3"))
    assert [cell.id for cell in found.cells] == ["z", "n", "a", "x", "c", "b", "y", "d"]
    assert found.added == 3


def test_what_the_lesson_dropped_goes_unless_the_student_worked_on_it() -> None:
    found = merge(cells(a="1", b="2", c="3"), cells(a="1", b="2", c="my 3"), cells(a="1"))
    assert texts(found.cells) == ["1", "my 3"]
    assert found.removed == 1


def test_what_the_student_deleted_stays_deleted() -> None:
    assert texts(merge(cells(a="1", b="2"), cells(a="1"), cells(a="1", b="20")).cells) == ["1"]


def test_where_nobody_knows_what_was_copied_every_text_of_the_student_stays() -> None:
    found = merge([], cells(a="1", b="2", x="own"), cells(a="1", b="20"))
    assert texts(found.cells) == ["1", "2", new_text("20"), "own"]


def test_cells_without_ids_or_with_the_same_are_told_by_their_text() -> None:
    mine = cells(a="1", b="2", x="own")
    for cell in mine:
        del cell["id"]
    assert texts(merge(cells(a="1", b="2"), mine, cells(a="10", b="2")).cells) == ["10", "2", "own"]
    twice = [*cells(a="mine"), *cells(a="copied from it"), *cells(b="2")]
    found = merge(cells(a="1", b="2"), twice, cells(a="1", b="20"))
    assert texts(found.cells) == ["mine", "copied from it", "20"]
    assert len({cell.id for cell in found.cells}) == 3


def test_tags_follow_the_lesson_and_the_students_own_stay() -> None:
    base, mine, new = cells(a="1"), cells(a="1"), cells(a="2")
    base[0].metadata["tags"], mine[0].metadata["tags"], new[0].metadata["tags"] = ["varies"], ["varies", "me"], ["long"]
    assert merge(base, mine, new).cells[0].metadata["tags"] == ["long", "me"]


NOTEBOOKS = st.dictionaries(st.sampled_from("abcdefmn"), st.sampled_from(["1", "2", "3", "4"]))


@settings(max_examples=300, deadline=None)
@given(NOTEBOOKS, NOTEBOOKS, NOTEBOOKS)
def test_every_text_of_the_student_survives_and_so_does_every_new_one(
    base: dict[str, str], mine: dict[str, str], new: dict[str, str]
) -> None:
    before = cells(**mine)
    found = merge(cells(**base), before, cells(**new))
    assert before == cells(**mine), "the student's cells are only read"
    by_id: dict[str, NotebookNode] = {cell.id: cell for cell in found.cells}
    assert len(by_id) == len(found.cells)
    for name, text in mine.items():
        if base.get(name) != text:
            assert by_id[name].source == text
    for name, text in new.items():
        deleted = name in base and name not in mine
        if not deleted and base.get(name) != text:
            shown = by_id[f"{name}-new"].source if f"{name}-new" in by_id else ""
            assert text == by_id[name].source or shown in (new_text(text), f"{NEW_TEXT}\n\n{text}")
    nbformat.validate(new_notebook(cells=found.cells))
