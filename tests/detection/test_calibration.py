"""Calibration: standard deviations have a floor, and what never varies cannot make an infinite score."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from digitanatomy import DigitAnatomy, GlyphSplit
from squidlib.detection.calibration import LEAST, Calibration, calibrate, calibration_of, image_scores, standardised
from squidlib.detection.calibration_check import check_calibration
from squidlib.detection.detector import Detector
from squidlib.detection.scores import PATCH_SCORES, SCORES, RawScores
from squidlib.training.presets import PRESETS
from tests.conftest import tiny_config
from tests.helpers import noise, untrained

CORNER = (slice(None), slice(None), slice(0, 32), slice(0, 32))  # the first of nine tiles


@pytest.fixture(scope="module")
def normals(split: GlyphSplit) -> Tensor:
    images = DigitAnatomy(split.calibration, {"normal": 64}, seed=5).images()
    images[CORNER] = 0  # a black border, as masked X-rays have
    return images


@pytest.fixture(scope="module")
def detector(normals: Tensor) -> Detector:
    return untrained(PRESETS["laptop"]["digitanatomy"].config, normals)


def raw(count: int = 30, positions: int = 4) -> RawScores:
    generator = torch.Generator().manual_seed(0)
    patches = [0.5 + 0.1 * torch.randn(count, positions, generator=generator) for _ in range(4)]
    return RawScores(*patches, torch.randn(count, generator=generator))


def test_a_position_that_does_not_vary_is_said(detector: Detector) -> None:
    assert detector.calibration.constant_positions == [0]


def test_one_grey_pixel_where_all_normals_are_black_is_no_infinite_anomaly(detector: Detector, normals: Tensor) -> None:
    touched = normals.clone()
    touched[:, :, 3:5, 3:5] = 4 / 255
    for name, values in detector.scores(touched).items():
        assert float(values.abs().max()) < 1e6, name
    before, after = detector.predict(normals).abnormal, detector.predict(touched).abnormal
    assert float((before != after).float().mean()) < 0.1


def test_normal_scores_that_never_vary_give_finite_scores() -> None:
    same = RawScores(*(torch.full((5, 4), 0.25) for _ in range(4)), torch.zeros(5))
    calibration = calibration_of(same)
    assert calibration.constant_positions == [0, 1, 2, 3]
    assert calibration.std.amin(1).tolist() == pytest.approx([LEAST[name] for name in PATCH_SCORES])
    other = same._replace(error=same.error + 0.01)  # a squared error a hundred times its least standard deviation
    assert image_scores(other, calibration)["error"].tolist() == pytest.approx([100.0] * 5, rel=1e-4)


def test_a_detector_of_normals_that_are_all_alike_draws_finite_maps(split: GlyphSplit) -> None:
    alike = DigitAnatomy(split.calibration, {"normal": 1}, seed=5).images().repeat(8, 1, 1, 1)
    detector = untrained(PRESETS["laptop"]["digitanatomy"].config, alike)
    assert float(detector.normal_scores("combined").abs().max()) < 1e-2
    found = detector.predict(torch.cat([alike[:1], 1 - alike[:1]]))
    assert found.anomaly_map.isfinite().all()
    assert float(found.anomaly_map.min()) >= 0
    assert float(found.anomaly_map.max()) < 1e6


def test_a_score_far_below_normal_hides_nothing_that_others_find() -> None:
    usual = raw()
    calibration = calibration_of(usual)
    found = usual._replace(error=usual.error.clone(), structure=usual.structure.clone())
    found.error[:, 2] += 3  # thirty standard deviations
    found.structure[:, 2] -= 1000
    assert float(standardised(found, calibration)[1, :, 2].max()) == -10
    assert float(image_scores(found, calibration)["combined"].min()) > 10


def test_varying_positions_are_left_as_they_were_measured() -> None:
    usual = raw()
    calibration = calibration_of(usual)
    torch.testing.assert_close(calibration.std[0], usual.error.std(0))
    torch.testing.assert_close(calibration.mean[3], usual.distance.mean(0))
    assert calibration.constant_positions == []


def test_it_comes_back_from_its_tensors_and_reads_those_of_older_files(detector: Detector) -> None:
    plain = detector.calibration.as_tensors()
    again = Calibration.from_tensors(plain)
    assert again.as_tensors().keys() == plain.keys()
    assert all(torch.equal(part, plain[name]) for name, part in again.as_tensors().items())
    old = {name: part for name, part in plain.items() if not name.startswith("familiarity")}
    old["deviation"] = old.pop("std").clone()
    old["deviation"][:, 0] = 1.2e-38  # as older versions wrote for a black border
    read = Calibration.from_tensors(old)
    assert read.familiarity is None
    assert float(read.std.min()) >= 1e-4


def test_the_finest_rate_is_that_of_one_image(detector: Detector) -> None:
    assert detector.calibration.finest_rate == 1 / 64
    highest = float(detector.normal_scores().max())
    assert detector.threshold(1e-9) == pytest.approx(highest)


def test_thresholds_are_those_of_the_asked_score(detector: Detector) -> None:
    for name in SCORES:
        above = detector.normal_scores(name) > detector.calibration.threshold(name, 0.25)
        assert int(above.sum()) == 16  # a quarter of 64


def test_the_threshold_is_that_of_the_worst_acquisition() -> None:
    detector = untrained(tiny_config(), noise(40, 24))
    normals = noise(30, 24, seed=3)
    shifted = [0.5 * normals, normals**3]
    alone = calibrate(detector.squid, detector.discriminator, normals)
    wide = calibrate(detector.squid, detector.discriminator, normals, shifted)
    judged = Detector(detector.squid, detector.discriminator, wide, {})
    worst = max(float(torch.quantile(judged.score(images).double(), 0.9)) for images in (normals, *shifted))
    assert judged.threshold(0.1) == pytest.approx(worst, abs=1e-3)
    assert judged.threshold(0.1) > float(torch.quantile(judged.score(normals).double(), 0.9)) + 0.1
    assert wide.normal_scores.shape == alone.normal_scores.shape  # of the images as they are, for histograms
    assert (wide.std >= 0.5 * alone.std).all()
    again = Calibration.from_tensors(wide.as_tensors())
    assert torch.equal(again.shifted_scores, wide.shifted_scores)
    check_calibration(again, 9, False)
