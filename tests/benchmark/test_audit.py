"""The audit of a table: values from its sources, and what is said of the paper's own."""

from __future__ import annotations

import math

import numpy as np
import pytest

from squidlib.benchmark.audit import Claim, auc_standard_error, audit, blind_results, paper_claims
from squidlib.detection.metrics import auc


def test_a_blind_program_has_the_accuracy_and_f1_of_its_confusion_matrix() -> None:
    accuracy, f1 = blind_results(234, 390)
    assert accuracy == pytest.approx(390 / 624)  # 390 hits, 234 false alarms, nothing else
    assert f1 == pytest.approx(780 / (780 + 234))
    assert blind_results(300, 100)[0] == pytest.approx(0.75)  # calling all of them normal is right more often


def test_the_standard_error_is_the_one_that_its_authors_print() -> None:
    assert auc_standard_error(0.893, 58, 51) == pytest.approx(0.032, abs=0.0006)  # Hanley and McNeil 1982, table II


def test_at_one_half_it_is_that_of_the_rank_sum_test_and_at_one_it_is_zero() -> None:
    assert auc_standard_error(0.5, 40, 25) == pytest.approx(math.sqrt((40 + 25 + 1) / (12 * 40 * 25)))
    assert auc_standard_error(1.0, 40, 25) == 0


def test_it_is_what_drawing_again_gives() -> None:
    generator = np.random.default_rng(0)
    labels = np.repeat([0, 1], [60, 40])
    drawn = [
        auc(labels, np.concatenate([generator.exponential(1, 60), generator.exponential(3, 40)])) for _ in range(4000)
    ]
    assert auc_standard_error(0.75, 60, 40) == pytest.approx(np.std(drawn), rel=0.05)  # exact for exponential scores


def test_the_papers_table_has_two_rows_that_cannot_be_and_one_row_that_is_first() -> None:
    found = {finding.claim.name: finding for finding in audit(paper_claims("zhanglab"), 234, 390, trainings=3)}
    assert next(iter(found)) == "SQUID"
    assert [name for name, finding in found.items() if not finding.possible] == ["MemAE", "M-KD"]
    assert found["SQUID"].p is None
    assert found["auto-encoder"].p is None  # printed without a deviation
    assert found["PANDA"].p < 0.001
    assert any("cannot come from one" in text for text in found["MemAE"].remarks)
    assert found["SQUID"].remarks == []


def test_what_is_no_better_than_looking_away_is_named_figure_by_figure() -> None:
    claims = [Claim("blind", 0.5, 0.625, 0.769), Claim("sees", 0.9, 0.85, 0.88), Claim("half", 0.8, accuracy=0.6)]
    found = {finding.claim.name: finding for finding in audit(claims, 234, 390, trainings=1)}
    assert found["blind"].blind == ("accuracy", "F1")
    assert found["half"].blind == ("accuracy",)
    assert found["half"].possible is None
    assert found["sees"].blind == ()
    assert any("calling everything" in text for text in found["blind"].remarks)


def test_a_row_without_an_auc_is_audited_by_what_it_has_and_comes_last() -> None:
    claims = [Claim("only counts", accuracy=0.565, f1=0.826), Claim("auc", 0.6)]
    first, last = audit(claims, 234, 390, trainings=3)
    assert (first.claim.name, last.claim.name) == ("auc", "only counts")
    assert (last.image_error, last.p, last.possible) == (None, None, False)


def test_of_many_rows_a_small_p_is_no_longer_small() -> None:
    rows = [Claim("first", 0.80, deviation=0.01)]
    rows += [Claim(f"row {number}", 0.77, deviation=0.01) for number in range(9)]
    alone = audit(rows[:2], 100, 100, trainings=3)[1].p
    among = audit(rows, 100, 100, trainings=3)[1].p
    assert alone is not None
    assert among == pytest.approx(min(1.0, 9 * alone))  # Holm's first step: times the number of comparisons
    assert alone < 0.05 < among


def test_two_rows_with_wide_deviations_are_not_told_apart() -> None:
    near = [Claim("first", 0.80, deviation=0.03), Claim("second", 0.79, deviation=0.03)]
    assert any("not told apart" in text for text in audit(near, 100, 100, trainings=3)[1].remarks)
    far = [Claim("first", 0.80, deviation=0.003), Claim("second", 0.70, deviation=0.003)]
    assert audit(far, 100, 100, trainings=3)[1].remarks == []


@pytest.mark.parametrize(("auc_value", "normal", "abnormal"), [(1.2, 5, 5), (-0.1, 5, 5), (0.5, 0, 5), (0.5, 5, 0)])
def test_numbers_that_cannot_be_are_refused(auc_value: float, normal: int, abnormal: int) -> None:
    with pytest.raises(ValueError, match="expected"):
        auc_standard_error(auc_value, normal, abnormal)


def test_an_audit_of_nothing_or_of_a_deviation_over_one_training_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one claim"):
        audit([], 5, 5, 3)
    with pytest.raises(ValueError, match="two trainings"):
        audit([Claim("a", 0.9, deviation=0.01)], 5, 5, 1)
    with pytest.raises(ValueError, match="both classes"):
        blind_results(0, 5)
