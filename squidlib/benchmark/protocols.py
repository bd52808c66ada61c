"""Protocols: the ways in which a detector is tested, so that the easiest does not speak for all. Of X-rays:

- ``patients``: the data set's own test images; no patient is in training and test.
- ``series``: trained and calibrated on one series of normals, tested with the normals of another
  (``squidlib.data.chest.series``); the run has to be trained so, ``squid train zhanglab --series IM``.
- ``acquisition``: the test images as another machine would have given them (``squidlib.data.chest.acquisition``), one
  test set a shift; normal and abnormal ones are changed alike. One more has the training normals' mean radial power
  spectrum in every image (``squidlib.data.chest.spectrum``): no detector can tell them apart by sharpness.
- ``types``: bacterial and viral pneumonia apart, as the file names tell.
Of digits ``pens``: the test digits as other pens and scanners give them (``digitanatomy.other_pens``), and others.

Of each the AUC is reported, and the share of normal images above the threshold: where 5 % were asked for, how many
false alarms does another hospital get? Beside them stand sharpness, pixel kNN, and kNN on features of ImageNet.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Generator

from digitanatomy import NORMAL
from squidlib.benchmark.significance import compare, holm
from squidlib.benchmark.tables import over_runs
from squidlib.data.base import Dataset, TestSet, check_both_classes, require_test_set
from squidlib.data.chest.acquisition import SHIFTS
from squidlib.data.chest.spectrum import match_spectrum, radial_spectrum
from squidlib.data.digits import Digits
from squidlib.detection.detector import Detector
from squidlib.detection.metrics import Interval, auc, bootstrap_auc
from squidlib.utils.command import command
from squidlib.utils.errors import UserError

PROTOCOLS = ("patients", "series", "acquisition", "types", "pens")
TYPES = ("bacteria", "virus")  #: as ZhangLab's files say of what a pneumonia was
UNSHIFTED = "as they are"
MATCHED = "spectrum matched"  #: test images that all have the radial power spectrum of the average training normal


@dataclass(frozen=True)
class ProtocolRow:
    """What one detector does on one test set.

    Attributes:
        auc: of the default score, normal against abnormal, with its 95 % interval.
        false_alarms: share of normal test images above the threshold.
        detected: share of abnormal test images above it.
        unlike: share of normal test images that are called unlike the training data.
        baselines: AUC by method.
        images: normal and abnormal ones.
        p_values: by method, whether the mean AUC over all runs differs from the method's (DeLong; after Holm).
    """

    auc: Interval
    false_alarms: float
    detected: float
    unlike: float
    baselines: dict[str, float]
    images: tuple[int, int]
    p_values: dict[str, float] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Plain dictionaries and numbers."""
        return asdict(self) | {"auc": self.auc._asdict(), "images": list(self.images)}

    @classmethod
    def from_json(cls, plain: dict[str, Any]) -> ProtocolRow:
        """What ``as_json`` gave."""
        return cls(**plain | {"auc": Interval(**plain["auc"]), "images": tuple(plain["images"])})


def sets_of(protocol: str, data: Dataset, seed: int = 0) -> Iterator[tuple[str, TestSet]]:
    """The test sets of a protocol by name, one after the other.

    Args:
        protocol: of ``PROTOCOLS``.
        data: that a detector was trained on.
        seed: of the strengths of acquisition shifts.

    Raises:
        UserError: where the data cannot be tested so.
    """
    test = require_test_set(data)
    if isinstance(data, Digits) and protocol in set(PROTOCOLS) - {"pens"}:
        raise UserError(f"--protocol {protocol} is for X-rays; for detectors of DigitAnatomy: --protocol pens")
    if protocol == "patients":
        yield UNSHIFTED, test
    elif protocol == "series":
        series = data.settings.get("series")
        if series is None:
            raise UserError(
                "--protocol series is for runs that were trained on one series; train one with: "
                + command("train", "zhanglab", "--series", "IM")
            )
        yield f"trained on {series}, tested with others", test
    elif protocol == "acquisition":
        yield UNSHIFTED, test
        for number, (name, shift) in enumerate(SHIFTS.items()):
            yield name, replace(test, images=shift(test.images, Generator().manual_seed((seed << 8) + number)))
        spectrum = radial_spectrum(data.reference()).mean(0)
        yield MATCHED, replace(test, images=match_spectrum(test.images, spectrum))
    elif protocol == "types":
        yield from _by_type(test)
    elif protocol == "pens":
        if not isinstance(data, Digits):
            raise UserError("--protocol pens is for detectors of DigitAnatomy; for X-rays: --protocol acquisition")
        yield from ((UNSHIFTED, test), *data.other_tests())
    else:
        raise UserError(f"--protocol is one of {', '.join(PROTOCOLS)}, got {protocol}")


