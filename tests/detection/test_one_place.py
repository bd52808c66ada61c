"""One place computes a verdict, a threshold and the default score; whoever needs them asks the detector.

Found in the source, because the fault was a second place: ``squid score`` compared one score with another's threshold.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import squidlib

PACKAGE = Path(squidlib.__path__[0])

#: file -> what it may do, and why.
ALLOWED = {
    "detection/onnx_file.py": {"compares"},  # the same comparison, as a graph
    "detection/prediction.py": {"compares"},  # the verdict
    "detection/metrics.py": {"compares"},  # of any scores, at a given threshold
    "detection/calibration.py": {"asks threshold_at"},  # the threshold
    "detection/detector.py": {"names the default score"},
    "benchmark/evaluate.py": {"asks threshold_at"},  # of methods that are no detectors
}
TOPICS = ("compares", "asks threshold_at", "names the default score")


def named(node: ast.AST) -> str:
    """The last name of an expression: ``found.decision.threshold`` is a threshold."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def places(tree: ast.AST) -> Iterator[str]:
    """Every topic that a file touches, as often as it does."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Gt | ast.GtE | ast.Lt | ast.LtE):
            sides = [node.left, *node.comparators]
            a_range = any(isinstance(side, ast.Constant) for side in sides)  # 0 <= threshold <= 1
            if not a_range and any("threshold" in named(side) for side in sides):
                yield "compares"
        elif isinstance(node, ast.Call):
            if named(node.func) == "threshold_at":
                yield "asks threshold_at"
            if named(node.func) == "get" and node.args and is_score(node.args[0]):
                yield "names the default score"
        elif isinstance(node, ast.Subscript) and is_score(node.slice):
            read = isinstance(node.ctx, ast.Load) and "metadata" in ast.unparse(node.value)
            yield from ["names the default score"] if read else []


def is_score(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and node.value == "score"


def files() -> list[str]:
    """All of the package but the exercises' own, whose students write these very lines."""
    every = [path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py")]
    return sorted(path for path in every if not path.startswith("teaching/checks/"))


@pytest.mark.parametrize("topic", TOPICS)
def test_no_second_place(topic: str) -> None:
    found = {path for path in files() if topic in set(places(ast.parse((PACKAGE / path).read_text())))}
    assert found == {path for path, topics in ALLOWED.items() if topic in topics}


@pytest.mark.parametrize(
    ("line", "topic"),
    [
        ("called = scores > found.decision.threshold", "compares"),
        ("verdict = 'abnormal' if threshold <= score else 'normal'", "compares"),
        ("limit = threshold_at(normals, 0.05)", "asks threshold_at"),
        ("name = detector.metadata.get('score', 'combined')", "names the default score"),
        ("name = detector.metadata['score']", "names the default score"),
        ("weights = relu(weights) if 0 <= threshold <= 1 else weights", None),
    ],
)
def test_what_is_looked_for_is_found(line: str, topic: str | None) -> None:
    assert set(places(ast.parse(line))) == ({topic} if topic else set())
