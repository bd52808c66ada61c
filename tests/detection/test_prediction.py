"""Prediction: one forward pass, one verdict; every other method is a view of it, and nothing is changed by looking."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from digitanatomy import DigitAnatomy, GlyphSplit
from squidlib.detection.detector import Detector
from squidlib.detection.prediction import NotFiniteError
from squidlib.detection.scores import BATCH, SCORES
from squidlib.training.presets import PRESETS
from tests.helpers import refusal, untrained


@pytest.fixture
def detector(split: GlyphSplit) -> Detector:
    return untrained(
        PRESETS["laptop"]["digitanatomy"].config, DigitAnatomy(split.calibration, {"normal": 40}, seed=5).images()
    )


@pytest.fixture(scope="module")
def images(split: GlyphSplit) -> Tensor:
    """More than one batch: the calibration images themselves, others, and abnormal ones."""
    own = DigitAnatomy(split.calibration, {"normal": 40}, seed=5).images()
    return torch.cat([own, DigitAnatomy(split.test, {"normal": 20, "missing": 15}, seed=6).images()])


@pytest.mark.parametrize("name", SCORES)
def test_the_verdict_is_that_of_the_default_score_whichever_it_is(
    detector: Detector, images: Tensor, name: str
) -> None:
    """The table of a chest run once compared the combined score with the threshold of another one."""
    detector.metadata["score"] = name
    found = detector.predict(images, rate=0.2)
    assert found.score_name == name
    normal = detector.calibration.normal_scores[list(SCORES).index(name)]
    limit = float(normal.double().quantile(0.8))  # a fifth of the normals lie above it
    assert found.threshold == pytest.approx(limit, abs=1e-6)
    expected = [value > limit for value in detector.score(images, name).tolist()]
    assert found.abnormal.tolist() == expected
    known = zip(found.verdicts, expected, found.unlike.tolist(), strict=True)
    assert all(verdict == ("abnormal" if above else "normal") for verdict, above, foreign in known if not foreign)
    assert not all(expected)


def test_other_methods_are_views_of_it(detector: Detector, images: Tensor) -> None:
    found = detector.predict(images)
    assert torch.equal(found.score, detector.score(images))
    assert all(torch.equal(found.scores[name], values) for name, values in detector.scores(images).items())
    assert torch.equal(found.patch_scores, detector.patch_scores(images))
    assert torch.equal(found.reconstruction, detector.reconstruct(images))
    assert torch.equal(found.anomaly_map, detector.anomaly_map(images))


def test_every_image_goes_through_the_network_once(
    detector: Detector, images: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes, forward = [], detector.squid.forward

    def counted(batch: Tensor, generator: None = None) -> object:
        sizes.append(len(batch))
        return forward(batch, generator)

    monkeypatch.setattr(detector.squid, "forward", counted)
    detector.predict(images)
    assert sizes == [BATCH, len(images) - BATCH]


def test_looking_leaves_no_trace_in_a_network_that_is_in_training_mode(detector: Detector, images: Tensor) -> None:
    before = detector.predict(images)
    detector.squid.train()
    detector.squid.encoder.eval()  # each part stays in the mode it was in
    after = detector.predict(images)
    assert detector.squid.training
    assert detector.squid.student.training
    assert not detector.squid.encoder.training
    detector.squid.eval()
    for again in (after, detector.predict(images)):
        assert torch.equal(before.score, again.score)
        assert torch.equal(before.reconstruction, again.reconstruction)


def test_no_image_is_a_batch_too(detector: Detector, images: Tensor) -> None:
    found = detector.predict(images[:0])
    assert found.score.shape == found.abnormal.shape == found.unlike.shape == (0,)
    assert found.reconstruction.shape == found.anomaly_map.shape == (0, 1, 96, 96)
    assert found.patch_scores.shape == (0, 9)
    assert found.verdicts == []
    assert detector.raw_scores(images[:0]).error.shape == (0, 9)


def test_rounding_beyond_the_range_is_clamped_and_more_is_refused_with_its_digits(
    detector: Detector, images: Tensor
) -> None:
    some = images[:2]
    assert torch.equal(detector.score(some + 5e-5), detector.score((some + 5e-5).clamp(0, 1)))
    assert "0.0015..1.0015" in refusal(lambda: detector.score(some + 0.0015))


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda images: images.numpy(), "torch.from_numpy"),
        (lambda images: images.repeat(1, 3, 1, 1), "grey first"),
        (lambda images: images[:, :, ::2, ::2], "scale them to 96 x 96"),
        (lambda images: images[0, 0], "one dimension each"),
    ],
)
def test_what_does_not_fit_gets_a_hint_that_does(
    detector: Detector, images: Tensor, make: Callable[[Tensor], Tensor], said: str, as_users: None
) -> None:
    assert said in refusal(lambda: detector.predict(make(images)))


def test_what_is_not_finite_is_no_verdict(detector: Detector, images: Tensor) -> None:
    with torch.no_grad():
        detector.squid.student.last.weight.fill_(torch.nan)
    text = refusal(lambda: detector.predict(images))
    assert "no verdict" in text
    assert "nan" in text


def test_the_image_whose_score_is_not_finite_is_named_by_its_number_among_all(
    detector: Detector, images: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    known, forward = images[BATCH + 3], detector.squid.forward

    def broken(batch: Tensor, generator: None = None) -> object:
        output = forward(batch, generator)
        output.reconstruction[(batch == known).all(dim=(1, 2, 3))] = torch.nan
        return output

    monkeypatch.setattr(detector.squid, "forward", broken)
    with pytest.raises(NotFiniteError, match=f"of image {BATCH + 3} is nan") as caught:
        detector.predict(images)
    assert caught.value.image == BATCH + 3


def test_a_default_score_that_there_is_not_is_refused_before_anything_is_scored(detector: Detector) -> None:
    metadata = {"score": "beauty"}
    assert "beauty" in refusal(lambda: Detector(detector.squid, detector.discriminator, detector.calibration, metadata))
