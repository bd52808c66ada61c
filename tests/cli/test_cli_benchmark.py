"""``squid benchmark``: what it refuses, writes and says, and how it goes on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from squidlib.benchmark import harness
from squidlib.data.digits import Digits
from squidlib.utils.errors import UserError
from tests.benchmark_toys import TOYS, ToySource
from tests.chest_folders import zhanglab_folder
from tests.helpers import squid

Capture = pytest.CaptureFixture[str]


def toy_images(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever data set is named, toys are read."""
    import squidlib.benchmark.source as source

    monkeypatch.setattr(source, "NamedSource", lambda metadata: ToySource())


TABLE = [
    ("digitanatomy --methods SQUID,Padin", "no method 'Padin'; did you mean PaDiM? They are sharpness, mean-image"),
    ("digitanatomy --methods zzz", "no method 'zzz'. They are sharpness"),
    ("digitanatomy --seeds 0", "--seeds is the number of trainings of each method, at least 1; got 0"),
    ("digitanatomy --minutes-each 0", "--minutes-each must be more than 0 and less than a million, got 0"),
    ("digitanatomy --minutes-each inf", "--minutes-each must be more than 0 and less than a million, got inf"),
    ("digitanatomy --data .", "--data is the folder of a data set's images"),
    ("zhanglab", "--data: the folder of zhanglab is needed; to get it:"),
    ("zhanglab --data nowhere", "no such folder"),
    ("digitanatomy --series IM", "--series is for zhanglab"),
    ("digitanatomy --device abacus", "--device is auto, cpu, cuda or mps"),
]


@pytest.mark.parametrize(("arguments", "line"), TABLE, ids=lambda value: value.split("--")[-1][:20])
def test_what_the_command_line_refuses(arguments: str, line: str, tmp_path: Path, capsys: Capture) -> None:
    said = squid(capsys, "benchmark", *arguments.split(), "--out", tmp_path / "new")
    assert said.code == 2
    assert len(said.errors) == 1
    assert line in said.errors[0]
    assert not (tmp_path / "new").exists()


def test_where_to_write_is_looked_at_before_what_to_read(tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "taken").write_text("a file")
    said = squid(capsys, "benchmark", "zhanglab", "--data", "nowhere", "--out", tmp_path / "taken")
    assert said.code == 2
    assert len(said.errors) == 1
    assert "taken" in said.errors[0]


def test_one_series_is_learned_from_and_the_other_ones_normals_are_tested(tmp_path: Path, capsys: Capture) -> None:
    zhanglab_folder(tmp_path / "data")
    asked = ("benchmark", "zhanglab", "--data", tmp_path / "data", "--methods", "sharpness", "--minutes-each", "0.01")
    for series, normals in (((), 6), (("--series", "IM"), 8 + 3)):
        said = squid(capsys, *asked, *series, "--out", tmp_path / f"out{normals}")
        assert said.code == 0, said.errors
        settings = json.loads((tmp_path / f"out{normals}" / "results.json").read_text())["settings"]
        assert settings["test_images"] == {"normal": normals, "abnormal": 8}
        assert settings.get("series") == (series[1] if series else None)
    assert "series IM" in (tmp_path / "out11" / "results.md").read_text().splitlines()[0]


