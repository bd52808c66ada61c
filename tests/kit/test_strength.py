"""The measure of the tests: what it counts as killed, what it excuses, and what it cannot see."""

from __future__ import annotations

import ast
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tools"))
import strength  # noqa: E402
from strength import Mutant  # noqa: E402

FILE = "squidlib/shrinkage.py"
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["mutmut"]


def alive(was: str, now: str) -> Mutant:
    return Mutant(FILE, was, now, "alive")


def test_what_shape_checks_kill_is_counted_apart_and_an_equivalent_mutant_not_at_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = [
        *[Mutant(FILE, "", "", "killed")] * 6,
        Mutant(FILE, "", "", "shape"),
        alive("k = 1", "k = 2"),
        alive('raise ValueError("too few")', 'raise ValueError("XXtoo fewXX")'),
    ]
    monkeypatch.setattr(strength, "mutated_files", lambda: [FILE])
    files, why = strength.mutant_tables(found).split("\n\n")
    assert files.splitlines()[-1] == f"| `{FILE}` | 9 | 6 | 1 | 1 | 1 | 75 % |"
    assert set(why.splitlines()[2:]) == {f"| {strength.WORDS} | 1 |", "| open | 1 |"}


def test_an_excuse_holds_for_the_line_and_the_file_that_it_names() -> None:
    for group in tomllib.loads(strength.REASONS.read_text())["reason"]:
        for stem, lines in group["lines"].items():
            (file,) = [name for name in SETTINGS["only_mutate"] if Path(name).stem == stem]
            assert all(strength.reason(Mutant(file, "", line, "alive")) == group["why"] for line in lines)
            others = [name for name in SETTINGS["only_mutate"] if Path(name).stem not in group["lines"]]
            assert {strength.reason(Mutant(other, "", lines[0], "alive")) for other in others} <= {None}
    assert strength.reason(alive("x = 1", "x = 2")) is None


def test_what_is_not_whole_is_not_called_so() -> None:
    assert strength.share(999, 1000) == "99 %"
    assert strength.share(5, 5) == "100 %"
    assert strength.share(0, 0) == ""


def test_coverage_is_summed_by_package() -> None:
    names = ("num_statements", "covered_lines", "num_branches", "covered_branches")
    counts = {
        "squidlib/memory.py": (10, 9, 4, 2),
        "squidlib/data/base.py": (20, 20, 0, 0),
        "squidlib/data/chest/zhanglab.py": (20, 0, 2, 1),
        "elsewhere/x.py": (1000, 0, 0, 0),
    }
    files = {name: {"summary": dict(zip(names, numbers, strict=True))} for name, numbers in counts.items()}
    text = strength.coverage_table({"files": files, "tests": ["tests/pieces"]})
    assert text.startswith("Counted: `tests/pieces`.")
    assert text.splitlines()[-3:] == [
        "| `squidlib/` | 10 | 90 % | 4 | 50 % |",
        "| `squidlib/data/` | 40 | 50 % | 2 | 50 % |",
        "| all | 50 | 58 % | 6 | 50 % |",
    ]


@pytest.mark.parametrize("file", SETTINGS["only_mutate"])
def test_no_method_that_is_to_be_mutated_has_a_decorator_which_mutmut_would_skip(file: str) -> None:
    methods = [node for node in ast.walk(ast.parse((ROOT / file).read_text())) if isinstance(node, ast.FunctionDef)]
    assert methods
    decorators = {ast.unparse(found) for method in methods for found in method.decorator_list}
    assert decorators <= {"property", "classmethod"}
