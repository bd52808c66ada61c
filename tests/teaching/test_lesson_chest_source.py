"""Chest place: drawn by default and gone afterwards; a folder that is named is used and never written to."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from squidlib.data.chest.phantom_folder import DrawnCounts, drawn_folder
from squidlib.teaching.lesson.chest_source import CACHE, DATA, chest_source
from tests.chest_folders import pneumoniamnist_file, zhanglab_folder

SHOW = """
from squidlib.data.chest.phantom_folder import DrawnCounts
from squidlib.teaching.lesson import chest_source as place
few, draw = DrawnCounts(4, 1, 1, 1), place.drawn_folder
place.drawn_folder = lambda root: draw(root, few, size=32)  # fewer, for the test's time
found = place.chest_source()
print(found.drawn, (found.folder / "train" / "NORMAL").is_dir(), found.folder)
"""


def test_without_a_name_it_is_drawn_and_removed_when_python_ends() -> None:
    environment = {name: value for name, value in os.environ.items() if name not in (DATA, CACHE)} | {DATA: ""}
    done = subprocess.run([sys.executable, "-c", SHOW], env=environment, capture_output=True, text=True, check=True)
    drawn, there, folder = done.stdout.split(maxsplit=2)
    assert (drawn, there) == ("True", "True")
    assert not Path(folder.strip()).parent.exists()


def test_a_named_folder_is_taken_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = zhanglab_folder(tmp_path / "real")
    monkeypatch.setenv(DATA, str(root))
    monkeypatch.setenv(CACHE, str(tmp_path / "cache"))
    place = chest_source()
    assert place == (root, tmp_path / "cache", False, None)
    assert place.what == "chest X-rays"
    monkeypatch.delenv(CACHE)
    assert chest_source().cache is None
    assert not (tmp_path / "cache").exists()


def test_an_argument_goes_before_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(DATA, str(tmp_path / "other"))
    mine = drawn_folder(tmp_path / "mine", DrawnCounts(4, 1, 1, 1), size=32)
    place = chest_source(mine)
    assert place.folder == mine
    assert place.drawn  # a drawn folder stays one wherever it lies
    assert "no X-rays" in place.what


@pytest.fixture
def few_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where chests are drawn, few and small ones."""
    draw = lambda root: drawn_folder(root, DrawnCounts(12, 2, 4, 2), size=64)  # noqa: E731
    monkeypatch.setattr("squidlib.teaching.lesson.chest_source.drawn_folder", draw)


@pytest.mark.usefixtures("few_drawn")
@pytest.mark.parametrize("below", [".", "notebooks", "notebooks/mine"])
def test_what_was_fetched_is_found_without_a_setting(
    below: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(DATA, raising=False)
    (tmp_path / below).mkdir(parents=True, exist_ok=True)
    monkeypatch.chdir(tmp_path / below)
    assert chest_source(size=64).what == "synthetic phantoms (no X-rays)"
    _, md5 = pneumoniamnist_file(tmp_path / "data", 64)
    place = chest_source(size=64)
    assert (place.single, place.drawn) == (tmp_path / "data", True)
    assert place.what == "chest X-rays (PneumoniaMNIST)"
    monkeypatch.setattr(import_module("squidlib.data.chest.pneumoniamnist"), "PNEUMONIAMNIST_MD5", {64: md5})
    found = place.open(64)
    assert len(found.data.test().labels) == 10  # of the file
    assert len(found.named.reference()) + len(found.named.calibration()) == 12  # drawn, with names
    assert all(file.patient for file in found.files.train)
    assert chest_source(size=128).single is None  # of another size there is no file
    real = zhanglab_folder(tmp_path / "data/chest_xray")
    assert chest_source(size=64) == (real, None, False, None)  # ZhangLab's own files have names: rather those


@pytest.mark.usefixtures("few_drawn")
def test_an_empty_name_asks_for_drawn_chests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    zhanglab_folder(tmp_path / "data/chest_xray")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(DATA, "")
    assert chest_source().drawn


def test_no_x_ray_is_stored_with_the_lesson() -> None:
    notebooks = Path(__file__).parents[2] / "notebooks"
    stored = [notebooks / "13_chest_xrays.ipynb", notebooks / "solutions" / "13_chest_xrays.ipynb"]
    for path in stored:
        said = [
            "".join(output.get("text", ""))
            for cell in json.loads(path.read_text())["cells"]
            for output in cell.get("outputs", [])
        ]
        assert sum(text.startswith("synthetic phantoms (no X-rays): train ") for text in said) == 1, path
        assert not [text for text in said if text.startswith("chest X-rays: train ")], path
