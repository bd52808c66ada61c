"""Budget and costs: the trial's arithmetic, phase by phase; every parameter is counted once."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import Any

import pytest
import torch

from squidlib.benchmark import cost as budget
from squidlib.benchmark.cost import (
    LEAST_STEPS,
    NOT_COUNTED,
    TRIAL_STEPS,
    Clock,
    parameters_of,
    peak_memory,
    plan,
    planned,
)
from tests.benchmark_toys import Brightness, Stepwise
from tests.helpers import noise


class FakeTime:
    """A clock that goes on when told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def perf_counter(self) -> float:
        return self.now

    def process_time(self) -> float:
        return self.now


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeTime:
    clock = FakeTime()
    monkeypatch.setattr(budget, "time", clock)
    return clock


class Timed(Stepwise):
    """Two phases: 3 s and 1 s a step, the first steps slow; 10 s for a bank."""

    def __init__(self, fake: FakeTime) -> None:
        super().__init__()
        self.fake = fake

    def fit(self, normals: Any, seed: int = 0, progress: Any = range, augmented: Any = None) -> Timed:
        for seconds, share in ((3.0, 0.75), (1.0, 0.25)):
            for step in progress(int(share * self.steps)):
                self.fake.now += 50.0 if step < 2 else seconds
                self.done += 1
        self.fake.now += 10.0
        return self


def test_a_plan_fills_the_time_and_first_steps_are_not_counted(fake: FakeTime) -> None:
    images = noise(3, 8)
    found = plan(Timed(fake), images, images, 0, 1010.0)
    assert found is not None
    assert found.step_seconds == pytest.approx(0.75 * 3 + 0.25 * 1)
    assert found.fixed_seconds == pytest.approx(10.0)
    assert found.steps == 400
    before = fake.now
    real = Timed(fake)
    real.steps = found.steps
    real.fit(images)
    assert fake.now - before == pytest.approx(1010 + 4 * 50 - 2 * 3 - 2 * 1)  # but for the slow first steps


def test_a_phase_that_takes_too_long_is_ended_and_still_planned_whole(fake: FakeTime) -> None:
    clock = Clock(torch.device("cpu"), limit=20.0)
    for _ in clock(100):
        fake.now += 6.0
    assert len(clock.phases[0][1]) == NOT_COUNTED + 1
    assert clock.expected() == pytest.approx(600.0)


def test_a_method_without_steps_just_fits() -> None:
    method = Brightness()
    assert plan(method, noise(2, 8), noise(2, 8), 0, 1.0) is None
    assert method.calls == []


def test_there_are_always_enough_steps_for_two_phases() -> None:
    assert planned(1.0, 0.5, 30.0).steps == LEAST_STEPS
    assert planned(60.0, 0.5, 10.0).steps == 100


def test_a_real_trial_is_short_and_its_seconds_are_about_right() -> None:
    method, begun = Stepwise(seconds=0.004), time.perf_counter()
    found = plan(method, noise(2, 8), noise(2, 8), 0, 60.0)
    assert method.done == TRIAL_STEPS
    assert found is not None
    assert 0.0 < found.step_seconds < 0.05
    assert found.trial_seconds <= time.perf_counter() - begun


def test_parameters_are_counted_once_wherever_they_are() -> None:
    class Holder:
        def __init__(self) -> None:
            shared = torch.nn.Linear(3, 2)
            self.direct = shared
            self.nested = {"a": [shared, (torch.nn.Conv2d(1, 4, 3),)]}
            self.bank = torch.zeros(1000)
            self.itself = self

    assert parameters_of(Holder()) == 8 + 40


def test_peak_memory_is_of_this_process_and_grows() -> None:
    if peak_memory() is None:
        pytest.skip("this system does not tell")
    # in a process of its own: in this one, earlier tests may have had more than this one takes
    code = "import torch; from squidlib.benchmark.cost import peak_memory; before = peak_memory()"
    code += "; big = torch.ones(60_000_000); print(before, peak_memory())"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    before, after = map(int, said.split())
    assert after - before > 50_000_000
    assert before > 50_000_000
