"""Instructors' material: minutes add up, what a schedule names exists in the lessons, every lesson has its file."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "notebooks"))
from masters import masters, student_notebook  # noqa: E402
from prose import OPTIONAL, on_core_path, with_answers  # noqa: E402

FOLDER = ROOT / "notebooks" / "instructor"
HEADINGS = ("Objectives", "Misconceptions", "Questions", "Where to cut", "What may go wrong")
each_master = pytest.mark.parametrize("master", masters(), ids=lambda path: path.stem)


class Row(NamedTuple):
    """A row of a schedule; ``lesson`` is empty for breaks and talks."""

    minutes: int
    what: str
    lesson: str


def sections(master: Path) -> dict[str, int]:
    """Section title -> minutes of a lesson."""
    found = re.findall(r"^# ## (.+) \((\d+) min\)$", master.read_text(), re.MULTILINE)
    return {title: int(minutes) for title, minutes in found}


LESSONS = {master.stem[:2]: sections(master) for master in masters()}


CORE = {
    master.stem[:2]: {title: minutes for title, minutes in sections(master).items() if on_core_path(title, master.stem)}
    for master in masters()
}


def schedules() -> dict[str, str]:
    """Heading -> text of every schedule."""
    parts = re.split(r"^## (.+)$", (FOLDER / "schedules.md").read_text(), flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


def rows(text: str) -> tuple[list[Row], int]:
    """The rows of a schedule's table, and what its total row says."""
    table, total = [], 0
    for line in text.splitlines():
        if not line.startswith("| ") or "minutes" in line or "---" in line:
            continue
        minutes, what, lesson = (cell.strip() for cell in line.strip("|").split("|"))
        if what == "**total**":
            total = int(minutes.strip("*"))
        else:
            table.append(Row(int(minutes), what, lesson))
    return table, total


each_schedule = pytest.mark.parametrize(("heading", "text"), schedules().items(), ids=schedules())


def test_there_is_a_schedule_for_90_180_and_360_minutes_and_for_every_core_path() -> None:
    assert [re.findall(r"\d+", heading) for heading in schedules()] == [["90"], ["180"], ["360"], ["420"]]


@each_schedule
def test_minutes_add_up_to_what_total_and_heading_say(heading: str, text: str) -> None:
    table, total = rows(text)
    assert sum(row.minutes for row in table) == total
    assert re.findall(r"\d+", heading) == [str(total)]


@each_schedule
def test_every_section_exists_and_gets_at_least_its_minutes(heading: str, text: str) -> None:
    for row in rows(text)[0]:
        if not row.lesson:
            continue
        assert row.lesson in LESSONS, f"no lesson {row.lesson}"
        known = dict(LESSONS[row.lesson])
        known |= {"all": sum(known.values()), "core": sum(CORE[row.lesson].values())}
        assert row.what in known, f"lesson {row.lesson} has no section {row.what!r}"
        assert row.minutes >= known[row.what], row


@each_schedule
def test_nothing_is_scheduled_twice_and_lessons_come_in_order(heading: str, text: str) -> None:
    named = [(row.lesson, row.what) for row in rows(text)[0] if row.lesson]
    assert len(set(named)) == len(named)
    assert [lesson for lesson, _ in named] == sorted(lesson for lesson, _ in named)


@each_schedule
def test_sections_of_a_lesson_keep_their_order(heading: str, text: str) -> None:
    for lesson, known in LESSONS.items():
        named = [row.what for row in rows(text)[0] if row.lesson == lesson]
        places = [list(known).index(what) for what in named if what not in ("all", "core")]
        assert places == sorted(places)


@each_schedule
def test_nobody_sits_for_longer_than_two_hours_without_a_break(heading: str, text: str) -> None:
    seated = 0
    for row in rows(text)[0]:
        seated = 0 if row.what in ("Break", "Lunch") else seated + row.minutes
        assert seated <= 120, row


