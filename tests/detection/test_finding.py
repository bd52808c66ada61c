"""Finding a detector: by its run, its file or the name of a shipped one; an unfinished run says how to go on."""

from __future__ import annotations

from pathlib import Path

import pytest

from squidlib.detection import checkpoint as detectorfile
from squidlib.detection.checkpoint import MODEL_FILE, find, load
from tests.helpers import refusal


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Of any content: it is not opened."""
    (tmp_path / "detector.safetensors").write_bytes(b"weights")
    return tmp_path / "detector.safetensors"


def test_a_run_folder_a_file_and_a_shipped_name_are_found(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / "run"
    run.mkdir()
    (run / MODEL_FILE).write_bytes(file.read_bytes())
    monkeypatch.setattr(detectorfile, "shipped", lambda: {"digits": file})
    monkeypatch.chdir(tmp_path)
    assert find(run) == run / MODEL_FILE
    assert find("run") == Path("run") / MODEL_FILE
    assert find(str(file)) == file
    assert find("digits") == file
    Path("digits").mkdir()
    assert find("digits") == file  # a folder that holds no run, such as the data set's own, hides nothing
    (Path("digits") / MODEL_FILE).write_bytes(file.read_bytes())
    assert find("digits") == Path("digits") / MODEL_FILE  # a run of one's own comes first


def test_an_unfinished_run_says_how_to_finish_it_and_an_unknown_name_what_there_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert refusal(lambda: find(tmp_path)).endswith(f"no finished run ({MODEL_FILE} is missing)")  # nor another one
    (tmp_path / "run.json").write_text('{"facts": {"data": "zhanglab"}}')
    text = refusal(lambda: find(tmp_path))
    assert MODEL_FILE in text
    assert f"train zhanglab --out {tmp_path} --resume" in text
    monkeypatch.setattr(detectorfile, "shipped", lambda: {"digits": tmp_path, "chests": tmp_path})
    text = refusal(lambda: load("nonesuch"))
    assert "nonesuch" in text
    assert "digits, chests" in text


def test_shipped_checkpoints_are_those_in_the_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "detection" / "checkpoints").mkdir(parents=True)
    (tmp_path / "detection" / "checkpoints" / "digits.safetensors").write_bytes(b"")
    (tmp_path / "detection" / "checkpoints" / "notes.txt").write_bytes(b"")
    monkeypatch.setattr(detectorfile, "files", lambda package: tmp_path if package == "squidlib" else None)
    assert detectorfile.shipped() == {"digits": tmp_path / "detection" / "checkpoints" / "digits.safetensors"}