def _by_type(test: TestSet) -> Iterator[tuple[str, TestSet]]:
    normal = [index for index, kind in enumerate(test.anomaly_types) if kind == NORMAL]
    for name in TYPES:
        own = [index for index, file in enumerate(test.ids) if f"_{name}_" in file]
        if not own:
            raise UserError(f"--protocol types: files named ..._{name}_... expected among the test images, got none")
        rows = torch.tensor(sorted(normal + own))
        kinds = [test.anomaly_types[index] for index in rows.tolist()]
        ids = [test.ids[index] for index in rows.tolist()]
        yield name, TestSet(test.images[rows], kinds, ids=ids)


class Outcome(NamedTuple):
    """What one detector says of T test images, and what the simple methods score; of images, not yet summed up.

    labels: 0 normal, 1 abnormal.
    scores: the default score.
    abnormal, unlike: bool.
    baselines: by method, (T,) each.
    """

    labels: np.ndarray
    scores: np.ndarray
    abnormal: np.ndarray
    unlike: np.ndarray
    baselines: Mapping[str, np.ndarray]


def outcome(detector: Detector, test: TestSet, rate: float, baselines: Mapping[str, np.ndarray]) -> Outcome:
    """One detector on one test set.

    Args:
        rate: share of normal calibration images that the threshold may call abnormal.
        baselines: scores of the same images by method.

    Raises:
        UserError: where there are no normal, or no abnormal, test images.
    """
    check_both_classes(test)
    found = detector.predict(test.images, rate)
    score, abnormal, unlike = (part.cpu().numpy() for part in (found.score.double(), found.abnormal, found.unlike))
    return Outcome(test.labels.numpy(), score, abnormal, unlike, baselines)


def summed_up(runs: Sequence[Outcome]) -> list[ProtocolRow]:
    """All runs on one test set; the p-values are of the mean AUC over all of them."""
    p_values = _p_values(runs)
    return [_tested(run, p_values) for run in runs]


def _tested(run: Outcome, p_values: dict[str, float]) -> ProtocolRow:
    normal, abnormal = run.labels == 0, run.labels == 1
    return ProtocolRow(
        bootstrap_auc(run.labels, run.scores),
        float(run.abnormal[normal].mean()),
        float(run.abnormal[abnormal].mean()),
        float(run.unlike[normal].mean()),
        {name: auc(run.labels, scores) for name, scores in run.baselines.items()},
        (int(normal.sum()), int(abnormal.sum())),
        p_values,
    )


def _p_values(runs: Sequence[Outcome]) -> dict[str, float]:
    """By method, after Holm; none where the runs were tested on different images."""
    first = runs[0]
    labels = first.labels
    if any(not np.array_equal(run.labels, labels) for run in runs) or min(labels.sum(), (1 - labels).sum()) < 2:
        return {}
    own = np.stack([run.scores for run in runs])
    p_values = {}
    for name in first.baselines:
        theirs = np.unique(np.stack([run.baselines[name] for run in runs]), axis=0)  # one row where they are all alike
        p_values[name] = compare(labels, own, theirs).p
    return holm(p_values)


def protocol_cells(found: Mapping[str, Sequence[ProtocolRow]]) -> list[list[str]]:
    """Header and a row for each test set: AUC, what normal and abnormal images suffer, the simple methods beside.
    A method's p-value says whether the detector's AUC differs from it, whichever of the two is higher.

    Args:
        found: test set -> what each run did on it; of one run the AUC has its 95 % interval.
    """
    methods = list(next(iter(found.values()))[0].baselines)
    cells = [["test images", "normal + abnormal", "AUC", "false alarms", "found", "unlike", *methods]]
    for title, runs in found.items():
        first = runs[0].auc
        interval = f"{first.value:.3f} ({first.low:.3f}-{first.high:.3f})"
        cells.append(
            [
                title,
                " + ".join(map(str, runs[0].images)),
                interval if len(runs) == 1 else over_runs([run.auc.value for run in runs]),
                *(over_runs([getattr(run, share) for run in runs]) for share in ("false_alarms", "detected", "unlike")),
                *(over_runs([run.baselines[name] for run in runs]) + _p_text(runs[0], name) for name in methods),
            ]
        )
    return cells


def _p_text(run: ProtocolRow, name: str) -> str:
    if name not in run.p_values:
        return ""
    return " (p < .001)" if run.p_values[name] < 0.001 else f" (p = {run.p_values[name]:.3f})"
