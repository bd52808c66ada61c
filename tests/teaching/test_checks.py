"""Checks of exercises: the solution passes, the blank and typical wrong answers fail, each with a hint of its own."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

import tests.wrong_answers
from squidlib.teaching import checks

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "notebooks"))
from masters import Exercise, exercises, masters  # noqa: E402

NAMES = sorted(checks.__all__)
WRONG: dict[str, dict[str, Any]] = {}
for module in pkgutil.iter_modules(tests.wrong_answers.__path__):
    answers = importlib.import_module(f"tests.wrong_answers.{module.name}").WRONG
    assert not set(answers) & set(WRONG)
    WRONG |= answers


def imports_of(master: Path) -> str:
    """The import statements of a master, wherever they stand, and its future ones."""
    tree = ast.parse(master.read_text())
    return "\n".join(ast.unparse(node) for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom))


def asked_in(master: Path) -> list[tuple[str, str]]:
    """(check, argument) for each ``check.name(argument)`` of a master, in order."""
    calls = [node for node in ast.walk(ast.parse(master.read_text())) if isinstance(node, ast.Call)]
    found = [
        (call.lineno, call.func.attr, ast.unparse(call.args[0]))
        for call in calls
        if isinstance(call.func, ast.Attribute) and ast.unparse(call.func.value) == "check"
    ]
    return [(name, argument) for _, name, argument in sorted(found)]


def value_of(code: str, name: str, master: Path) -> Any:
    """What an exercise cell defines under ``name``, given the lesson's imports."""
    space: dict[str, Any] = {}
    exec(compile(imports_of(master) + "\n" + code, master.name, "exec"), space)
    return space[name]


CASES = [
    pytest.param(master, exercise, name, argument, id=name)
    for master in masters()
    for exercise, (name, argument) in zip(exercises(master), asked_in(master), strict=True)
]


@pytest.mark.parametrize(("master", "exercise", "name", "argument"), CASES)
def test_the_solution_passes(master: Path, exercise: Exercise, name: str, argument: str) -> None:
    report = getattr(checks, name)(value_of(exercise.solution, argument, master))
    assert report.passed, str(report)
    assert len(report.held) >= 2


@pytest.mark.parametrize(("master", "exercise", "name", "argument"), CASES)
def test_the_blank_is_called_blank_and_gets_a_first_hint(
    master: Path, exercise: Exercise, name: str, argument: str
) -> None:
    report = getattr(checks, name)(value_of(exercise.stub, argument, master))
    assert report.failed == "blank", str(report)
    assert "hint 1" in str(report)


@pytest.mark.parametrize(("name", "key"), [(name, key) for name in WRONG for key in WRONG[name]])
def test_a_typical_wrong_answer_fails_where_it_should(name: str, key: str) -> None:
    report = getattr(checks, name)(WRONG[name][key])
    assert report.failed == key.partition(": ")[0], str(report)  # what follows tells two of the same kind apart
    assert not report.passed
    assert report.problem in str(report)
    assert report.hints[0] in str(report)


@pytest.mark.parametrize("name", NAMES)
def test_every_check_knows_three_typical_wrong_answers_each_with_its_own_hint(name: str) -> None:
    assert len(WRONG[name]) >= 3
    first_hints = [getattr(checks, name)(answer).hints[0] for answer in WRONG[name].values()]
    assert len(set(first_hints)) == len({key.partition(": ")[0] for key in WRONG[name]})


def test_every_check_is_asked_in_exactly_one_lesson() -> None:
    asked = [name for master in masters() for name, _ in asked_in(master)]
    assert sorted(asked) == NAMES


@pytest.mark.parametrize("master", masters(), ids=lambda path: path.stem)
def test_a_lesson_has_three_to_five_exercises(master: Path) -> None:
    assert 3 <= len(exercises(master)) <= 5


@pytest.mark.parametrize("name", NAMES)
def test_every_check_says_what_it_expects(name: str) -> None:
    check = getattr(checks, name)
    assert "mine" in (inspect.getdoc(check) or "")
    assert list(inspect.signature(check).parameters) == ["mine", "hints"]


def test_hints_come_in_steps_and_are_announced() -> None:
    wrong = WRONG["topk_shrink"]["exactly k"]
    one, two = str(checks.topk_shrink(wrong)), str(checks.topk_shrink(wrong, hints=2))
    assert "hint 2" not in one
    assert "hints=2" in one
    assert "hint 1" in two
    assert "hint 2" in two
    assert "another hint" not in two


def test_an_exception_is_told_in_a_line_and_not_as_a_stack_trace() -> None:
    def broken(weights: torch.Tensor, k: int) -> torch.Tensor:
        raise KeyError("no such thing")

    report = checks.topk_shrink(broken)
    assert report.failed == "raises"
    assert "KeyError" in str(report)
    assert "Traceback" not in str(report)


def test_an_answer_that_is_no_function_is_named() -> None:
    report = checks.topk_shrink(42)
    assert "a function expected, got int" in str(report)


def test_a_check_leaves_random_numbers_and_arguments_alone() -> None:
    def spoils(weights: torch.Tensor, k: int) -> torch.Tensor:
        weights.zero_()
        torch.rand(100)
        return weights

    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    checks.topk_shrink(spoils)
    assert torch.equal(torch.rand(3), expected)
    assert checks.topk_shrink(checks_solution()).passed


def checks_solution() -> Any:
    from squidlib.shrinkage import topk_shrink

    return topk_shrink
