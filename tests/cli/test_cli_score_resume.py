"""squid score that is interrupted, killed, run twice at once or over an old table: nothing is lost, nothing mixed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image
from torch import Tensor

from squidlib.detection.detector import Detector
from squidlib.detection.prediction import Prediction
from tests.cli.score_tables import rows_of
from tests.helpers import Said, squid

Capture = pytest.CaptureFixture[str]


def interrupt_after(monkeypatch: pytest.MonkeyPatch, batches: int) -> None:
    """Press Ctrl-C while the batch after so many is judged."""
    predict, left = Detector.predict, iter(range(batches))

    def interrupted(self: Detector, images: Tensor, rate: float | None = None) -> Prediction:
        if rate is None:  # loading judges an image, too
            return predict(self, images)
        if next(left, None) is None:
            raise KeyboardInterrupt
        return predict(self, images, rate)

    monkeypatch.setattr(Detector, "predict", interrupted)


def test_an_interrupted_run_keeps_its_rows_and_the_same_command_goes_on(
    file: Path, many: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    squid(capsys, "score", file, many, "--csv", "whole.csv", "--maps", "whole")
    options = ["score", file, many, "--csv", "s.csv", "--maps", "maps"]
    with monkeypatch.context() as patch:
        interrupt_after(patch, 2)
        said = squid(capsys, *options)
    assert said.code == 130
    assert "4 of 7 images are in s.csv; the same command goes on" in said.errors[-2]
    assert len(rows_of(Path("s.csv"))) == 4
    kept = Path("s.csv").read_bytes()
    said = squid(capsys, *options, "--rate", 0.2)
    assert said.code == 2
    assert "begun with another rate" in said.errors[0]
    assert Path("s.csv").read_bytes() == kept
    Path("s.csv").write_bytes(kept[:-30])  # a row that the end of the process cut short
    said = squid(capsys, *options)
    assert (said.code, said.errors) == (0, [])
    assert "3 images are in it already" in said.out
    assert "7 images scored" in said.out
    assert Path("s.csv").read_text().replace("maps/", "whole/") == Path("whole.csv").read_text()
    names = sorted(path.name for path in Path("maps").iterdir())
    assert names == sorted(path.name for path in Path("whole").iterdir())
    assert not [path for path in Path().iterdir() if "s.csv" in path.name and path.name != "s.csv"]
    assert "--overwrite" in squid(capsys, *options).errors[0]  # it is finished now


def test_killed_without_a_word_it_goes_on_likewise(file: Path, many: Path, capsys: Capture) -> None:
    code = "import os, sys; from squidlib.detection import scores; scores.BATCH = 2\n"
    code += "from squidlib.cli import score_table; add = score_table.ScoreTable.add\n"
    code += "score_table.ScoreTable.add = lambda self, rows: (add(self, rows), os.kill(os.getpid(), 9))\n"
    code += "from squidlib.cli.main import main; main()"
    options = ["score", str(file), str(many), "--csv", "s.csv"]
    assert subprocess.run([sys.executable, "-c", code, *options]).returncode == -9
    assert len(rows_of(Path("s.csv"))) == 2
    said = squid(capsys, *options)
    assert (said.code, said.errors) == (0, [])
    assert [row["path"] for row in rows_of(Path("s.csv"))] == [f"many/{index}.png" for index in range(7)]
    assert "2 images are in it already" in said.out


def test_a_table_has_one_writer(file: Path, many: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    predict, others = Detector.predict, list[Said]()

    def meanwhile(self: Detector, images: Tensor, rate: float = 0.05) -> Prediction:
        found = predict(self, images, rate)
        if Path("s.csv").exists() and not others:
            others.append(Said(0, "", []))  # once
            others.append(squid(capsys, "score", file, many, "--csv", "s.csv"))
        return found

    monkeypatch.setattr(Detector, "predict", meanwhile)
    assert squid(capsys, "score", file, many, "--csv", "s.csv").code == 0
    assert others[1].code == 2
    assert "another process is writing s.csv" in others[1].errors[0]
    assert len(rows_of(Path("s.csv"))) == 7


def test_an_overwritten_run_leaves_nothing_of_the_old_one_and_nothing_else_is_touched(
    file: Path, many: Path, capsys: Capture
) -> None:
    assert squid(capsys, "score", file, many, "--csv", "s.csv", "--maps", "maps").code == 0
    Path("maps/notes.txt").write_text("mine")
    Image.new("L", (96, 96)).save("maps/00000_mine.png")
    options = ["score", file, "many/3.png", "--csv", "s.csv", "--overwrite"]
    assert squid(capsys, *options, "--maps", "maps").code == 0
    mine = {"maps/notes.txt", "maps/00000_mine.png"}
    assert {str(path) for path in Path("maps").iterdir()} == mine | {row["map"] for row in rows_of(Path("s.csv"))}
    assert squid(capsys, *options).code == 0  # without maps there are none
    assert {str(path) for path in Path("maps").iterdir()} == mine
