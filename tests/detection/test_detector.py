"""Detector: shapes and ranges, no side effects, no influence between images, and clear refusals."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from digitanatomy import DigitAnatomy, GlyphSplit
from squidlib.detection.calibration import calibrate
from squidlib.detection.detector import Detector
from squidlib.detection.scores import SCORES
from squidlib.training.presets import PRESETS
from tests.helpers import refusal, untrained


@pytest.fixture(scope="module")
def detector(split: GlyphSplit) -> Detector:
    return untrained(
        PRESETS["laptop"]["digitanatomy"].config, DigitAnatomy(split.calibration, {"normal": 40}, seed=5).images()
    )


@pytest.fixture(scope="module")
def images(split: GlyphSplit) -> Tensor:
    return DigitAnatomy(split.test, {"normal": 3, "novel": 1, "missing": 2}, seed=6).images()


def state_of(detector: Detector) -> dict[str, Tensor]:
    parts = detector.squid.state_dict() | {f"d.{k}": v for k, v in detector.discriminator.state_dict().items()}
    parts |= {f"position.{k}": v for k, v in detector.squid.named_buffers()}
    return {k: v.clone() for k, v in (parts | detector.calibration.as_tensors()).items()}


def test_results_have_the_promised_shapes_and_ranges(detector: Detector, images: Tensor) -> None:
    count = len(images)
    scores = detector.scores(images)
    assert list(scores) == list(SCORES)
    assert all(values.shape == (count,) and values.isfinite().all() for values in scores.values())
    assert 0 <= scores["discriminator"].min() <= scores["discriminator"].max() <= 1
    assert torch.equal(detector.score(images), scores["combined"])
    assert torch.equal(detector.score(images, "error"), scores["error"])
    assert torch.equal(detector.patch_scores(images).amax(1), scores["combined"])
    assert detector.patch_scores(images).shape == (count, 9)
    reconstruction, anomaly_map = detector.reconstruct(images), detector.anomaly_map(images)
    assert reconstruction.shape == anomaly_map.shape == images.shape
    assert 0 <= reconstruction.min() <= reconstruction.max() <= 1
    assert anomaly_map.min() >= 0
    assert anomaly_map.isfinite().all()


def test_black_and_white_images_score_finitely(detector: Detector) -> None:
    images = torch.stack([torch.zeros(1, 96, 96), torch.ones(1, 96, 96)])
    assert all(values.isfinite().all() for values in detector.scores(images).values())
    assert detector.anomaly_map(images).isfinite().all()


def test_scoring_changes_neither_weights_nor_memory_nor_statistics_nor_the_images(
    detector: Detector, images: Tensor
) -> None:
    before, copy = state_of(detector), images.clone()
    detector.scores(images)
    detector.reconstruct(images)
    detector.anomaly_map(images)
    after = state_of(detector)
    assert before.keys() == after.keys()
    assert [name for name in before if not torch.equal(before[name], after[name])] == []
    assert torch.equal(images, copy)
    assert not detector.score(images).requires_grad
    assert not detector.squid.training


def test_scoring_twice_gives_the_same(detector: Detector, images: Tensor) -> None:
    assert torch.equal(detector.score(images), detector.score(images))
    assert torch.equal(detector.anomaly_map(images), detector.anomaly_map(images))


def test_a_score_does_not_depend_on_the_other_images(detector: Detector, images: Tensor) -> None:
    together = detector.scores(images)
    for name, values in together.items():
        alone = torch.cat([detector.scores(image[None])[name] for image in images])
        rounding = 1e-3 if name == "discriminator" else 1e-4  # an untrained one hardly varies: rounding is magnified
        torch.testing.assert_close(values, alone, atol=rounding, rtol=1e-4)
    torch.testing.assert_close(detector.score(images.flip(0)).flip(0), together["combined"], atol=1e-4, rtol=1e-4)
    alone = torch.cat([detector.anomaly_map(image[None]) for image in images])
    torch.testing.assert_close(detector.anomaly_map(images), alone, atol=1e-4, rtol=1e-4)


def test_more_images_than_a_batch_are_scored_in_order(
    detector: Detector, images: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    together, pictures = detector.score(images), detector.reconstruct(images)
    monkeypatch.setattr("squidlib.detection.detector.BATCH", 4)
    torch.testing.assert_close(detector.score(images), together, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(detector.reconstruct(images), pictures, atol=1e-4, rtol=1e-4)
    assert detector.anomaly_map(images).shape == images.shape


@pytest.mark.parametrize("method", ["score", "scores", "patch_scores", "reconstruct", "anomaly_map"])
@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda images: (255 * images).to(torch.uint8), "divide 8-bit images by 255"),
        (lambda images: images.bool(), "floating point"),
        (lambda images: images.where(images < 0.5, torch.nan), "NaN"),
        (lambda images: images + torch.inf, "infinite"),
        (lambda images: images * 255, "must lie in 0..1"),
        (lambda images: images - 0.01, "must lie in 0..1, got -0.01"),
        (lambda images: images[..., :95], r"got (6, 1, 96, 95)"),
        (lambda images: images.repeat(1, 3, 1, 1), "got (6, 3, 96, 96)"),
        (lambda images: images[0], "got (1, 96, 96)"),
    ],
)
def test_unusable_images_are_refused_with_what_was_expected(
    detector: Detector, images: Tensor, method: str, change: Callable[[Tensor], Tensor], said: str, as_users: None
) -> None:
    text = refusal(lambda: getattr(detector, method)(change(images)))
    assert said in text
    assert "0..1" in text or "(B, 1, 96, 96)" in text


def test_double_and_half_precision_images_are_scored_as_single_ones(detector: Detector, images: Tensor) -> None:
    torch.testing.assert_close(detector.score(images.double()), detector.score(images))
    assert detector.score(images.half()).dtype == torch.float32


@pytest.mark.parametrize("rate", [0.05, 0.25, 0.5])
def test_a_threshold_lets_the_promised_share_of_calibration_normals_exceed_it(detector: Detector, rate: float) -> None:
    for name in SCORES:
        normal = detector.normal_scores(name)
        assert len(normal) == 40
        exceeding = float((normal > detector.threshold(rate, name)).float().mean())
        assert exceeding == pytest.approx(rate, abs=1 / len(normal)), name


def test_calibration_makes_normal_patch_scores_standard(detector: Detector, split: GlyphSplit) -> None:
    normals = DigitAnatomy(split.calibration, {"normal": 40}, seed=5).images()
    scores = detector.patch_scores(normals)  # the sum of four standardised scores
    torch.testing.assert_close(scores.mean(0), torch.zeros(9), atol=1e-2, rtol=0)
    torch.testing.assert_close(detector.score(normals), detector.normal_scores(), atol=1e-3, rtol=1e-3)


def test_an_unknown_score_name_is_refused_with_the_known_ones(detector: Detector, images: Tensor) -> None:
    for action in (
        lambda: detector.score(images, "beauty"),
        lambda: detector.threshold(score="beauty"),
        lambda: detector.normal_scores("beauty"),
    ):
        text = refusal(action)
        assert "beauty" in text
        assert all(name in text for name in SCORES)


def test_calibration_refuses_a_single_image(detector: Detector, images: Tensor) -> None:
    with pytest.raises(ValueError, match="at least two normal images"):
        calibrate(detector.squid, detector.discriminator, images[:1])