def test_digits_by_one_hand_are_written_by_one_for_every_method_and_tested_with_strangers(
    tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = []
    monkeypatch.setattr(harness, "run_jobs", lambda store, *rest: sources.append(rest))
    said = squid(capsys, "benchmark", "digitanatomy", "--hand", 1, "--out", tmp_path)
    assert said.code == 0, said.errors
    source, preset, *_ = sources[0]
    settings = json.loads((tmp_path / "settings.json").read_text())
    assert (settings["hand"], settings["test_images"]["stranger"], preset.config.context) == (1, 200, True)
    monkeypatch.setattr(Digits, "epoch_images", 64)
    shown = source.fit_data(0).augmented[:64]
    assert torch.equal(shown, Digits(hand=1.0).batch(0, 64))  # no pen has varied them


def test_the_command_writes_everything_and_says_how_to_go_on(
    tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    import squidlib.benchmark.registry as methods

    toy_images(monkeypatch)
    monkeypatch.setattr(methods, "chosen", lambda names: {"SQUID": TOYS["SQUID"], "killed": TOYS["killed"]})
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
    for name in ("results.md", "results.csv", "results.json", "auc.png", "methods.png"):
        assert (tmp_path / name).stat().st_size > 100
    assert json.loads((tmp_path / "results.json").read_text())["settings"]["data"] == "digitanatomy"
    assert "1/2 SQUID, seed 0 (all done at about" in said.out
    (tmp_path / "results.md").unlink()
    said = squid(capsys, *arguments)
    assert said.code == 130
    assert (tmp_path / "results.md").is_file()
    assert said.errors[-1].endswith(f"Go on with: squid {' '.join(arguments)}")  # not from the beginning again


@pytest.mark.parametrize(("dataset", "private"), [("digitanatomy", False), ("zhanglab", True)])
def test_only_what_shows_patients_is_kept_out_of_git(
    dataset: str, private: bool, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    toy_images(monkeypatch)
    monkeypatch.setattr(harness, "run_apart", lambda work, job, log, limit: "not today")
    data = ["--data", str(tmp_path)] if private else []
    squid(capsys, "benchmark", dataset, *data, "--methods", "sharpness", "--seeds", "1", "--out", str(tmp_path / "out"))
    assert (tmp_path / "out" / ".gitignore").is_file() == private


def test_the_command_begins_anew_only_when_told(
    tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    toy_images(monkeypatch)
    seeds: list[int] = []
    monkeypatch.setattr(harness, "run_apart", lambda work, job, log, limit: seeds.append(job.seed) or "not today")
    arguments = ["benchmark", "digitanatomy", "--methods", "sharpness", "--seeds", "2", "--out", str(tmp_path)]
    squid(capsys, *arguments)
    assert seeds == [0, 1]
    said = squid(capsys, *arguments, "--minutes-each", "1")
    assert said.code == 2
    assert "minutes_each was 2.5, now 1.0" in said.errors[0]
    squid(capsys, *arguments, "--minutes-each", "1", "--overwrite")
    assert json.loads((tmp_path / "settings.json").read_text())["minutes_each"] == 1


@pytest.mark.parametrize(("named", "run"), [((), False), (("--methods", "SQUID-backbone"), True)])
def test_on_digits_what_needs_photographs_is_run_only_where_it_is_named(
    named: tuple[str, ...], run: bool, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    toy_images(monkeypatch)
    seen: list[str] = []
    monkeypatch.setattr(harness, "run_apart", lambda work, job, log, limit: seen.append(job.name) or "not today")
    said = squid(capsys, "benchmark", "digitanatomy", *named, "--seeds", "1", "--out", str(tmp_path))
    assert ("SQUID-backbone" in seen) == run
    assert ("SQUID-backbone is left out" in said.out + "".join(said.errors)) != run


def test_ctrl_c_before_anything_is_done_leaves_no_empty_tables(
    tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    import squidlib.benchmark.source as source

    def interrupted(*_: object) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(source, "NamedSource", lambda metadata: ToySource())
    monkeypatch.setattr(harness, "run_apart", interrupted)
    assert squid(capsys, "benchmark", "digitanatomy", "--out", str(tmp_path)).code == 130
    assert not (tmp_path / "results.md").exists()


def test_what_is_said_of_the_data_reaches_its_reader(
    tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    import squidlib.benchmark.source as source
    import squidlib.data.registry as data_choice

    seen: list[dict[str, Any]] = []
    downloads: list[bool] = []

    def stopped(metadata: dict[str, Any]) -> None:
        seen.append(metadata)
        raise UserError("far enough")

    monkeypatch.setattr(source, "NamedSource", stopped)
    monkeypatch.setattr(data_choice, "open_dataset", lambda metadata, seed, download=False: downloads.append(download))
    plain = ["benchmark", "pneumoniamnist", "--data", str(tmp_path), "--out", str(tmp_path / "out")]
    squid(capsys, *plain)
    squid(capsys, *plain, "--skip-bad", "--cache", str(tmp_path / "cache"), "--download")
    assert [metadata["skip_bad"] for metadata in seen] == [False, True]
    assert [metadata["cache"] for metadata in seen] == [None, str(tmp_path / "cache")]
    assert [metadata["folder"] for metadata in seen] == 2 * [str(tmp_path)]
    assert downloads == [True]
