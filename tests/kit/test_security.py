"""SECURITY.md: each promise names the tests that hold it, and those tests exist."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")
HELD = "| promise | held by |"


def promises() -> list[str]:
    """The rows of every table of promises."""
    found: list[str] = []
    for table in TEXT.split(HELD)[1:]:
        rows = table.lstrip("\n").split("\n\n")[0].splitlines()[1:]
        found += [row for row in rows if row.startswith("|")]
    return found


def functions_in(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_every_promise_names_tests_that_exist() -> None:
    rows = promises()
    assert len(rows) >= 25
    for row in rows:
        named = NAMED.findall(row)
        assert named, f"no test holds: {row}"
        for path, name in named:
            assert (ROOT / path).is_file(), path
            assert name in functions_in(ROOT / path), f"{path} has no {name}"


def test_a_test_that_the_page_names_is_written_so_that_it_is_found() -> None:
    assert len(re.findall(r"\btests/", TEXT)) == len(NAMED.findall(TEXT))
