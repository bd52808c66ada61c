"""Memory size: what is left of a memory is read; the stored study is whole and says what the lesson says."""

from __future__ import annotations

import pytest
import torch

from squidlib.data import digits
from squidlib.teaching.memory_sizes import sizes
from squidlib.teaching.studies import memory_size
from squidlib.teaching.studies.memory_size import MEMORIES, SHOWN, one_run
from squidlib.teaching.studies.results import SEEDS, load_runs, spread
from squidlib.teaching.studies.variants import variants


@pytest.mark.parametrize("name", MEMORIES)
def test_every_size_is_judged_by_every_score(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digits, "TEST_COUNTS", dict.fromkeys(digits.TEST_COUNTS, 6))
    monkeypatch.setattr(memory_size, "sizes", lambda slots: [1, slots])
    found = one_run(variants()[MEMORIES[name]], 2, 0)
    assert list(found) == ["1", "350"]
    for figures in found.values():
        assert set(figures) == {*SHOWN, "normal error"}
        assert 0 <= figures["combined"]["mean"] <= 1
        assert figures["normal error"] > 0


def test_the_slots_of_a_matrix_are_left_out_at_random_and_those_of_a_queue_by_age(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[int] = []
    draw = torch.randperm
    monkeypatch.setattr(memory_size.torch, "randperm", lambda *a, **k: asked.append(a[0]) or draw(*a, **k))
    monkeypatch.setattr(digits, "TEST_COUNTS", dict.fromkeys(digits.TEST_COUNTS, 2))
    monkeypatch.setattr(memory_size, "sizes", lambda slots: [1])
    one_run(variants()["whole"], 1, 0)
    assert asked.count(350) == 0
    one_run(variants()["learned matrix"], 1, 0)
    assert asked.count(350) == 1


def test_the_stored_study_is_whole() -> None:
    runs = load_runs("memory_size")
    assert set(runs) == {f"{name}/{seed}" for name in MEMORIES for seed in SEEDS}
    for figures in runs.values():
        assert {key for key in figures if key.isdigit()} == {str(size) for size in sizes(350)}


def test_with_all_slots_it_repeats_the_ablation() -> None:
    ablation, runs = load_runs("ablation"), load_runs("memory_size")
    for name, row in MEMORIES.items():
        for seed in SEEDS:
            whole = runs[f"{name}/{seed}"]["350"]["combined"]["mean"]
            assert whole == pytest.approx(ablation[f"{row}/{seed}"]["combined"]["mean"], abs=0.01), name


def test_a_queue_outlives_the_loss_of_its_slots_and_a_matrix_does_not() -> None:
    runs = load_runs("memory_size")
    lost = {
        name: spread(runs, name, "350", "combined", "mean").mean - spread(runs, name, "1", "combined", "mean").mean
        for name in MEMORIES
    }
    assert lost["queue"] < 0.02
    assert min(lost["matrix"], lost["queue, no position loss"]) > 0.1
