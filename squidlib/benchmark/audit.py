"""Audit: what can be said of a published table without its images.

- Accuracy and F1 come from the same counts, so some pairs cannot be (``squidlib.benchmark.confusion``).
- A program that calls everything one class has an accuracy or an F1, too: a figure that is not above it does not show
  that the images were looked at.
- An AUC has a standard error from the number of test images, and another one from the number of trainings.

What it cannot say: whether patients were apart, who chose the threshold, what was tried and not told.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from squidlib.benchmark.confusion import possible_row
from squidlib.benchmark.paper_table import PAPER
from squidlib.benchmark.significance import holm

LEVEL = 0.05  #: p-values from here on are called "not told apart"
TOLERANCE = 0.005  #: of accuracy and F1


class Claim(NamedTuple):
    """A row of a table, in 0..1; None where the table gives none."""

    name: str
    auc: float | None = None
    accuracy: float | None = None
    f1: float | None = None
    deviation: float | None = None  #: of the AUC, over trainings


class Finding(NamedTuple):
    """What can be said of a claim; None where the table does not give what is needed.

    image_error: the AUC's standard error from the test images. p: that its AUC is the highest row's, by trainings,
    corrected for as many comparisons (Holm). possible: whether accuracy and F1 can come from one confusion matrix.
    blind: the figures that are not above what calling everything one class gives.
    """

    claim: Claim
    image_error: float | None
    p: float | None
    possible: bool | None
    blind: tuple[str, ...]

    @property
    def remarks(self) -> list[str]:
        """In words; empty where nothing is wrong with it."""
        said = []
        if self.possible is False:
            said.append("accuracy and F1 cannot come from one confusion matrix")
        if self.blind:
            said.append(f"{' and '.join(self.blind)} not above that of calling everything one class")
        if self.p is not None and self.p >= LEVEL:
            said.append("not told apart from the highest row")
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
    """Every claim, the highest AUC first; those without one last.

    Args:
        normal, abnormal: images of the test set.
        trainings: that each deviation is over.

    Raises:
        ValueError: where there is no claim, a deviation is over fewer than two trainings, or a class has no image.
    """
    if not claims or (trainings < 2 and any(claim.deviation is not None for claim in claims)):
        raise ValueError(f"at least one claim, and two trainings for a deviation, expected; got {trainings=}")
    ordered = sorted(claims, key=lambda claim: -1.0 if claim.auc is None else claim.auc, reverse=True)
    corrected = _by_trainings(ordered, trainings)
    found = []
    for claim in ordered:
        error = None if claim.auc is None else auc_standard_error(claim.auc, normal, abnormal)
        both = claim.accuracy is not None and claim.f1 is not None
        possible = possible_row(claim.accuracy, claim.f1, normal, abnormal, TOLERANCE) if both else None  # type: ignore[arg-type]
        figures = zip(("accuracy", "F1"), (claim.accuracy, claim.f1), blind_results(normal, abnormal), strict=True)
        blind = tuple(name for name, own, least in figures if own is not None and own <= least)
        found.append(Finding(claim, error, corrected.get(claim.name), possible, blind))
    return found


def _by_trainings(ordered: Sequence[Claim], trainings: int) -> dict[str, float]:
    """Welch's test of each row against the first one, where both have a deviation, corrected by Holm."""
    from scipy.stats import ttest_ind_from_stats

    best = ordered[0]
    if best.auc is None or best.deviation is None:
        return {}
    first = (best.auc, best.deviation, trainings)
    return holm({
        claim.name: float(ttest_ind_from_stats(claim.auc, claim.deviation, trainings, *first, equal_var=False).pvalue)
        for claim in ordered[1:]
        if claim.auc is not None and claim.deviation is not None
    })  # fmt: skip


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
