"""Evaluation of an untrained detector: every figure recomputed by hand, no label near the threshold."""

from __future__ import annotations

import functools
import json
import warnings
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from digitanatomy import ANOMALIES, KINDS, DigitAnatomy, Glyphs, Sample
from squidlib.backbone import Backbone, backbone, has_efficientnet_lite0
from squidlib.baselines import FeatureNeighbours, MeanImage, PatchNeighbours, Sharpness
from squidlib.benchmark import evaluate as evaluation_module
from squidlib.benchmark import simple_methods
from squidlib.benchmark.evaluate import Evaluation, evaluate
from squidlib.data.base import TestSet
from squidlib.data.digits import Digits, digit_tests
from squidlib.detection import metrics
from squidlib.detection.detector import Detector
from squidlib.detection.metrics import decide, oracle_threshold, pixel_auc
from squidlib.detection.scores import SCORES
from squidlib.training.presets import PRESETS
from tests.helpers import untrained

RATE = 0.2
bootstrap_auc = functools.partial(metrics.bootstrap_auc, rounds=20)
EACH = 12


def _truth(sample: Sample) -> dict[str, object]:
    return {"label": sample.label, "kind": sample.kind, "mask": sample.mask, "wrong": sample.wrong}


@pytest.fixture(scope="module", autouse=True)
def few_rounds() -> Iterator[None]:
    """The intervals of 1,000 rounds would take most of this file's time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evaluation_module, "bootstrap_auc", bootstrap_auc)
        yield


@pytest.fixture(scope="module")
def data(glyphs: Glyphs) -> Digits:
    return Digits(glyphs)


@pytest.fixture(scope="module")
def detector(data: Digits) -> Detector:
    return untrained(PRESETS["laptop"]["digitanatomy"].config, data.reference()[:100])


@pytest.fixture(scope="module")
def test_set(data: Digits) -> TestSet:
    return digit_tests(DigitAnatomy(data.glyphs.test, dict.fromkeys(KINDS, EACH), seed=3))


@pytest.fixture(scope="module")
def evaluation(detector: Detector, data: Digits, test_set: TestSet) -> Evaluation:
    return evaluate(detector, data, test_set, RATE)


@pytest.fixture(scope="module")
def kinds(test_set: TestSet) -> np.ndarray:
    return np.array(test_set.anomaly_types)


def test_images_are_counted_by_kind(evaluation: Evaluation) -> None:
    assert evaluation.images == dict.fromkeys(KINDS, EACH)
    assert evaluation.false_positive_rate == RATE


def test_every_auc_is_that_of_the_detectors_scores(
    evaluation: Evaluation, detector: Detector, test_set: TestSet, kinds: np.ndarray
) -> None:
    scores = detector.scores(test_set.images)
    assert list(evaluation.scores) == list(SCORES)
    for name, row in evaluation.scores.items():
        values = scores[name].numpy()
        assert list(row.kinds) == list(ANOMALIES)
        for kind in ANOMALIES:
            chosen = np.concatenate([values[kinds == "normal"], values[kinds == kind]])
            assert row.kinds[kind] == bootstrap_auc([0] * EACH + [1] * EACH, chosen)
        assert row.mean == pytest.approx(sum(row.kinds[kind].value for kind in ANOMALIES) / 4)
        assert row.overall == bootstrap_auc(kinds != "normal", values)


def test_the_baselines_learn_from_plain_training_images(
    evaluation: Evaluation, data: Digits, test_set: TestSet, kinds: np.ndarray
) -> None:
    assert list(evaluation.baselines) == ["sharpness", "mean image", "pixel kNN", "HOG kNN"]
    for method in (Sharpness(), MeanImage(), PatchNeighbours(3)):
        scores = method.fit(data.reference()).score(test_set.images).numpy()
        assert evaluation.baselines[method.name].overall == bootstrap_auc(kinds != "normal", scores)


@pytest.mark.skipif(not has_efficientnet_lite0(), reason="the extra [backbone] is not installed")
def test_images_without_masks_meet_imagenets_features_too_computed_once_for_all_runs(
    detector: Detector, data: Digits, test_set: TestSet, kinds: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    pooled = Backbone.pooled
    monkeypatch.setattr(Backbone, "pooled", lambda net, images: seen.append(len(images)) or pooled(net, images))
    monkeypatch.setattr(simple_methods, "backbone", lambda size: backbone(size=32))
    simple_methods.pretrained_methods.cache_clear()
    images, reference = test_set.images, data.reference()
    monkeypatch.setattr(Digits, "photographic", True)
    first, again = (evaluate(detector, data, test_set) for _ in range(2))
    simple_methods.pretrained_methods.cache_clear()
    name = f"2-NN ({backbone(size=32).name})"
    assert list(first.baselines) == ["sharpness", "mean image", "pixel kNN", "HOG kNN", name]
    scores = FeatureNeighbours(backbone(size=32)).fit(reference).score(images)
    assert first.baselines[name].overall == again.baselines[name].overall == bootstrap_auc(kinds != "normal", scores)
    assert sum(seen) == 2 * (len(images) + len(reference)), "once for both evaluations, once for this test"


def test_random_features_are_no_baseline(
    detector: Detector, data: Digits, test_set: TestSet, kinds: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(simple_methods, "backbone", lambda size: backbone(size=32, pretrained=False))
    simple_methods.pretrained_methods.cache_clear()
    monkeypatch.setattr(Digits, "photographic", True)
    found = evaluate(detector, data, test_set)
    simple_methods.pretrained_methods.cache_clear()
    assert list(found.baselines) == ["sharpness", "mean image", "pixel kNN", "HOG kNN"]


def test_the_decision_is_taken_at_the_calibrated_threshold(
    evaluation: Evaluation, detector: Detector, test_set: TestSet, kinds: np.ndarray
) -> None:
    own = detector.score(test_set.images).numpy()
    expected = float(np.quantile(detector.calibration.normal_scores[0].numpy().astype(float), 1 - RATE))
    assert evaluation.decision.threshold == pytest.approx(expected)
    assert evaluation.decision == decide(kinds != "normal", own, evaluation.decision.threshold)
    assert evaluation.oracle == decide(kinds != "normal", own, oracle_threshold(kinds != "normal", own))
    assert evaluation.oracle.accuracy >= evaluation.decision.accuracy
    assert evaluation.detected == {kind: pytest.approx(np.mean(own[kinds == kind] > expected)) for kind in KINDS}


def test_worst_tiles_and_pixel_auc_are_those_of_the_detected_images(
    evaluation: Evaluation, detector: Detector, test_set: TestSet, kinds: np.ndarray
) -> None:
    images = test_set.images
    assert test_set.wrong is not None
    assert test_set.masks is not None
    worst = detector.patch_scores(images).argmax(1)
    called = detector.score(images).numpy() > evaluation.decision.threshold
    assert called.any(), "nothing is detected, so that this test would show nothing"
    for kind in ANOMALIES:
        mine = np.flatnonzero(kinds == kind)
        hits = [bool(test_set.wrong[index, worst[index]]) for index in mine if called[index]]
        assert evaluation.worst_tile[kind] == pytest.approx(np.mean(hits) if hits else np.nan, nan_ok=True)
        masks = test_set.masks[mine]
        assert evaluation.pixel_auc[kind] == pytest.approx(
            pixel_auc(masks, detector.anomaly_map(images[mine])), abs=1e-3
        )


def test_the_threshold_knows_nothing_of_test_labels(
    evaluation: Evaluation, detector: Detector, data: Digits, test_set: TestSet
) -> None:
    relabelled = replace(test_set, anomaly_types=[*test_set.anomaly_types[7:], *test_set.anomaly_types[:7]])
    permuted = evaluate(detector, data, relabelled, RATE)
    assert permuted.decision.threshold == evaluation.decision.threshold
    assert permuted.scores["combined"].overall != evaluation.scores["combined"].overall
    assert permuted.oracle != evaluation.oracle
    called = sum(evaluation.detected.values())
    assert sum(permuted.detected.values()) == pytest.approx(called), "the same images are called abnormal"


def test_the_threshold_depends_on_the_calibration_normals_and_the_rate(
    evaluation: Evaluation, detector: Detector, data: Digits, test_set: TestSet
) -> None:
    stricter = evaluate(detector, data, test_set, rate=0.02)
    assert stricter.decision.threshold > evaluation.decision.threshold
    assert stricter.scores == evaluation.scores
    normals = detector.calibration._replace(normal_scores=detector.calibration.normal_scores + 1)
    moved = evaluate(Detector(detector.squid, detector.discriminator, normals, {}), data, test_set, RATE)
    assert moved.decision.threshold == pytest.approx(evaluation.decision.threshold + 1)


def test_a_kind_that_the_test_lacks_is_left_out(detector: Detector, data: Digits) -> None:
    few = evaluate(detector, data, digit_tests(DigitAnatomy(data.glyphs.test, {"missing": 3, "normal": 4})))
    assert few.images == {"normal": 4, "missing": 3}
    assert list(few.scores["error"].kinds) == list(few.pixel_auc) == list(few.worst_tile) == ["missing"]


def test_json_holds_every_figure_and_comes_back_the_same(evaluation: Evaluation) -> None:
    plain = evaluation.as_json()
    assert json.loads(json.dumps(plain, allow_nan=False)) == plain
    assert plain["decision"]["accuracy"] == evaluation.decision.accuracy
    assert plain["oracle"]["threshold"] == evaluation.oracle.threshold
    assert plain["scores"]["error"]["kinds"]["novel"]["low"] == evaluation.scores["error"].kinds["novel"].low
    assert plain["baselines"]["sharpness"]["overall"]["value"] == evaluation.baselines["sharpness"].overall.value
    assert plain["images"] == evaluation.images
    assert plain["detected"] == evaluation.detected


def test_a_kind_of_which_nothing_is_detected_has_no_worst_tile_and_json_says_null(
    detector: Detector, data: Digits, test_set: TestSet
) -> None:
    blind = detector.calibration._replace(normal_scores=detector.calibration.normal_scores + 1e6)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = evaluate(Detector(detector.squid, detector.discriminator, blind, {}), data, test_set)
    assert all(np.isnan(share) for share in result.worst_tile.values())
    assert set(result.detected.values()) == {0.0}
    assert json.loads(json.dumps(result.as_json(), allow_nan=False))["worst_tile"] == dict.fromkeys(ANOMALIES)


def test_an_evaluation_cannot_be_changed(evaluation: Evaluation) -> None:
    with pytest.raises(AttributeError):
        evaluation.detected = {}  # type: ignore[misc]
    assert replace(evaluation, detected={}).detected == {}
