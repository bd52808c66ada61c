"""Test images of one class, or none: what can be said is counted, what cannot is refused or left out."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from squidlib.benchmark.evaluate import evaluate
from squidlib.benchmark.one_class import shares_above
from squidlib.data.base import TestSet, require_test_set
from squidlib.detection.detector import Detector
from tests.conftest import tiny_config
from tests.helpers import noise, refusal, untrained

CONFIG = tiny_config()
EMPTY = TestSet(torch.zeros(0, 1, 24, 24), [])


class Few:
    """A data set of four normal images; ``tests`` are its test images."""

    settings, notes, photographic = {"data": "few"}, (), False
    epoch_images, image_shape = 4, (1, 24, 24)

    def __init__(self, tests: TestSet | None) -> None:
        self.tests = tests

    def batch(self, step: int, size: int) -> torch.Tensor:
        return noise(size, 24, step)

    def reference(self) -> torch.Tensor:
        return noise(4, 24, 7)

    def calibration(self) -> torch.Tensor:
        return noise(20, 24, 8)

    def validation(self) -> torch.Tensor:
        return noise(3, 24, 9)

    def test(self) -> TestSet | None:
        return self.tests


@pytest.fixture(scope="module")
def detector() -> Detector:
    return untrained(CONFIG, noise(20, 24, 8))


def test_shares_are_counts_of_images_above_the_threshold(detector: Detector) -> None:
    images = torch.cat([noise(6, 24, 1), noise(4, 24, 2) / 9])
    found = shares_above(detector, TestSet(images, ["normal"] * 6 + ["dark"] * 4), 0.25)
    scores, limit = detector.score(images), detector.threshold(0.25)
    assert found.threshold == limit
    assert (found.calibration, found.calibration_above) == (20, int((detector.normal_scores() > limit).sum()))
    assert found.calibration_above == 5  # a quarter of twenty
    assert found.images == {"normal": 6, "dark": 4}
    assert found.detected["normal"] == pytest.approx(float((scores[:6] > limit).float().mean()))
    assert found.detected["dark"] == pytest.approx(float((scores[6:] > limit).float().mean()))


@pytest.mark.parametrize("tests", [None, EMPTY])
def test_without_test_images_the_threshold_is_told_all_the_same(tests: TestSet | None, detector: Detector) -> None:
    found = shares_above(detector, tests, 0.25)
    assert (found.calibration_above, found.images, found.detected) == (5, {}, {})
    assert found.lines()[0].startswith(f"threshold {detector.threshold(0.25):.4g} of the score combined: 5 of 20")
    assert "because normal and abnormal test images are missing (there are: none)" in found.lines()[-1]


@pytest.mark.parametrize("kind", ["normal", "dent"])
def test_an_auc_of_one_class_is_refused(kind: str, detector: Detector) -> None:
    tests = TestSet(noise(3, 24), [kind] * 3)
    for action in (lambda: evaluate(detector, Few(None), tests), lambda: require_test_set(Few(tests))):
        assert f"normal and abnormal test images expected, to measure how well they are told apart, got {kind}" in (
            refusal(action)
        )
    assert "no test images" in refusal(lambda: require_test_set(Few(None)))
    assert "got none" in refusal(lambda: require_test_set(Few(EMPTY)))


def test_few_normal_images_and_empty_masks_do_not_end_an_evaluation(detector: Detector) -> None:
    types = ["normal", "normal", "dent", "dent", "wet"]
    masks = torch.zeros(5, 1, 24, 24, dtype=torch.bool)
    masks[2, :, :8, :8] = True  # of "wet", nobody drew where
    tests = TestSet(noise(5, 24), types, masks)
    found = evaluate(detector, Few(tests))
    assert found.images == {"normal": 2, "dent": 2, "wet": 1}
    assert set(found.pixel_auc) == {"dent"}
    assert set(found.baselines) == {"sharpness", "mean image", "pixel kNN", "HOG kNN"}
    assert set(evaluate(detector, Few(replace(tests, masks=None))).pixel_auc) == set()
