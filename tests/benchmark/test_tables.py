"""Tables of hand-made evaluations: what one run and what several show, and valid Markdown."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from rich.console import Console

from squidlib.benchmark.evaluate import Evaluation, Row
from squidlib.benchmark.tables import auc_cells, decision_cells, localisation_cells, markdown, rich_table
from squidlib.detection.metrics import Decision, Interval


def row(value: float) -> Row:
    """AUC ``value`` for novel, half of it for missing, their mean and a tenth more overall."""
    interval, half = Interval(value, value - 0.05, value + 0.03), Interval(value / 2, 0.1, 0.9)
    return Row({"novel": interval, "missing": half}, 0.75 * value, Interval(value + 0.1, 0.2, 0.95))


def evaluation(value: float) -> Evaluation:
    return Evaluation(
        images={"normal": 4, "novel": 2, "missing": 2},
        scores={"combined": row(value), "error": row(value / 2)},
        baselines={"sharpness": row(0.2)},
        false_positive_rate=0.05,
        decision=Decision(1.5, value, 0.5, 0.25, 0.75),
        oracle=Decision(1.0, 0.9, 0.8, 0.7, 0.6),
        pixel_auc={"novel": value, "missing": 0.6},
        worst_tile={"novel": 0.5, "missing": float("nan")},
        detected={"normal": 0.05, "novel": 0.125, "missing": value},
    )


ONE, TWO = [evaluation(0.8)], [evaluation(0.8), evaluation(0.7)]


def test_one_run_shows_auc_with_its_interval() -> None:
    assert auc_cells(ONE) == [
        ["score", "novel", "missing", "mean of types", "all"],
        ["combined (default)", "0.800\n0.750-0.830", "0.400\n0.100-0.900", "0.600", "0.900\n0.200-0.950"],
        ["error", "0.400\n0.350-0.430", "0.200\n0.100-0.900", "0.300", "0.500\n0.200-0.950"],
        ["sharpness", "0.200\n0.150-0.230", "0.100\n0.100-0.900", "0.150", "0.300\n0.200-0.950"],
    ]


def test_several_runs_show_mean_and_deviation_over_runs() -> None:
    assert auc_cells(TWO)[:2] == [
        ["score", "novel", "missing", "mean of types", "all"],
        ["combined (default)", "0.750 ± 0.071", "0.375 ± 0.035", "0.562 ± 0.053", "0.850 ± 0.071"],
    ]
    assert auc_cells(TWO)[-1] == ["sharpness", "0.200", "0.100", "0.150", "0.300"]  # no seed


def test_the_order_of_runs_does_not_matter() -> None:
    for cells in (auc_cells, decision_cells, localisation_cells):
        assert cells(TWO) == cells(TWO[::-1])


def test_decisions_show_the_calibrated_and_the_oracle_threshold() -> None:
    assert decision_cells(ONE) == [
        ["threshold", "accuracy", "f1", "sensitivity", "specificity"],
        ["5% of calibration normals above", "0.800", "0.500", "0.250", "0.750"],
        ["oracle (chosen on test labels)", "0.900", "0.800", "0.700", "0.600"],
    ]
    assert decision_cells(TWO)[1][1:3] == ["0.750 ± 0.071", "0.500 ± 0.000"]


def test_the_title_of_a_decision_names_the_rate() -> None:
    assert decision_cells([replace(ONE[0], false_positive_rate=0.2)])[1][0] == "20% of calibration normals above"


def test_localisation_shows_three_figures_for_each_kind() -> None:
    assert localisation_cells(ONE) == [
        ["localisation", "novel", "missing"],
        ["detected at that threshold", "0.125", "0.800"],
        ["worst tile is a wrong tile, of the detected", "0.500", "nan"],
        ["pixel AUC of the anomaly map", "0.800", "0.600"],
    ]
    assert localisation_cells(TWO)[3] == ["pixel AUC of the anomaly map", "0.750 ± 0.071", "0.600 ± 0.000"]
    assert localisation_cells(TWO)[2][1:] == ["0.500 ± 0.000", "nan ± nan"]


@pytest.mark.parametrize("runs", [ONE, TWO], ids=["one run", "two runs"])
@pytest.mark.parametrize("cells", [auc_cells, decision_cells, localisation_cells])
def test_markdown_is_a_table_that_holds_every_cell(runs: list[Evaluation], cells) -> None:  # type: ignore[no-untyped-def]
    expected = cells(runs)
    lines = markdown(expected).split("\n")
    assert len(lines) == len(expected) + 1
    assert all(line.startswith("| ") and line.endswith(" |") for line in lines)
    rows = [line[2:-2].split(" | ") for line in lines]
    assert rows[1] == ["---"] + ["--:"] * (len(expected[0]) - 1)
    assert [rows[0], *rows[2:]] == [[cell.replace("\n", "<br>") for cell in row] for row in expected]


def test_markdown_of_a_small_table() -> None:
    assert markdown([["a", "b"], ["x", "1\n2"]]) == "| a | b |\n| --- | --: |\n| x | 1<br>2 |"


def test_the_terminal_shows_title_and_every_cell() -> None:
    console = Console(file=io.StringIO(), width=200)
    console.print(rich_table(auc_cells(ONE), "AUC of one run"))
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    assert "AUC of one run" in shown
    for part in "\n".join(cell for line in auc_cells(ONE) for cell in line).split("\n"):
        assert part in shown


def test_the_default_score_alone_is_bold() -> None:
    assert [line.style for line in rich_table(auc_cells(ONE), "").rows] == ["bold", None, None]
