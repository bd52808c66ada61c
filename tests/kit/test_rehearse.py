"""The rehearsal finds a lesson that would fail in the room, says which and why, and touches nothing."""

from __future__ import annotations

import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
import rehearse  # noqa: E402


def lesson(folder: Path, name: str, *sources: str) -> Path:
    path = folder / "notebooks" / name
    path.parent.mkdir(exist_ok=True)
    nbformat.write(new_notebook(cells=[new_code_cell(source) for source in sources]), path)
    return path


def test_a_failing_lesson_is_named_with_its_reason_and_the_others_still_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(rehearse, "machine", lambda lines: 0)
    first = lesson(tmp_path, "00_broken.ipynb", "1 + 1", "raise OSError('the projector is\\n off')")
    lesson(tmp_path, "01_fine.ipynb", "import os; assert os.environ['KIT_MODE'] == 'smoke'")
    before = first.read_bytes()
    assert rehearse.main(first.parent) == 1
    said = capsys.readouterr().out
    assert "[bad]" in said
    assert "OSError: the projector is off" in said
    assert "[ ok]" in said
    assert "1 thing(s) would fail in the room" in said
    assert Path("runs/rehearsal.txt").read_text().splitlines()[-1] == "1 thing(s) would fail in the room"
    assert first.read_bytes() == before


def test_a_download_in_a_lesson_fails_in_the_rehearsal(tmp_path: Path) -> None:
    path = lesson(tmp_path, "00_net.ipynb", "import urllib.request; urllib.request.urlopen('http://example.invalid')")
    assert "URLError" in rehearse.rehearse(path).problem


def test_what_is_bad_with_the_machine_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(rehearse, "machine", lambda lines: 1)
    path = lesson(tmp_path, "00_fine.ipynb", "1 + 1")
    assert rehearse.main(path.parent) == 1
    monkeypatch.setattr(rehearse, "machine", lambda lines: 0)
    assert rehearse.main(path.parent) == 0
    assert "the room is ready" in capsys.readouterr().out
