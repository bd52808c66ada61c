"""Audit: what can be said of a published table without its images.

- Accuracy and F1 come from the same counts, so some pairs cannot be (``squidlib.benchmark.confusion``).
- A program that calls everything abnormal has an accuracy and an F1, too: what is not above them shows nothing.
- An AUC has a standard error from the number of test images, and another one from the number of trainings.

What it cannot say: whether patients were apart, who chose the threshold, what was tried and not told.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from squidlib.benchmark.confusion import possible_row
from squidlib.benchmark.paper_table import PAPER

LEVEL = 0.05  #: p-values from here on are called "not told apart"
TOLERANCE = 0.005  #: of accuracy and F1


class Claim(NamedTuple):
    """A row of a table, in 0..1; None where the table gives none."""

    name: str
    auc: float
    accuracy: float | None = None
    f1: float | None = None
    deviation: float | None = None  #: of the AUC, over trainings


class Finding(NamedTuple):
    """What can be said of a claim.

    image_error: the AUC's standard error from the test images. p: that its AUC is the best row's, by trainings; None
    for that row itself, and where a deviation is missing. possible: None where accuracy or F1 is missing.
    """

    claim: Claim
    image_error: float
    p: float | None
    possible: bool | None
    above_blind: bool | None

    @property
    def remarks(self) -> list[str]:
        """In words; empty where nothing is wrong with it."""
        said = []
        if self.possible is False:
            said.append("accuracy and F1 cannot come from one confusion matrix")
        if self.above_blind is False:
            said.append("its accuracy or its F1 is not above that of calling everything one class")
        if self.p is not None and self.p >= LEVEL:
            said.append(f"not told apart from the best row (p = {self.p:.2f})")
        return said


def blind_results(normal: int, abnormal: int) -> tuple[float, float]:
    """Accuracy of calling all images the larger class, and F1 of calling all abnormal; both in 0..1.

    Raises:
        ValueError: where a class has no image.
    """
    if min(normal, abnormal) < 1:
        raise ValueError(f"both classes need an image, got {normal=}, {abnormal=}")
    return max(normal, abnormal) / (normal + abnormal), 2 * abnormal / (2 * abnormal + normal)


def auc_standard_error(auc: float, normal: int, abnormal: int) -> float:
    """How far an AUC lies from its true value because the test images are finite in number.

    Hanley and McNeil, "The meaning and use of the area under a receiver operating characteristic (ROC) curve",
    Radiology 143, 1982, equation 2.

    Raises:
        ValueError: where the AUC is not in 0..1 or a class has no image.
    """
    if not 0 <= auc <= 1 or min(normal, abnormal) < 1:
        raise ValueError(f"an AUC in 0..1 and images of both classes expected, got {auc}, {normal=}, {abnormal=}")
    one, two = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    variance = auc * (1 - auc) + (abnormal - 1) * (one - auc**2) + (normal - 1) * (two - auc**2)
    return math.sqrt(max(variance, 0.0) / (normal * abnormal))


def audit(claims: Sequence[Claim], normal: int, abnormal: int, trainings: int) -> list[Finding]:
    """Every claim, the highest AUC first.

    Args:
        normal, abnormal: images of the test set.
        trainings: that each deviation is over.

    Raises:
        ValueError: where there is no claim, or a deviation is over fewer than two trainings.
    """
    from scipy.stats import ttest_ind_from_stats

    if not claims or (trainings < 2 and any(claim.deviation is not None for claim in claims)):
        raise ValueError(f"at least one claim, and two trainings for a deviation, expected; got {trainings=}")
    ordered = sorted(claims, key=lambda claim: -claim.auc)
    accuracy, f1 = blind_results(normal, abnormal)
    best, found = ordered[0], []
    for claim in ordered:
        p = possible = above = None
        if claim is not best and claim.deviation is not None and best.deviation is not None:
            own, other = (claim.auc, claim.deviation, trainings), (best.auc, best.deviation, trainings)
            p = float(ttest_ind_from_stats(*own, *other, equal_var=False).pvalue)
        if claim.accuracy is not None and claim.f1 is not None:
            possible = possible_row(claim.accuracy, claim.f1, normal, abnormal, TOLERANCE)
            above = claim.accuracy > accuracy and claim.f1 > f1
        found.append(Finding(claim, auc_standard_error(claim.auc, normal, abnormal), p, possible, above))
    return found


def paper_claims(dataset: str) -> list[Claim]:
    """The paper's table for "zhanglab" or "chexpert" as claims."""

    def share(printed: str) -> float:
        return float(printed.split("±")[0]) / 100

    return [
        Claim(
            name, share(row.auc), share(row.accuracy), share(row.f1),
            float(row.auc.split("±")[1]) / 100 if "±" in row.auc else None,
        )
        for name, row in PAPER[dataset].items()
    ]  # fmt: skip
