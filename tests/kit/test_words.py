"""Words: what users read is plain English with the field's terms; these words were found to be neither.

docs/experiments.md is a log and is left as it was written.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

import jupytext
import pytest

ROOT = Path(__file__).resolve().parents[2]
#: A pattern, and what to say instead.
WORDS = {
    r"\banew\b": "again",
    r"\bshall\b": "will, should",
    r"\bunder your fingers\b": "interactively",
    r"\bgo(es|ne)? on with\b": "continue",
    r"\bmend(s|ed|ing)?\b": "fix, repair, correct",
    r"\bflatter\w*": "inflate, overstate",
    r"\brepaint\w*": "reconstruct",
    r"\bwhoever\b": "somebody who, or another subject",
    r"\bforetold\b": "predicted",
    r"\bwhat of (it|them)\b": "which part",
    r"\b(slots?|patch(es)?|tiles?|blocks?|scores?|networks?) (may |can |that )?(speak|hear|want|listen)s?\b":
        "contribute, attend, depend on",
    r"\b(its|their) likes\b": "others of its kind",
    r"\bcannot be had\b": "is not available",
}  # fmt: skip
FIRST_PAGES = sorted(ROOT.glob("*.md"))
PAGES = sorted(
    path
    for path in [*FIRST_PAGES, *ROOT.glob("docs/*.md"), *ROOT.glob("notebooks/**/*.md"), *ROOT.glob(".github/*.md")]
    if path.name != "experiments.md"
)
MASTERS = sorted(ROOT.glob("notebooks/src/*.py"))
COMMANDS = ROOT / "squidlib" / "cli"
HELPS = sorted(COMMANDS.glob("*.py"))


def prose(path: Path) -> str:
    if path.parent == COMMANDS:  # their help
        classes = [
            each for each in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(each, ast.ClassDef)
        ]
        told = [each.value for one in classes for each in one.body if isinstance(each, ast.Expr)]
        return "\n".join(str(each.value) for each in told if isinstance(each, ast.Constant))
    if path.suffix == ".py":
        return "\n".join(cell.source for cell in jupytext.read(path).cells if cell.cell_type == "markdown")
    return re.sub(r"^```.*?^```", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("path", PAGES + MASTERS + HELPS, ids=lambda path: path.name)
def test_no_home_made_word_is_left(path: Path) -> None:
    text = re.sub(r"`[^`]*`", "", prose(path))
    found = {
        match[0]: better for pattern, better in WORDS.items() for match in re.finditer(pattern, text, re.IGNORECASE)
    }
    assert found == {}, f"{path.name}: say something else: {found}"


def test_every_pattern_finds_what_it_is_for() -> None:
    said = (
        "We begin anew. It shall be so. Under your fingers. Gone on with it. Mend it. It flatters. Repainted. "
        "Whoever does. As foretold. What of it does the work. Every slot speaks. Its likes. It cannot be had."
    )
    assert [pattern for pattern in WORDS if not re.search(pattern, said, re.IGNORECASE)] == []
