"""``squid demo``: shows the run that was asked for and no other."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from squidlib.data import digits
from tests.helpers import contents, squid

Capture = pytest.CaptureFixture[str]


def test_a_quick_look_is_never_shown_as_the_whole_demo(
    capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(digits, "TEST_COUNTS", dict.fromkeys(digits.TEST_COUNTS, 3))
    out = tmp_path / "demo"
    look = ("demo", "--out", out, "--epochs", 0.02)
    said = squid(capsys, *look)
    assert said.code == 0
    assert "First, what the shipped detector says" in said.out
    assert json.loads((out / "run.json").read_text())["training"]["steps"] == 2  # 0.02 of 1600 images, 16 a step
    before = contents(out)
    for more, wanted in ((("--seed", 4), "2 steps with seed 4"), (("--epochs", 0.05), "5 steps with seed 0")):
        refused = squid(capsys, *look, *more)
        assert (refused.code, len(refused.errors)) == (2, 1)
        assert f"holds a training of 2 steps with seed 0; {wanted} are asked for" in refused.errors[0]
        assert "--overwrite" in refused.errors[0]
    refused = squid(capsys, "demo", "--out", out)
    assert "1200 steps with seed 0 are asked for" in refused.errors[0]
    assert contents(out) == before
    again = squid(capsys, *look)
    assert again.code == 0
    assert "is already finished" in again.out


def test_a_reader_that_has_read_enough_is_no_error(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "squidlib", "lessons", str(tmp_path / "my")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert (process.wait(60), process.stderr.read()) == (141, b"")
