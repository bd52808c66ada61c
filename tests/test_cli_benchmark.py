"""``squid benchmark``: what it refuses, writes and says, and how it goes on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from squidlib.benchmark import harness
from tests.benchmark_toys import TOYS, ToySource
from tests.helpers import squid

Capture = pytest.CaptureFixture[str]

TABLE = [
    ("digitanatomy --systems SQUID,Padin", "no system 'Padin'; did you mean PaDiM? They are sharpness, mean-image"),
    ("digitanatomy --systems zzz", "no system 'zzz'. They are sharpness"),
    ("digitanatomy --seeds 0", "--seeds is the number of trainings of each system, at least 1; got 0"),
    ("digitanatomy --minutes-each 0", "--minutes-each must be more than 0, got 0"),
    ("digitanatomy --data .", "--data is the folder of chest X-rays"),
    ("zhanglab", "--data: the folder of zhanglab is needed; to get it:"),
    ("zhanglab --data nowhere", "no such folder"),
    ("digitanatomy --device abacus", "--device is auto, cpu, cuda or mps"),
]


@pytest.mark.parametrize(("arguments", "line"), TABLE, ids=lambda value: value.split("--")[-1][:20])
def test_what_the_command_line_refuses(arguments: str, line: str, tmp_path: Path, capsys: Capture) -> None:
    said = squid(capsys, "benchmark", *arguments.split(), "--out", tmp_path / "new")
    assert said.code == 2
    assert len(said.errors) == 1
    assert line in said.errors[0]
    assert not (tmp_path / "new").exists()


def test_the_command_writes_everything_and_says_how_to_go_on(
    tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    import squidlib.benchmark.source as source
    import squidlib.benchmark.systems as systems

    monkeypatch.setattr(source, "NamedSource", lambda facts: ToySource())
    monkeypatch.setattr(systems, "chosen", lambda names: {"SQUID": TOYS["SQUID"], "killed": TOYS["killed"]})
    ends: list[str | None] = [None, "killed by SIGKILL", KeyboardInterrupt()]  # type: ignore[list-item]

    def instead(work: Any, job: Any, log: Path, limit: float) -> str | None:
        end = ends.pop(0)
        if isinstance(end, KeyboardInterrupt):
            raise end
        if end is None:
            work(job)
        return end

    monkeypatch.setattr(harness, "run_apart", instead)
    arguments = ["benchmark", "digitanatomy", "--seeds", "1", "--minutes-each", "0.002", "--out", str(tmp_path)]
    monkeypatch.setattr("sys.argv", ["squid", *arguments, "--overwrite"])
    said = squid(capsys, *arguments)
    assert said.code == 1  # done, but one failed
    assert any("failed: killed, seed 0: killed by SIGKILL" in line for line in said.errors)
    for name in ("results.md", "results.csv", "results.json", "auc.png", "systems.png"):
        assert (tmp_path / name).stat().st_size > 100
    assert json.loads((tmp_path / "results.json").read_text())["settings"]["data"] == "digitanatomy"
    said = squid(capsys, *arguments)
    assert said.code == 130
    assert said.errors[-1].endswith(f"Go on with: squid {' '.join(arguments)}")  # not from the beginning again


@pytest.mark.parametrize(("dataset", "private"), [("digitanatomy", False), ("zhanglab", True)])
def test_only_what_shows_patients_is_kept_out_of_git(
    dataset: str, private: bool, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    import squidlib.benchmark.source as source

    monkeypatch.setattr(source, "NamedSource", lambda facts: ToySource())
    monkeypatch.setattr(harness, "run_apart", lambda work, job, log, limit: "not today")
    data = ["--data", str(tmp_path)] if private else []
    squid(capsys, "benchmark", dataset, *data, "--systems", "sharpness", "--seeds", "1", "--out", str(tmp_path / "out"))
    assert (tmp_path / "out" / ".gitignore").is_file() == private


def test_the_command_begins_anew_only_when_told(
    tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    import squidlib.benchmark.source as source

    monkeypatch.setattr(source, "NamedSource", lambda facts: ToySource())
    monkeypatch.setattr(harness, "run_apart", lambda work, job, log, limit: "not today")
    arguments = ["benchmark", "digitanatomy", "--systems", "sharpness", "--seeds", "1", "--out", str(tmp_path)]
    squid(capsys, *arguments)
    said = squid(capsys, *arguments, "--minutes-each", "1")
    assert said.code == 2
    assert "minutes_each was 2.5, now 1.0" in said.errors[0]
    squid(capsys, *arguments, "--minutes-each", "1", "--overwrite")
    assert json.loads((tmp_path / "settings.json").read_text())["minutes_each"] == 1
