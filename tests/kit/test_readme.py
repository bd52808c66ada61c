"""README and docs: their commands and their Python run, their links lead somewhere, their figures are right."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from squidlib.benchmark.evaluate import Evaluation
from squidlib.cli.evaluate import evaluate_run
from squidlib.cli.main import parse
from tests.helpers import squid

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
PROJECT_FILES = [ROOT / "CONTRIBUTING.md", ROOT / "CODE_OF_CONDUCT.md"]
README = "\n".join(path.read_text() for path in PAGES)  # every page of them
CHECKPOINT = ROOT / "squidlib" / "detection" / "checkpoints" / "digitanatomy.safetensors"
_BLOCK = re.compile(r"(?P<skip><!-- test: skip[^>]*-->\n)?```(?P<language>\w+)\n(?P<code>.*?)```", re.DOTALL)


def blocks(language: str, page: Path) -> list[str]:
    """A page's code blocks of one language that are not marked as too long to test."""
    found = (match for match in _BLOCK.finditer(page.read_text()) if match["language"] == language)
    return [match["code"] for match in found if not match["skip"]]


@cache
def shipped() -> Evaluation:
    return evaluate_run("digitanatomy", 0.05, "cpu")


def test_the_first_page_is_short() -> None:
    assert len(PAGES[0].read_text().splitlines()) <= 120


def anchor(heading: str) -> str:
    """The name that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES + PROJECT_FILES, ids=lambda path: path.name)
def test_every_link_leads_to_a_file_and_a_heading(page: Path) -> None:
    lost = []
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if target.startswith("http"):
            continue
        name, _, fragment = target.partition("#")
        path = (page.parent / name).resolve() if name else page
        if not path.exists():
            lost.append(target)
        elif fragment:
            headings = re.findall(r"^#+ (.+)$", path.read_text(), re.MULTILINE)
            lost += [target] * (fragment not in map(anchor, headings))
    assert lost == []


@pytest.mark.parametrize("page", [*PAGES, ROOT / "notebooks/README.md", ROOT / "notebooks/instructor/README.md"],
                         ids=lambda path: f"{path.parent.name}/{path.name}")  # fmt: skip
def test_every_command_is_understood_also_those_that_are_not_run(page: Path) -> None:
    found = (match["code"] for match in _BLOCK.finditer(page.read_text()) if match["language"] == "bash")
    for line in "".join(found).replace("\\\n", " ").splitlines():
        command = re.match(r"(?!docker).*?\b(?:squid|-m squidlib) +(\w.*)", line)
        if command:
            parse(shlex.split(command[1], comments=True))


def test_the_glossary_names_places_that_exist() -> None:
    text = (ROOT / "docs" / "glossary.md").read_text()
    terms = re.findall(r"^- <a id=\"[\w-]+\"></a>\*\*(.+?)\*\*", text, re.MULTILINE)
    assert len(terms) == len(set(terms)) >= 40
    places = re.findall(r"`([\w/]+\.py)`", text)
    assert [place for place in places if not (ROOT / place).is_file()] == []
    lessons = {path.name[:2] for path in (ROOT / "notebooks" / "src").glob("*.py")}
    assert set(re.findall(r"\*Lesson (\d\d)", text)) <= lessons


def test_every_word_of_the_glossary_is_linked_where_its_lesson_first_uses_it() -> None:
    text = (ROOT / "docs" / "glossary.md").read_text()
    anchors = re.findall(r'<a id="([\w-]+)"></a>', text)
    assert len(anchors) == len(set(anchors)) >= 40
    entries = re.findall(r'<a id="([\w-]+)"></a>(?:.(?!<a id))*?\*Lesson (\d\d)', text, re.DOTALL)
    assert len(entries) >= 38
    for folder, up in (("notebooks", "../docs"), ("notebooks/solutions", "../../docs")):
        prose = {path.name[:2]: markdown_of(path) for path in (ROOT / folder).glob("*.ipynb")}
        lost = [anchor for anchor, lesson in entries if f"]({up}/glossary.md#{anchor})" not in prose[lesson]]
        assert lost == []
        used = [found for text in prose.values() for found in re.findall(r"glossary\.md#([\w-]+)", text)]
        assert set(used) <= set(anchors)
        assert len(used) == len(set(used)), "linked from its first use, not from all"


def markdown_of(notebook: Path) -> str:
    cells = json.loads(notebook.read_text())["cells"]
    return "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")


def test_the_python_of_the_docs_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for code in blocks("python", ROOT / "docs" / "python.md"):
        exec(compile(code, "docs/python.md", "exec"), names)
    assert names["scores"].shape == (8,)  # type: ignore[attr-defined]
    assert names["maps"].shape == names["pictures"].shape == (8, 1, 96, 96)  # type: ignore[attr-defined]
    assert names["memory"].capacity == 50  # type: ignore[attr-defined]


def commands_of(page: Path) -> list[str]:
    lines = [line.split("#")[0].strip() for code in blocks("bash", page) for line in code.splitlines()]
    return [line for line in lines if line.startswith("squid ")]


def test_the_commands_of_the_first_page_run_as_they_are_typed(tmp_path: Path) -> None:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    for command in commands_of(PAGES[0]):
        done = subprocess.run(
            command, shell=True, cwd=tmp_path, env=os.environ | {"PATH": path}, capture_output=True, text=True
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"


@pytest.mark.parametrize("page", PAGES[1:], ids=lambda path: path.name)
def test_the_commands_of_a_page_run(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for command in commands_of(page):
        done = squid(capsys, *shlex.split(command)[1:])
        assert done.code == 0, f"{command}\n{done}"


def test_the_first_page_shows_the_commands_that_everyone_needs() -> None:
    shown = {line.split()[1] for code in blocks("bash", PAGES[0]) for line in code.splitlines() if "squid " in line}
    assert shown >= {"doctor", "digits", "score", "train", "evaluate"}


def test_the_make_targets_of_the_readme_exist() -> None:
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    text = "\n".join([README, *(path.read_text() for path in PROJECT_FILES)])
    named = set(re.findall(r"\bmake (\w+)(?=\s+#|`)", text))
    assert named >= {"demo", "lab", "test"}
    assert named <= targets


def test_the_shipped_detector_is_as_good_as_the_readme_says() -> None:
    match = re.search(
        r"mean AUC of\s+\*\*([\d.]+)\*\* over the four anomaly types, the lowest of them (\d\.\d+)", README
    )
    assert match is not None
    row = shipped().scores["combined"]
    assert row.mean == pytest.approx(float(match[1]), abs=0.0006)
    assert min(interval.value for interval in row.kinds.values()) == pytest.approx(float(match[2]), abs=0.0011)


def test_the_tables_of_the_readme_are_those_of_the_figures_file() -> None:
    figures = json.loads((ROOT / "docs" / "figures.json").read_text())
    means = [run["scores"]["combined"]["mean"] for run in figures["runs"].values()]
    assert len(means) >= 3
    average = sum(means) / len(means)
    assert f"{average:.3f} ±" in next(line for line in README.splitlines() if line.startswith("| combined (default)"))


def test_the_shipped_checkpoint_is_small_and_says_where_it_comes_from() -> None:
    import squidlib

    assert CHECKPOINT.stat().st_size <= 6_000_000
    metadata = squidlib.load("digitanatomy").metadata
    assert "squid train digitanatomy" in metadata["command"]
    assert metadata["seed"] == 0
    digest = re.search(r"content hash `(\w+)`", README)
    assert digest is not None
    assert digest[1].encode() in CHECKPOINT.read_bytes()[:4000]
