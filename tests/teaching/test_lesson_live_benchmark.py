"""Live benchmark: rows as the real one would have them; failures are told, interruptions keep what is done."""

from __future__ import annotations

import pytest
import torch

from squidlib.benchmark.registry import NAIVE, OTHER, Entry
from squidlib.benchmark.summary import Row
from squidlib.detection.metrics import auc
from squidlib.teaching.lesson import interruptible
from squidlib.teaching.lesson.board import board
from squidlib.teaching.lesson.live_benchmark import part_of, ranked, run_live
from squidlib.training.presets import PRESETS
from tests.benchmark_toys import KINDS, Blind, Brightness, ToySource, blind, brightness, failing, stepwise

PRESET = PRESETS["laptop"]["digitanatomy"]
SOURCE = ToySource()
TOYS = {"failing": Entry(failing), "brightness": Entry(brightness, NAIVE), "stepwise": Entry(stepwise)}


def test_figures_are_those_of_the_benchmark_and_costs_are_measured() -> None:
    test_set = SOURCE.test_set()
    rows = {row.name: row for row in run_live(TOYS, PRESET, SOURCE.fit_data(3), test_set, 0.1, seed=3)}
    (figures,) = rows["brightness"].runs.values()
    values = test_set.images.mean((1, 2, 3)).numpy()
    assert figures["auc"]["all"] == auc(test_set.labels.numpy(), values)
    own = [kind in ("normal", "missing") for kind in KINDS]
    assert figures["auc"]["missing"] == auc(test_set.labels.numpy()[own], values[own])
    assert (rows["brightness"].family, rows["brightness"].title) == (NAIVE, "brightness (of pixels)")
    assert figures["steps"] is None
    trained = rows["stepwise"].runs[3]
    assert trained["fit_seconds"] > 0.9e-3 * trained["steps"]  # a step takes a millisecond
    assert trained["parameters"] == 8
    assert trained["images_a_second"] > 0


def test_more_seconds_are_more_steps() -> None:
    method = {"stepwise": Entry(stepwise)}
    few, many = (
        next(run_live(method, PRESET, SOURCE.fit_data(0), SOURCE.test_set(), seconds)).runs[0]["steps"]
        for seconds in (0.02, 0.4)
    )
    assert many > 4 * few


def test_only_what_is_trained_sees_varied_images() -> None:
    made: list[Brightness] = []

    def noted(method: Brightness) -> Brightness:
        made.append(method)
        return method

    methods = {"still": Entry(lambda _: noted(Brightness())), "learns": Entry(lambda _: noted(stepwise(PRESET)))}  # type: ignore[arg-type]
    fit_data = SOURCE.fit_data(0)
    list(run_live(methods, PRESET, fit_data, SOURCE.test_set(), 0.05))
    seen = [dict(method.calls)["fit"][2] for method in (made[1], made[3])]  # of each, the second one is judged
    assert seen[0] is None
    assert torch.equal(seen[1], fit_data.augmented)


def test_a_method_that_works_in_place_harms_no_other() -> None:
    class Blackens(Brightness):
        def score(self, images: torch.Tensor) -> torch.Tensor:
            return super().score(images.mul_(0))

    fit_data = SOURCE.fit_data(0)
    before = [part.clone() for part in fit_data]
    methods = {"blackens": Entry(lambda _: Blackens()), "brightness": Entry(brightness)}
    rows = list(run_live(methods, PRESET, fit_data, SOURCE.test_set(), 0.05))
    assert [bool(row.runs) for row in rows] == [True, True]
    assert all(torch.equal(part, kept) for part, kept in zip(fit_data, before, strict=True))


def test_a_failure_is_a_row_and_the_rest_goes_on() -> None:
    methods = {"failing": Entry(failing), "blind": Entry(blind), "brightness": Entry(brightness)}
    rows = list(run_live(methods, PRESET, SOURCE.fit_data(0), SOURCE.test_set(), 0.1))
    assert [row.name for row in rows] == list(methods)
    assert rows[0].failures == {0: "RuntimeError: the toy is broken"}
    assert "finite scores expected" in rows[1].failures[0]
    assert [bool(row.runs) for row in rows] == [False, False, True]
    assert [row.name for row in ranked(rows)] == ["brightness", "failing", "blind"]


class Stops(Blind):
    def score(self, images: torch.Tensor) -> torch.Tensor:
        raise KeyboardInterrupt


def test_an_interruption_ends_it_and_keeps_what_is_done(capsys: pytest.CaptureFixture[str]) -> None:
    methods = {"one": Entry(brightness), "stopped": Entry(lambda _: Stops()), "never": Entry(brightness)}
    rows = []
    with interruptible("live") as progress:
        for row in run_live(methods, PRESET, SOURCE.fit_data(0), SOURCE.test_set(), 0.1, progress):
            rows.append(row)
    assert [row.name for row in rows] == ["one"]
    assert "stopped after step 1 of 3" in capsys.readouterr().out


def test_a_part_keeps_questions_and_exam_together() -> None:
    fit_data, test_set = part_of(SOURCE.fit_data(0), SOURCE.test_set(), 3)
    assert torch.equal(fit_data.test_images, test_set.images)
    assert torch.equal(test_set.images, SOURCE.test_set().images[::3])
    assert test_set.anomaly_types == KINDS[::3]
    assert test_set.masks is not None
    assert len(test_set.masks) == len(test_set.anomaly_types)
    assert torch.equal(fit_data.normals, SOURCE.fit_data(0).normals)
    with pytest.raises(ValueError, match="as many test images"):
        part_of(fit_data, SOURCE.test_set(), 3)


def stored_rows() -> list[Row]:
    methods = {"SQUID": Entry(stepwise), "dim": Entry(brightness)}
    rows = list(run_live(methods, PRESET, SOURCE.fit_data(0), SOURCE.test_set(), 0.1))
    for row, value in zip(rows, (0.9, 0.6), strict=True):
        row.runs[0]["auc"]["mean"] = value
    return rows


def test_the_board_says_which_place_ones_own_has() -> None:
    rows = stored_rows()
    (own,) = run_live({"mine": Entry(brightness, OTHER)}, PRESET, SOURCE.fit_data(0), SOURCE.test_set(), 0.1)
    own.runs[0]["auc"]["mean"] = 0.95
    figure = board(rows, own, "toys")
    axis = figure.axes[0]
    assert axis.get_title() == "toys: mine has rank 1 of 3"
    weights = {label.get_text(): label.get_fontweight() for label in axis.get_yticklabels()}
    assert weights == {"mine": "bold", "SQUID": "bold", "dim": "normal"}
    own.runs[0]["auc"]["mean"] = 0.5
    assert board(rows, own, "toys").axes[0].get_title() == "toys: mine has rank 3 of 3"
    with pytest.raises(ValueError, match="a name of its own"):
        board(rows, rows[0], "toys")


def test_a_method_that_failed_has_no_place_on_the_board() -> None:
    (own,) = run_live({"mine": Entry(failing)}, PRESET, SOURCE.fit_data(0), SOURCE.test_set(), 0.1)
    axis = board(stored_rows(), own, "toys").axes[0]
    assert "failed" in axis.get_title()
    assert [label.get_text() for label in axis.get_yticklabels()] == ["SQUID", "dim"]
