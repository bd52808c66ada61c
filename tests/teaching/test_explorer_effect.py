"""The effect table: what it holds is what a detector with that memory has; it is written whole or not at all."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path

import pytest
import torch

import squidlib
from squidlib.data.digits import Digits
from squidlib.detection.calibration import calibrate
from squidlib.detection.checkpoint import find
from squidlib.detection.detector import Detector
from squidlib.detection.scores import SCORES
from squidlib.teaching.explorer import begin, effect
from squidlib.teaching.explorer.effect import (
    KINDS,
    Effect,
    belongs,
    compute_effect,
    effect_path,
    load_effect,
    save_effect,
)
from squidlib.teaching.explorer.setting import Setting, ladder
from squidlib.teaching.studies.results import auc_by_kind
from tests.helpers import refusal


@pytest.fixture(scope="module")
def detector() -> Detector:
    return squidlib.load("digitanatomy")


@pytest.fixture(scope="module")
def small(detector: Detector) -> Effect:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(effect, "COUNTS", dict.fromkeys(effect.COUNTS, 12))
        return compute_effect(detector, Digits(), [Setting(), Setting(slots=3)])


def test_a_reading_has_the_calibration_and_the_aucs_of_a_resized_detector(detector: Detector, small: Effect) -> None:
    data, resized = Digits(), deepcopy(detector)
    resized.squid.inpainting.memory.resize(3)
    own = calibrate(resized.squid, resized.discriminator, data.calibration())
    found = small.calibration(Setting(slots=3))
    assert found is not None
    torch.testing.assert_close(found.mean, own.mean)
    torch.testing.assert_close(found.normal_scores, own.normal_scores, rtol=1e-3, atol=1e-3)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(effect, "COUNTS", dict.fromkeys(effect.COUNTS, 12))
        test = effect.judged_images(data)
    resized.calibration = own
    expected = auc_by_kind(test.kinds, resized.score(test.images()))
    for kind in KINDS:
        assert small.auc(Setting(slots=3), kind) == pytest.approx(expected[kind], abs=1e-4)


def test_what_is_on_no_rung_is_not_known(small: Effect) -> None:
    assert small.calibration(Setting(slots=4)) is None
    assert small.auc(Setting(slots=4), "mean") is None


def test_it_comes_back_from_its_file_as_it_went(detector: Detector, small: Effect, tmp_path: Path) -> None:
    path, model = tmp_path / "effect.safetensors", tmp_path / "model.safetensors"
    digest = squidlib.save(detector, model)
    save_effect(small, path, model)
    again = load_effect(path)
    assert (again.readings, again.metadata) == (small.readings, {**small.metadata, "detector": digest})
    assert torch.equal(again.aucs, small.aucs)
    assert again.calibrations.keys() == small.calibrations.keys()
    for name, part in again.calibrations.items():
        assert torch.equal(part, small.calibrations[name])
    path.write_bytes(path.read_bytes()[:-20])
    assert "explorer" in refusal(lambda: load_effect(path)) or "safetensors" in refusal(lambda: load_effect(path))


def test_a_table_beside_another_detector_is_computed_again(
    detector: Detector,
    small: Effect,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    model, path = tmp_path / "model.safetensors", tmp_path / "explorer.safetensors"
    squidlib.save(detector, model)
    save_effect(small, path, model)
    computed: list[Detector] = []

    def compute(of: Detector, data: Digits, counted: object) -> Effect:
        computed.append(of)
        return small._replace(aucs=small.aucs / 2)

    monkeypatch.setattr(begin, "compute_effect", compute)
    assert torch.equal(begin.load_state(tmp_path).effect.aucs, small.aucs)
    assert computed == []
    other = deepcopy(detector)
    with torch.no_grad():
        next(other.squid.parameters()).mul_(0.5)
    digest = squidlib.save(other, model)  # trained again into the same folder
    state = begin.load_state(tmp_path)
    assert len(computed) == 1
    assert torch.equal(state.effect.aucs, small.aucs / 2)
    assert load_effect(path).metadata["detector"] == digest
    assert "is not of the detector in" in capsys.readouterr().out
    assert torch.equal(next(state.detector.squid.parameters()), next(other.squid.parameters()))


def test_a_table_that_does_not_say_its_detector_belongs_to_none(
    detector: Detector, small: Effect, tmp_path: Path
) -> None:
    squidlib.save(detector, tmp_path / "model.safetensors")
    assert "detector" not in small.metadata
    assert not belongs(small, tmp_path / "model.safetensors")


def test_a_checkpoint_is_no_effect_table(detector: Detector, tmp_path: Path) -> None:
    squidlib.save(detector, tmp_path / "model.safetensors")
    assert "no effect of memory size" in refusal(lambda: load_effect(tmp_path / "model.safetensors"))


def test_the_shipped_table_is_of_the_shipped_detector(detector: Detector) -> None:
    shipped = load_effect(effect_path("digitanatomy"))
    assert belongs(shipped, find("digitanatomy"))
    assert shipped.readings == [setting.reading for setting in ladder(350)]
    assert shipped.aucs.shape == (len(shipped.readings), len(SCORES), len(KINDS))
    assert bool(((shipped.aucs >= 0) & (shipped.aucs <= 1)).all())
    assert shipped.metadata["seed"] == detector.metadata["seed"]
    own = shipped.calibration(Setting())
    assert own is not None
    torch.testing.assert_close(own.mean, detector.calibration.mean, rtol=0.02, atol=1e-3)  # it was saved in 16 bits


def test_a_runs_table_stands_beside_its_detector(detector: Detector, tmp_path: Path) -> None:
    squidlib.save(detector, tmp_path / "model.safetensors")
    assert effect_path(tmp_path) == tmp_path / "explorer.safetensors"
    assert effect_path("digitanatomy").parent.name == "explorer"
