"""Resuming: a run that is really killed, at several moments, ends bit-identical to one that never was."""

from __future__ import annotations

import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from squidlib.utils.safetensors_io import PARTIAL
from tests.helpers import contents, squid

STEPS = 12
#: Saves after every step; with a moment, a file's name and a count, kills itself when that file is written so often.
DRIVER = """
import os, signal, sys
import squidlib.training.recorder
from squidlib.cli.main import main

moment, name, count, *arguments = sys.argv[1:]
squidlib.training.recorder.SAVE_SECONDS = -1.0
rename, left = os.replace, int(count)


def replace(source, target):
    global left
    left -= os.path.basename(target) == name
    if moment == "while writing" and left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    rename(source, target)
    if moment == "after writing" and left == 0:
        os.kill(os.getpid(), signal.SIGKILL)

os.replace = replace
raise SystemExit(main(arguments))
"""
UNDISTURBED = ("never", "", "-1")
QUIET = ""  #: what a run says on stderr, few steps or not: its scores vary


def command(out: Path, *more: str) -> list[str]:
    return ["train", "digitanatomy", "--out", str(out), "--glyphs", "sklearn_digits", *more]


def begin(arguments: list[str], moment: tuple[str, str, str] = UNDISTURBED) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", DRIVER, *moment, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def end(process: subprocess.Popen[str]) -> tuple[int, str]:
    _, errors = process.communicate(timeout=300)
    return process.returncode, errors


def wait_for_rows(run: Path, count: int, process: subprocess.Popen[str]) -> None:
    """Until log.csv holds so many steps."""
    log, limit = run / "log.csv", time.monotonic() + 200
    while not log.is_file() or len(log.read_text().splitlines()) <= count:
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < limit
        time.sleep(0.005)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that nothing disturbed."""
    out = tmp_path_factory.mktemp("whole") / "run"
    code, errors = end(begin(command(out, "--epochs", str(STEPS / 100))))
    assert (code, errors) == (0, QUIET)
    assert len((out / "log.csv").read_text().splitlines()) == 1 + STEPS
    return out


def test_a_run_killed_at_many_moments_ends_bit_identical(whole: Path, tmp_path: Path) -> None:
    out = tmp_path / "rün 1"
    moments = [
        ("while writing", "training.safetensors", "1"),  # nothing is saved yet, the log is ahead
        ("while writing", "training.safetensors", "3"),  # the old state has to survive
        ("after writing", "training.safetensors", "2"),  # the log must not be behind
        ("while writing", "model.safetensors", "1"),  # trained to the end, not finished
    ]
    arguments = command(out, "--epochs", str(STEPS / 100))
    for moment in moments:
        code, errors = end(begin(arguments, moment))
        assert (code, errors) == (-signal.SIGKILL, ""), moment
        assert not (out / "model.safetensors").exists()
        assert moment[0] == "after writing" or list(out.glob(f"{PARTIAL}*")), "the write was not interrupted"
        arguments = command(out, "--resume")
    assert end(begin(arguments)) == (0, QUIET)
    assert contents(out) == contents(whole)


def test_a_run_killed_from_outside_ends_bit_identical(whole: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    process = begin(command(out, "--epochs", str(STEPS / 100)))
    wait_for_rows(out, 5, process)
    process.kill()
    assert end(process)[0] == -signal.SIGKILL
    assert (out / "training.safetensors").exists()
    assert not (out / "model.safetensors").exists()
    assert end(begin(command(out, "--resume"))) == (0, QUIET)
    assert contents(out) == contents(whole)


def test_ctrl_c_saves_and_says_how_to_go_on(whole: Path, tmp_path: Path) -> None:
    out = tmp_path / "rün 2"
    process = begin(command(out, "--epochs", str(STEPS / 100)))
    wait_for_rows(out, 3, process)
    process.send_signal(signal.SIGINT)
    code, errors = end(process)
    assert code == 130
    assert len(errors.splitlines()) == 1, errors
    assert "everything is saved" in errors
    said = shlex.split(errors.partition("Go on with: ")[2])
    assert said[0] == "squid"
    assert end(begin(said[1:])) == (0, QUIET)
    assert contents(out) == contents(whole)


def test_a_second_start_is_refused_while_a_run_is_trained_and_harms_nothing(
    whole: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    first = begin(command(out, "--epochs", str(STEPS / 100)))
    wait_for_rows(out, 2, first)
    first.send_signal(signal.SIGSTOP)  # so that it cannot end meanwhile
    for more in (("--overwrite", "--seed", "1"), ("--resume",)):
        said = squid(capsys, *command(out, *more))
        assert said.code == 2
        assert f"is being trained in by process {first.pid} of " in said.errors[-1]
    first.send_signal(signal.SIGCONT)
    assert end(first) == (0, QUIET)
    assert contents(out) == contents(whole)


def test_resuming_a_finished_run_changes_nothing(whole: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = contents(whole)
    said = squid(capsys, *command(whole, "--resume"))
    assert (said.code, said.errors) == (0, [])
    assert "already finished" in said.out
    assert contents(whole) == before


def test_the_same_seed_gives_the_same_run_and_another_seed_another(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hashes = []
    for name, seed in (("a", 5), ("b", 5), ("c", 6)):
        assert squid(capsys, *command(tmp_path / name, "--epochs", "0.03", "--seed", str(seed))).code == 0
        found = contents(tmp_path / name)
        hashes.append((found["model.safetensors"], found["log.csv"]))
    assert hashes[0] == hashes[1]
    assert hashes[0][0] != hashes[2][0]
    assert hashes[0][1] != hashes[2][1]
