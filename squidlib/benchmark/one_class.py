"""What can be said of a detector where there is no AUC: of test images of one class alone, or of none at all.

A threshold comes from normal images, and so the share of held-out normals above it is known wherever a detector was
calibrated. How well abnormal images are found is not.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from digitanatomy import NORMAL
from squidlib.data.base import TestSet
from squidlib.detection.detector import Detector


@dataclass(frozen=True)
class SharesAbove:
    """Shares of images whose score is above the threshold.

    Attributes:
        score: the name of the detector's default score.
        threshold: that a share ``false_positive_rate`` of the calibration images exceeds.
        calibration: held-out normal images, and how many of them are above.
        images: of each anomaly type, "normal" among them.
        detected: share above the threshold, by anomaly type.
        unlike: share that is unlike the training data, by anomaly type.
    """

    score: str
    threshold: float
    false_positive_rate: float
    calibration: int
    calibration_above: int
    images: dict[str, int]
    detected: dict[str, float]
    unlike: dict[str, float]

    def as_json(self) -> dict[str, Any]:
        """Plain dictionaries and numbers."""
        return asdict(self)

    def lines(self) -> list[str]:
        """What is said of them, a sentence each."""
        there = ", ".join(f"{count} {name}" for name, count in self.images.items()) or "none"
        said = [
            f"threshold {self.threshold:.4g} of the score {self.score}: {self.calibration_above} of {self.calibration} "
            f"held-out normal images are above it ({self.false_positive_rate:.0%} were asked for)"
        ]
        said += [
            f"{self.detected[name]:.0%} of {count} {name} test images are above it"
            for name, count in self.images.items()
        ]
        missing = " and ".join(
            what for what, lacks in (("normal", not self.images.get(NORMAL)), ("abnormal", not self._abnormal)) if lacks
        )
        return [
            *said,
            f"how well abnormal images are told from normal ones (AUC) cannot be said, because {missing} test images "
            f"are missing (there are: {there}); add them to the data set",
        ]

    @property
    def _abnormal(self) -> int:
        return sum(count for name, count in self.images.items() if name != NORMAL)


def shares_above(detector: Detector, test: TestSet | None, rate: float) -> SharesAbove:
    """Score what test images there are, and count.

    Args:
        rate: share of the calibration images that the threshold may call abnormal.
    """
    normals, threshold = detector.normal_scores(), detector.threshold(rate)
    images, detected, unlike = dict[str, int](), dict[str, float](), dict[str, float]()
    if test is not None and len(test.images):
        found, types = detector.predict(test.images, rate), np.array(test.anomaly_types)
        for name in dict.fromkeys(test.anomaly_types):
            rows = types == name
            images[name] = int(rows.sum())
            detected[name] = float(found.abnormal.numpy()[rows].mean())
            unlike[name] = float(found.unlike.numpy()[rows].mean())
    above = detector.calibration.count_above(detector.default_score, rate)
    return SharesAbove(detector.default_score, threshold, rate, len(normals), above, images, detected, unlike)
