"""Possible figures, named points, and the figures of three seeds: what lesson 10 leans on."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from squidlib.benchmark.confusion import f1_limits, possible_row
from squidlib.detection.metrics import decide
from squidlib.teaching.lesson import curves, seed_figures
from squidlib.teaching.lesson.named_points import named_points
from tests.helpers import refusal


@pytest.mark.parametrize(("hits", "alarms"), [(0, 0), (3, 1), (5, 4), (2, 0)])
def test_what_real_decisions_give_is_possible(hits: int, alarms: int) -> None:
    labels = np.repeat([0, 1], [4, 5])
    called = np.r_[np.arange(4) < alarms, np.arange(5) < hits].astype(float)
    decision = decide(labels, called, 0.5)
    assert possible_row(decision.accuracy, decision.f1, 4, 5, 1e-9)


def test_every_other_pair_is_not() -> None:
    every = {(a, f) for a in range(10) for f in np.linspace(0, 1, 21) if possible_row(a / 9, f, 4, 5, 1e-9)}
    allowed = {((h + 4 - a), 2 * h / (h + a + 5)) for h in range(6) for a in range(5)}
    assert all(any(a == b and abs(f - g) < 1e-6 for b, g in allowed) for a, f in every)


def test_the_two_rows_of_the_paper_that_cannot_be() -> None:
    assert not possible_row(0.565, 0.826, 234, 390)
    assert not possible_row(0.691, 0.623, 234, 390)
    assert possible_row(0.803, 0.847, 234, 390)
    assert possible_row(0.691, 0.623, 390, 234)  # were F1 that of the normal class


@pytest.mark.parametrize("accuracy", [0.2, 0.5, 0.7, 0.95])
def test_the_limits_hold_every_possible_row_and_are_reached(accuracy: float) -> None:
    smallest, largest = (float(limit[0]) for limit in f1_limits(np.array([accuracy]), 200, 400))
    grid = np.linspace(0, 1, 401)
    inside = [f1 for f1 in grid if possible_row(accuracy, float(f1), 200, 400, 0.0026)]
    assert min(inside) == pytest.approx(smallest, abs=0.01)
    assert max(inside) == pytest.approx(largest, abs=0.01)


def test_a_class_without_images_is_refused() -> None:
    with pytest.raises(ValueError, match="both classes"):
        possible_row(0.5, 0.5, 0, 10)


def test_points_are_drawn_at_their_places_and_only_some_are_named() -> None:
    figure = curves([0, 1], {"line": [0, 1]}, "title", "x", "y")
    assert named_points(figure, {"a": (0.2, 0.3), "b": (0.5, 0.6), "c": (1.0, 1.0)}, ["a"], ["b"]) is figure
    axis = figure.axes[0]
    assert [text.get_text() for text in axis.texts] == ["a", "b"]
    drawn = [tuple(collection.get_offsets()[0]) for collection in axis.collections]
    assert drawn == [(0.2, 0.3), (0.5, 0.6), (1, 1)]
    with pytest.raises(ValueError, match="no place for z"):
        named_points(figure, {"a": (0.0, 0.0)}, ["z"])


def test_the_seeds_figures_are_found_from_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    runs = seed_figures.seed_figures()
    assert sorted(runs) == [0, 1, 2]
    assert all(0 <= run["scores"]["combined"]["mean"] <= 1 for run in runs.values())


def test_the_seeds_figures_are_those_of_the_course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seed_figures, "course_folder", lambda: tmp_path)
    assert "run: make figures" in refusal(seed_figures.seed_figures)
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "figures.json").write_text(json.dumps({"runs": {"7": {"a": 1}}}))
    assert seed_figures.seed_figures() == {7: {"a": 1}}
    (tmp_path / "docs" / "figures.json").write_text("{")
    assert "damaged" in refusal(seed_figures.seed_figures)
