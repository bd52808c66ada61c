"""Precision: bf16 where a trial on this CPU shows that it is clearly faster, and never a format nobody measured."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from squidlib.config import LossWeights
from squidlib.training import precision as chosen
from squidlib.training.config import TrainingConfig
from squidlib.training.loop import start
from squidlib.training.presets import NO_JITTER, PRESETS, Preset
from tests.conftest import tiny_config

LAPTOP, PAPER, GPU = (PRESETS[name]["digitanatomy"] for name in ("laptop", "paper", "gpu"))
SMALL = Preset(tiny_config(), TrainingConfig(batch_size=4), LossWeights(), NO_JITTER, bf16=True)


class Machine:
    """A CPU that is ``ratio`` times as fast in bf16, or has no AMX; counts the trials."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, ratio: float | None) -> None:
        self.trials, self.ratio = 0, ratio
        monkeypatch.setattr(chosen, "has_bf16_matrices", lambda: ratio is not None)
        monkeypatch.setattr(chosen, "bf16_speed", self.speed)

    def speed(self, preset: Preset) -> float:
        self.trials += 1
        assert self.ratio is not None
        return self.ratio


@pytest.mark.parametrize(
    ("ratio", "preset", "steps", "format", "trials"),
    [
        (1.6, LAPTOP, 1200, "bf16-mixed", 1),
        (1.6, GPU, 1200, "bf16-mixed", 1),
        (1.2, LAPTOP, 1200, "32-true", 1),
        (0.5, GPU, 1200, "32-true", 1),
        (1.6, PAPER, 1200, "32-true", 0),  # as published; nobody has measured it in another format
        (1.6, LAPTOP, 60, "32-true", 0),  # over before a trial has paid
        (None, LAPTOP, 1200, "32-true", 0),
        (None, GPU, 1200, "32-true", 0),
    ],
)
def test_a_cpu_takes_bf16_where_a_trial_shows_that_it_pays(
    ratio: float | None, preset: Preset, steps: int, format: str, trials: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = Machine(monkeypatch, ratio)
    assert chosen.fitting_precision(preset, "cpu", steps) == format
    assert machine.trials == trials


def test_what_is_taken_is_said_in_a_line_where_there_was_a_choice(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    Machine(monkeypatch, 1.63)
    chosen.fitting_precision(LAPTOP, "cpu", 1200)
    assert "precision bf16-mixed" in (said := capsys.readouterr().out)
    assert "1.6 times as fast" in said
    assert said.count("\n") == 1
    Machine(monkeypatch, None)
    chosen.fitting_precision(GPU, "cpu", 1200)
    assert "precision 32-true" in capsys.readouterr().out
    chosen.fitting_precision(LAPTOP, "cpu", 1200)
    asked = replace(LAPTOP.training, precision="16-mixed")
    assert chosen.fitting_precision(LAPTOP._replace(training=asked), "cpu", 1200) == "16-mixed"
    assert capsys.readouterr().out == ""


def test_a_gpu_computes_in_the_presets_format_if_it_can(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(monkeypatch, 1.6)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: False)
    assert chosen.fitting_precision(LAPTOP, "cuda", 1200) == "32-true"
    assert chosen.fitting_precision(GPU, "cuda", 1200) == "32-true"
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: True)
    assert chosen.fitting_precision(LAPTOP, "cuda", 1200) == "32-true"
    assert chosen.fitting_precision(GPU, "cuda", 1200) == "bf16-mixed"
    assert machine.trials == 0


def test_the_ratio_is_that_of_undisturbed_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds, clock = {"32-true": 0.3, "bf16-mixed": 0.2}, [0.0]

    def steps(state: object, data: object, training: TrainingConfig, weights: LossWeights) -> Iterator[None]:
        for number in range(training.steps):
            disturbed = 10 if training.precision == "32-true" and number % 4 else 1  # another program, three of four
            clock[0] += seconds[training.precision] * disturbed
            yield

    monkeypatch.setattr(chosen, "train", steps)
    monkeypatch.setattr(chosen, "time", SimpleNamespace(perf_counter=lambda: clock[0]))
    assert chosen.bf16_speed(SMALL) == pytest.approx(1.5)


def test_a_trial_changes_nothing_of_the_run_that_follows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chosen, "TRIAL_STEPS", 1)
    before = start(SMALL.config, SMALL.training, "cpu").squid.state_dict()
    assert 0 < chosen.bf16_speed(SMALL) < float("inf")
    after = start(SMALL.config, SMALL.training, "cpu").squid.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