@each_master
def test_a_lesson_has_its_file_with_all_parts(master: Path) -> None:
    text = (FOLDER / f"{master.stem}.md").read_text()
    title = re.search(r"^# # (.+)$", master.read_text(), re.MULTILINE)
    assert title is not None
    assert text.startswith(f"# {title[1]}: for instructors\n")
    assert tuple(re.findall(r"^## (.+)$", text, re.MULTILINE)) == HEADINGS
    for heading in HEADINGS:
        body = re.split(r"^## ", text.partition(f"## {heading}\n")[2], flags=re.MULTILINE)[0]
        assert len(re.findall(r"^- ", body, re.MULTILINE)) >= 2, heading


@each_master
def test_every_section_of_a_lesson_is_either_must_or_can_be_skipped(master: Path) -> None:
    text = (FOLDER / f"{master.stem}.md").read_text()
    named = re.findall(r"^- (must|skip): (.+)$", text, re.MULTILINE)
    for title in sections(master):
        kinds = [kind for kind, rest in named if rest == title or rest.startswith(f"{title} (")]
        assert len(kinds) == 1, f"{title!r} is named {len(kinds)} times under 'Where to cut'"
    assert len(named) == len(sections(master)), "a section is named that the lesson does not have"
    assert {kind for kind, _ in named} == {"must", "skip"}


def test_the_readme_names_every_file_and_the_rehearsal() -> None:
    text = (FOLDER / "README.md").read_text()
    assert "schedules.md" in text
    assert "make rehearse" in text
    for linked in re.findall(r"\]\(([^)#]+)\)", text):
        assert (FOLDER / linked).exists() or linked == "../solutions/", linked


@each_master
def test_the_core_path_is_a_walk_of_half_an_hour_that_the_lesson_itself_names(master: Path) -> None:
    core, every = CORE[master.stem[:2]], sections(master)
    assert 10 <= sum(core.values()) <= 26
    cells = [cell.source for cell in student_notebook(master).cells if cell.cell_type == "markdown"]
    line = next(line for line in cells[0].splitlines() if line.startswith("**Core path.**"))
    assert line == f"**Core path.** {sum(core.values())} minutes: {' · '.join(core)}"
    text = "\n".join(cells)
    marked = re.findall(rf"^## (.+) \(\d+ min\)\n\n{re.escape(OPTIONAL)}$", text, re.MULTILINE)
    assert marked == [title for title in every if title not in core]


@each_master
def test_each_prediction_of_a_lesson_has_three_answers_to_choose_from(master: Path) -> None:
    text = "\n".join(cell.source for cell in student_notebook(master).cells if cell.cell_type == "markdown")
    asked = re.findall(r"^\*\*Predict[.,]", text, re.MULTILINE)
    answers = re.findall(r"<details><summary>\(([abc])\) .+</summary>\n\n\*\*(Yes|No)\.\*\* (.+)\n\n</details>", text)
    assert len(answers) == text.count("<details>") == 3 * len(asked) >= 3
    assert [letter for letter, _, _ in answers] == ["a", "b", "c"] * (len(answers) // 3)
    assert [verdict for _, verdict, _ in answers].count("Yes") == len(answers) // 3
    assert all(len(reply.split()) >= 4 for _, _, reply in answers), "say why, in a sentence"


@pytest.mark.parametrize("answers", ["? no :: why", "? a :: b\n? c :: d\n? e :: f", "! a :: b\n! c :: d\n? e :: f"])
def test_answers_that_are_not_three_with_one_right_are_refused(answers: str) -> None:
    with pytest.raises(ValueError, match="three answers, one of them right"):
        with_answers(f"**Predict.** What?\n\n{answers}\n\nAnd then.")


@each_master
def test_a_lesson_opens_with_the_question_that_the_road_map_of_lesson_00_asks(master: Path) -> None:
    road = masters(["00"])[0].read_text()
    line = student_notebook(master).cells[0].source.splitlines()[2]
    if master.stem.startswith("00"):
        assert line.startswith("**Aims.**")
    else:
        assert line.startswith("> **")
        assert line.endswith("?**")
        assert f"| {line.removeprefix('> **').removesuffix('**')} |" in road
