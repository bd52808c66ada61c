"""Stored benchmarks read back as they were written, and what they say: rank, naive bar, agreement with the paper."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from scipy.stats import spearmanr

from squidlib.benchmark import stored as stored_module
from squidlib.benchmark.registry import DENSITY, MEMORY, METHODS, NAIVE, RECONSTRUCTION, SQUID
from squidlib.benchmark.report import as_json
from squidlib.benchmark.significance import Comparison
from squidlib.benchmark.stored import DATASETS, folder_of, from_json, stored
from squidlib.benchmark.summary import (
    Row,
    agreement,
    beaten_by,
    best_naive,
    impossible,
    not_shown_different,
    rank_of,
)
from squidlib.utils.errors import UserError
from tests.benchmark_toys import toy_figures


def run(value: float) -> dict[str, Any]:
    return toy_figures(value) | {"name": "any"}


ROWS = [
    Row("PaDiM", DENSITY, {0: run(0.9), 1: run(0.8)}, comparison=Comparison(0.05, 0.01, 0.2), corrected_p=0.4),
    Row(SQUID, MEMORY, {0: run(0.8)}),
    Row("sharpness", NAIVE, {0: run(0.7)}),
    Row("VAE", RECONSTRUCTION, {0: run(0.65)}, {1: "no"}),
    Row("mean-image", NAIVE, {0: run(0.6)}),
    Row("Ganomaly", RECONSTRUCTION, {0: run(0.5)}),
    Row("IGD", RECONSTRUCTION, {}, {0: "no"}),
]


def test_rows_survive_their_json() -> None:
    settings = {"data": "zhanglab", "minutes_each": 1.0}
    assert from_json(as_json(ROWS, settings)) == (ROWS, settings)


def test_a_rank_counts_those_with_results() -> None:
    ranking = rank_of(list(reversed(ROWS)))
    assert (ranking.rank, ranking.of, [row.name for row in ranking.ahead]) == (2, 6, ["PaDiM"])
    assert rank_of(ROWS, "Ganomaly").rank == 6
    with pytest.raises(KeyError):
        rank_of(ROWS, "IGD")


def test_what_learns_is_held_against_the_best_that_does_not() -> None:
    bar = best_naive(ROWS)
    assert bar.name == "sharpness"
    assert [row.name for row in beaten_by(ROWS, bar)] == ["VAE", "Ganomaly"]


def test_no_difference_is_shown_where_the_corrected_p_is_not_below_a_twentieth() -> None:
    others = [Row(f"p {p}", DENSITY, {0: run(0.9)}, corrected_p=p) for p in (0.049, 0.05)]
    assert not_shown_different([*ROWS, *others]) == ["PaDiM", "p 0.05"]


def test_agreement_is_the_correlation_of_orders_and_names_the_differences() -> None:
    found = agreement(ROWS, "zhanglab")
    ours, paper = [0.85, 0.8, 0.65, 0.5], [0.714, 0.876, 0.618, 0.780]
    assert found.spearman == pytest.approx(spearmanr(ours, paper).statistic)
    assert found.differences == pytest.approx(
        {name: a - b for name, a, b in zip(["PaDiM", SQUID, "VAE", "Ganomaly"], ours, paper, strict=True)}
    )
    assert (found.inverted, found.pairs) == (3, 6)  # PaDiM-SQUID, PaDiM-Ganomaly, VAE-Ganomaly
    with pytest.raises(ValueError, match="at least three methods"):
        agreement(ROWS, "digitanatomy")


def test_two_rows_of_the_papers_zhanglab_table_cannot_be() -> None:
    assert impossible("zhanglab") == ["MemAE", "M-KD"]
    assert impossible("chexpert") == []


@pytest.mark.parametrize("dataset", DATASETS)
def test_the_stored_benchmark_has_every_method_and_three_seeds(dataset: str) -> None:
    rows, settings = stored(dataset)
    assert settings["data"] == dataset.split("_")[0]
    assert all(row.family == METHODS[row.name].family for row in rows)
    missing = set(METHODS) - {row.name for row in rows}
    if dataset in ("digitanatomy", "digitanatomy_hand", "zhanglab"):  # of one series, the strongest alone
        assert missing <= {"SQUID-backbone", "HOG-kNN"}  # younger than the stored benchmark
    assert all(sorted(row.runs) == [0, 1, 2] and not row.failures for row in rows)
    assert all(row.comparison is not None for row in rows if row.name != SQUID)
    lacking = [name for name in ("results.md", "results.csv", "auc.png") if not (folder_of(dataset) / name).is_file()]
    assert not lacking
    assert (folder_of(dataset) / "methods.png").is_file() == dataset.startswith(
        "digitanatomy"
    )  # no X-ray comes with the kit


def test_missing_and_damaged_results_are_told_in_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored_module, "FOLDER", tmp_path)
    with pytest.raises(
        UserError, match=r"no results of 'chexpert'.*digitanatomy and digitanatomy_hand and zhanglab and zhanglab_IM"
    ):
        stored("chexpert")
    (tmp_path / "zhanglab").mkdir()
    (tmp_path / "zhanglab/results.json").write_text('{"methods": [{}]}')
    with pytest.raises(UserError, match=r"is damaged.*make benchmark"):
        stored("zhanglab")
