"""The explorer with a detector of images by one hand: its images, its anomalies, its scores."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
import torch

from digitanatomy import ALL_KINDS, DigitAnatomy, cut_tiles
from squidlib.data.digits import Digits
from squidlib.detection.detector import Detector
from squidlib.detection.scores import ALL_SCORES
from squidlib.teaching.explorer import begin, effect, subjects
from squidlib.teaching.explorer.effect import compute_effect, load_effect, save_effect
from squidlib.teaching.explorer.panel import Explorer
from squidlib.teaching.explorer.setting import HANDS, Setting
from squidlib.teaching.explorer.state import ExplorerState
from squidlib.training.presets import PRESETS
from tests.helpers import refusal, untrained


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> ExplorerState:
    patch = pytest.MonkeyPatch()
    patch.setattr(effect, "COUNTS", {"normal": 6, "novel": 3, "disorder": 3, "missing": 3, "flipped": 3})
    patch.setattr(subjects, "OFFERED", 2)
    config = replace(PRESETS["laptop"]["digitanatomy"].config, context=True, slots=12, width=8)
    detector = untrained(config, Digits(hand=1.0).calibration()[:12])
    detector.metadata |= {"hand": 1.0, "score": "either"}
    data = begin._digits(detector)
    patch.setattr(data, "calibration", lambda: Digits(hand=1.0).calibration()[:12])
    path = tmp_path_factory.mktemp("effect") / "explorer.safetensors"
    settings = [Setting(slots=12, k=5), Setting(slots=6, k=5)]
    (path.parent / "model.safetensors").write_bytes(b"stands for the detector's file")
    patch.setattr(effect, "content_hash", lambda _: "0")
    save_effect(compute_effect(detector, data, settings), path, path.parent / "model.safetensors")
    made = ExplorerState(detector, data, load_effect(path))
    patch.undo()
    return made


def test_it_offers_images_by_one_hand_of_every_kind(state: ExplorerState) -> None:
    assert state.data.hand == 1.0
    for kind in ALL_KINDS:
        assert state.subjects.at(f"{kind}-1", 1.0).kind == kind
    shown = state.subjects.at("stranger-1", 1.0)
    assert shown.tiles.shape == (9, 32, 32)
    assert sum(origin.wrong for origin in shown.origins) == 1
    assert float(state.subjects.at("normal-0", 1.0).tiles.max()) < 1  # plain digits are white, a hand's are paler


def test_the_same_digits_as_another_hand_would_have_written_them(state: ExplorerState) -> None:
    pages = [state.subjects.at("normal-1", hand).tiles for hand in HANDS]
    for before, after in pairwise(pages):
        assert not torch.equal(before, after)
    plain = DigitAnatomy(state.data.glyphs.test, {"normal": 2}, effect.SEED)[1]
    assert torch.equal(pages[0], cut_tiles(plain.image))  # hand 0 is DigitAnatomy as it was
    assert state.subjects.at("lesion-0", 0.0).kind == "lesion"
    assert "move the slider One hand above 0" in refusal(lambda: state.subjects.at("stranger-0", 0.0))


def test_the_slider_shows_another_hand_and_says_what_the_detector_learned_from(state: ExplorerState) -> None:
    explorer = Explorer(state)
    before = explorer.shown["tiles"].value
    assert "learned from" not in explorer.shown["note"].value
    explorer.controls.hand.value = 0.25
    assert explorer.setting.hand == 0.25
    assert explorer.shown["tiles"].value != before
    assert "learned from images whose hand is 1" in explorer.shown["note"].value
    explorer.controls.kind.value = "stranger"
    explorer.controls.hand.value = 0.0
    assert "stranger is an anomaly of images that are written by one hand" in explorer.shown["note"].value
    assert explorer.controls.hand.value == 0.25  # what is shown stays


def test_it_shows_the_scores_that_its_detector_has(state: ExplorerState) -> None:
    start = state.start()
    assert start.score == "either"
    for name in ALL_SCORES:
        view = state.view(replace(start, score=name, image="stranger-0"))
        assert view.score == view.score  # a number
        assert state.effect.auc(replace(start, score=name), "stranger") is not None


def test_another_memory_is_calibrated_with_its_context(state: ExplorerState) -> None:
    view = state.view(Setting(slots=6, k=5, score="either", image="drift-0", hand=1.0))
    assert len(view.normal_scores) == 12
    assert view.threshold > float(view.normal_scores.median())


def test_the_page_has_a_choice_for_each(state: ExplorerState) -> None:
    controls = Explorer(state).controls
    assert [value for _, value in controls.kind.options][:-1] == list(ALL_KINDS)
    assert list(controls.score.options) == list(ALL_SCORES)
    assert [value for _, value in controls.column.options] == [*ALL_KINDS[1:], "mean"]


def test_a_link_to_a_score_that_a_detector_lacks_is_told_in_a_line(state: ExplorerState) -> None:
    plain = untrained(replace(state.detector.config, context=False), Digits().calibration()[:12])
    assert isinstance(plain, Detector)
    other = ExplorerState(plain, Digits(), state.effect)
    assert "this detector has the scores combined" in refusal(lambda: other.view(Setting(slots=12, score="context")))


def test_a_runs_hand_is_known_from_its_file(tmp_path: Path, state: ExplorerState) -> None:
    assert begin._digits(state.detector).hand == 1.0
    plain = untrained(replace(state.detector.config, context=False), Digits().calibration()[:12])
    assert begin._digits(plain).hand == 0.0
