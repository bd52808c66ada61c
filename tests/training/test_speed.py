"""Benchmarks: the printed figures belong together; nothing is asserted about speed."""

from __future__ import annotations

import math
import os
from pathlib import Path

import pytest
import torch
from PIL import Image

from digitanatomy import Jitter
from squidlib.cli import bench as cli
from squidlib.cli import scoring_speed
from squidlib.cli.bench import Bench
from squidlib.config import LossWeights
from squidlib.teaching.explorer import timing
from squidlib.teaching.explorer.begin import load_state
from squidlib.training import speed as bench
from squidlib.training.config import TrainingConfig
from squidlib.training.presets import Preset
from tests.conftest import tiny_config
from tests.helpers import refusal


def preset(batch: int = 4) -> Preset:
    return Preset(tiny_config(), TrainingConfig(steps=1, schedule_steps=1, batch_size=batch), LossWeights(), Jitter())


def test_the_figures_of_a_step_belong_together() -> None:
    figures = bench.step_figures(preset(), "32-true", "cpu", seconds=0.1)
    assert figures.training_rate == pytest.approx(figures.flop / figures.step_seconds)
    assert figures.images_a_second == pytest.approx(4 / figures.step_seconds)
    assert figures.inference_images_a_second > figures.images_a_second  # no backward pass, no second network
    assert figures.peak_memory > 0


def test_a_step_of_twice_the_images_counts_nearly_twice_the_operations() -> None:
    once, twice = (bench.step_figures(preset(batch), "32-true", "cpu", seconds=0.1).flop for batch in (4, 8))
    assert 1.9 < twice / once <= 2.0


def test_the_product_rate_counts_two_operations_a_multiplication(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "PRODUCT_SIZE", 10)
    monkeypatch.setattr(bench, "_median_seconds", lambda work, device, seconds: 2.0)
    assert bench.product_rate(torch.float32, "cpu") == 2 * 10**3 / 2.0


def test_a_machine_without_bf16_is_told_so(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(bench, "has_fast_bf16", lambda: False)
    monkeypatch.setattr(bench, "product_rate", lambda dtype, device: 50e9)
    monkeypatch.setattr(Bench, "_measure", lambda self, preset, dataset, precision, *_: [precision] * 7)
    monkeypatch.setattr(cli, "_explorer", lambda: iter(["explorer: as fast as it is"]))
    monkeypatch.setattr(cli, "scoring_figures", lambda: scoring_speed.ScoringFigures(1000, 1.5, 3.0, 2.0, 2.5, 4.0))
    assert Bench(device="cpu").run() == 0
    said = " ".join(capsys.readouterr().out.split())  # lines are broken where the console ends
    assert "no bf16 arithmetic" in said
    assert "bf16-mixed" not in said
    assert "50 GFLOP/s" in said
    assert "as fast as it is" in said
    assert "s a step" in said
    assert f"laptop digitanatomy 32-true beside {os.cpu_count()} busy processes: 32-true" in said
    assert "laptop digitanatomy 32-true, compiled" in said
    assert "1000 images: 2.0 s, 1.5 s of them to start (3.0 s on one thread)" in said
    assert "4.0 s, 2.5 s of them to start: 2.0 times as long, 3.0 times beyond the start" in said


def test_scoring_is_measured_by_the_command_itself_and_the_busy_process_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scoring_speed, "RUNS", 1)
    figures = scoring_speed.scoring_figures(images=3)
    assert figures.images == 3
    assert figures.start > 0
    assert all(map(math.isfinite, figures))
    with scoring_speed.busy_cores() as busy:
        assert [process.poll() for process in busy] == [None] * (os.cpu_count() or 1)
    assert None not in [process.poll() for process in busy]


def test_reading_images_is_measured_alone_where_a_folder_is_given(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for index in range(3):
        Image.new("L", (40, 40), 50 * index).save(tmp_path / f"{index}.png")
    assert Bench(data=tmp_path).run() == 0
    said = capsys.readouterr().out
    assert "3 images" in said
    assert "matrix product" not in said
    assert "a folder with images expected" in refusal(lambda: Bench(data=tmp_path / "nowhere").run())


def test_percentiles_of_the_explorer_and_what_is_missing_to_measure_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "_python", lambda code, **_: " ".join(map(str, range(100, 0, -1))))
    monkeypatch.setattr(timing, "chromium", lambda: None)
    state, browser = cli._explorer()
    assert state.endswith("median 51 ms, p95 96 ms (100 changes)")
    assert "not measured, a Chromium not found" in browser


def test_the_state_is_timed_at_settings_that_it_has_not_seen() -> None:
    taken = timing.state_milliseconds(5)
    assert len(taken) == 5
    assert min(taken) > 0
    assert load_state().view.cache_info().misses >= 4  # two of five may be alike, by chance
