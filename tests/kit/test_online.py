"""Colab and Binder: the set-up cell does nothing where the kit is, and asks for an address where it cannot know one."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
for folder in ("notebooks", "tools"):
    sys.path.insert(0, str(ROOT / folder))
import badges  # noqa: E402
import colab  # noqa: E402
from masters import masters, student_notebook  # noqa: E402
from setup_cell import SOURCE  # noqa: E402


def run_setup(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    commands: list[list[str]] = []
    monkeypatch.setattr(subprocess, "run", lambda command, check: commands.append(command))
    monkeypatch.setattr(sys, "path", list(sys.path))
    exec(compile(SOURCE, "setup", "exec"), {})
    return commands


def test_the_setup_does_nothing_where_the_kit_is_installed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_setup(monkeypatch) == []
    assert capsys.readouterr() == ("", "")


def test_the_setup_clones_and_installs_where_it_is_not(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setenv("KIT_REPOSITORY", "someone/kit")
    monkeypatch.chdir(tmp_path)
    clone, install = run_setup(monkeypatch)
    assert clone[:2] == ["git", "clone"]
    assert clone[-2].endswith("/someone/kit")
    assert (ROOT / Path(install[-1]).relative_to("kit")).is_file()


def test_the_setup_asks_for_the_address_where_none_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setenv("KIT_REPOSITORY", "")
    with pytest.raises(SystemExit, match="KIT_REPOSITORY"):
        run_setup(monkeypatch)


def test_every_notebook_begins_with_the_setup() -> None:
    for master in masters():
        first = next(cell for cell in student_notebook(master).cells if cell.cell_type == "code")
        assert first.source == SOURCE


def test_only_missing_packages_are_pinned() -> None:
    constraints = "# pins\nnumpy==2.4.6\nast_serialize==0.13.1\neinops==0.8.2\n"
    assert colab.pins_of_missing(constraints, {"numpy", "ast-serialize"}) == "einops==0.8.2\n"


def test_badges_lead_to_every_lesson_of_the_named_repository() -> None:
    text = badges.badges("someone/kit")
    for master in masters():
        assert f"/someone/kit/blob/HEAD/notebooks/{master.stem}.ipynb" in text
    assert "/gh/someone/kit/" in text


def test_an_address_that_is_none_is_refused() -> None:
    with pytest.raises(SystemExit, match="owner/name"):
        badges.main(["https://somewhere"])
