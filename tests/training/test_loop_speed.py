"""Loop speed: what a step waits for is what it takes longer than on a batch that is ready; nothing is timed here."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from torch import Tensor

from digitanatomy import Jitter
from squidlib.cli.bench import Bench
from squidlib.config import LossWeights
from squidlib.training import loop_speed
from squidlib.training.config import TrainingConfig
from squidlib.training.presets import PRESETS, Preset
from tests.conftest import tiny_config
from tests.helpers import noise, refusal

SMALL = Preset(tiny_config(), TrainingConfig(steps=1, schedule_steps=1, batch_size=4), LossWeights(), Jitter())


class Slow(loop_speed.Ready):
    """Each batch takes longer to make than one that is ready: by this clock, which stands still otherwise."""

    made, now = 0, 0.0

    def batch(self, step: int, size: int) -> Tensor:
        Slow.made += 1
        Slow.now += 0.3
        return self.images


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop_speed, "WARM", 1)


def handed_over(ready: loop_speed.Ready, step: int, size: int) -> Tensor:
    Slow.now += 0.1
    return ready.images


@pytest.mark.usefixtures("short")
def test_steps_on_slow_data_wait_and_the_figures_belong_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop_speed, "time", SimpleNamespace(perf_counter=lambda: Slow.now))
    monkeypatch.setattr(loop_speed.Ready, "batch", handed_over)
    found = loop_speed.loop_figures(SMALL, Slow(noise(4, 24)), "cpu", steps=3)
    assert Slow.made >= 1 + 1 + 3  # the ready one, the first steps, and those that are timed
    assert found.step_seconds == pytest.approx(0.3)
    assert found.waiting == pytest.approx(2 / 3)
    assert found.images_a_second == pytest.approx(4 / 0.3)
    assert found.idle is None
    assert found.peak_memory > 1e6


@pytest.mark.parametrize(("taken", "ready", "share"), [(2.0, 1.0, 0.5), (1.0, 1.0, 0.0), (1.0, 1.2, 0.0)])
def test_what_is_ready_waits_for_nothing(taken: float, ready: float, share: float) -> None:
    assert loop_speed.waiting_share(taken, ready) == share


def test_a_gpu_is_idle_where_no_kernel_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    events = [SimpleNamespace(self_device_time_total=micro) for micro in (500_000.0, 1_000_000.0)]

    class Told:
        def __enter__(self) -> Told:
            return self

        def __exit__(self, *args: object) -> None: ...

        def key_averages(self) -> list[SimpleNamespace]:
            return events

    monkeypatch.setattr("torch.profiler.profile", lambda activities: Told())
    assert loop_speed.idle_share(lambda: None, 2.0) == 0.25
    assert loop_speed.idle_share(lambda: None, 1.0) == 0.0  # several streams at once


@pytest.mark.usefixtures("short")
def test_the_command_measures_a_preset_and_names_those_there_are(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("squidlib.training.precision.has_bf16_matrices", lambda: False)  # whatever this machine has
    gpu = PRESETS["gpu"] | {"digitanatomy": PRESETS["laptop"]["digitanatomy"]}
    monkeypatch.setitem(PRESETS, "gpu", gpu)
    figures = loop_speed.loop_figures
    monkeypatch.setattr(loop_speed, "loop_figures", lambda *args: figures(*args, steps=2))
    assert Bench(device="cpu", preset="gpu").run() == 0
    said = capsys.readouterr().out
    assert f"gpu digitanatomy 32-true on cpu, {torch.get_num_threads()} CPU threads, batches of 16" in said
    assert "GPU idle: there is none" in said
    assert "presets for digits are laptop, paper, gpu; got 'tpu'" in refusal(lambda: Bench(preset="tpu").run())
