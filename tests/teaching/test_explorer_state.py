"""The explorer's state: set values, look at what comes. No widget is needed."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
import torch
from PIL import Image

from digitanatomy import KINDS, join_tiles
from squidlib.detection.detector import Detector
from squidlib.teaching.explorer.begin import load_state
from squidlib.teaching.explorer.setting import Setting
from squidlib.teaching.explorer.state import STRONGEST, ExplorerState
from squidlib.teaching.explorer.subjects import UPLOADS
from tests.conftest import tiny_config
from tests.helpers import noise, refusal, untrained


@pytest.fixture(scope="module")
def state() -> ExplorerState:
    return load_state()


def png(colour: int, size: tuple[int, int] = (96, 96)) -> bytes:
    buffer = io.BytesIO()
    Image.new("L", size, colour).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.mark.parametrize("kind", KINDS)
def test_the_first_view_is_what_the_detector_itself_says(state: ExplorerState, kind: str) -> None:
    view, detector = state.view(replace(state.start(), image=f"{kind}-2")), state.detector
    images = view.image[None]
    assert view.kind == kind
    assert view.score == pytest.approx(float(detector.score(images)), rel=1e-4)
    assert view.threshold == pytest.approx(detector.threshold(0.05))
    torch.testing.assert_close(view.reconstruction, detector.reconstruct(images)[0])
    torch.testing.assert_close(view.anomaly_map, detector.anomaly_map(images)[0])
    torch.testing.assert_close(view.patch_scores, detector.patch_scores(images)[0], rtol=1e-4, atol=1e-4)


def test_it_begins_with_the_detectors_own_score(state: ExplorerState) -> None:
    detector = state.detector
    other = Detector(
        detector.squid, detector.discriminator, detector.calibration, {**detector.metadata, "score": "error"}
    )
    begun = ExplorerState(other, state.data, state.effect)
    view = begun.view(begun.start())
    found = other.predict(view.image[None])
    assert view.setting.score == "error"
    assert (view.score, view.threshold) == (pytest.approx(float(found.scores["error"]), rel=1e-4), found.threshold)


@pytest.mark.parametrize("slots", [350, 20])
def test_an_image_of_another_kind_is_said_to_be_one_however_the_memory_is_read(
    state: ExplorerState, slots: int
) -> None:
    grey = state.subjects.upload(png(130), "grey.png")
    view = state.view(Setting(image=grey, slots=slots))
    assert view.verdict.startswith("Called unlike the training data: score ")


def test_every_score_has_its_own_number_and_threshold(state: ExplorerState) -> None:
    for score in ("error", "distance", "discriminator"):
        view = state.view(replace(state.start(), score=score, rate=0.1))
        assert view.score == pytest.approx(float(state.detector.score(view.image[None], score)), rel=1e-4)
        assert view.threshold == pytest.approx(state.detector.threshold(0.1, score))


def test_attention_sums_to_one_and_k_slots_speak(state: ExplorerState) -> None:
    for slots, k in ((350, 5), (10, 3), (2, 5)):
        view = state.view(Setting(slots=slots, k=k, tile=6))
        assert view.attention.shape == (slots,)
        assert float(view.attention.sum()) == pytest.approx(1, abs=1e-5)
        assert int((view.attention > 0).sum()) == min(k, slots) == len(view.strongest)


def test_the_strongest_slots_are_the_strongest_and_show_what_they_hold(state: ExplorerState) -> None:
    view = state.view(Setting(slots=100, shrinkage="soft", tile=3))
    assert len(view.strongest) == STRONGEST
    weights = [slot.weight for slot in view.strongest]
    assert weights == sorted(weights, reverse=True)
    assert weights[0] == pytest.approx(float(view.attention.max()))
    for slot in view.strongest:
        assert slot.weight == pytest.approx(float(view.attention[slot.slot - 250]))  # 250 of 350 were left out
        # The queue was filled by plain training images: the tile that a slot is most like is the one it is a copy of.
        held = state.slots[3, slot.slot]
        image = torch.zeros(1, 9, 32, 32)
        image[0, 3] = slot.picture
        with torch.no_grad():
            query = state.detector.squid.query(join_tiles(image))[0, 3]
        assert float(torch.cosine_similarity(query, held, dim=0)) > 0.99
        assert slot.likeness > 0.99


def test_a_threshold_above_every_weight_recalls_nothing(state: ExplorerState) -> None:
    view = state.view(Setting(shrinkage="hard", threshold=0.1))
    assert float(view.attention.sum()) == 0
    assert view.strongest == ()


def test_an_emptied_tile_is_found_and_pointed_at(state: ExplorerState) -> None:
    before = state.view(Setting())
    view = state.view(Setting(edits="b6"))
    assert view.wrong is not None
    assert view.wrong.nonzero().flatten().tolist() == [5]
    assert view.score > before.score
    assert view.abnormal
    assert int(view.patch_scores.argmax()) == 5
    assert "abnormal at tile 6" in view.truth
    assert "Called abnormal" in view.verdict


def test_the_same_setting_is_computed_once_and_never_changes(state: ExplorerState) -> None:
    setting = Setting(slots=20, edits="h2")
    assert state.view(setting) is state.view(replace(setting))
    before = state.view(setting).reconstruction.clone()
    state.view(Setting(slots=1))
    state.view.cache_clear()
    assert torch.equal(state.view(setting).reconstruction, before)


def test_a_setting_off_the_ladder_is_calibrated_by_itself(state: ExplorerState) -> None:
    off, near = state.view(Setting(slots=349)), state.view(Setting(slots=350))
    assert state.effect.calibration(Setting(slots=349)) is None
    assert off.normal_scores.shape == near.normal_scores.shape
    assert off.threshold == pytest.approx(near.threshold, rel=0.05)


def test_uploads_are_named_by_their_content_and_the_oldest_is_forgotten(state: ExplorerState) -> None:
    names = [state.subjects.upload(png(colour), f"{colour}.png") for colour in range(0, 10 * UPLOADS, 10)]
    assert len(set(names)) == UPLOADS
    assert state.subjects.upload(png(0), "again.png") == names[0]
    view = state.view(replace(state.start(), image=names[0]))
    assert view.wrong is None
    assert "nobody here knows" in view.truth
    newest = state.subjects.upload(png(255), "one more.png")
    assert len(state.subjects.uploads()) == UPLOADS
    assert newest in state.subjects.uploads()
    assert "upload the file again" in refusal(lambda: state.subjects.at(names[1], 0.0))


@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        (b"", "x.png: the file is empty"),
        (b"Dear reader", "x.png: not an image that can be read"),
        (png(9)[:60], "x.png: "),
        (png(9, (4, 4)), "x.png: at least 8 pixels a side expected, got 4x4"),
        (png(9, (300, 20)), "x.png: a roughly square image expected, got 300x20"),
        (bytes(4 * 2**20 + 1), "x.png: at most 4 MiB expected, got 4.0 MiB"),
    ],
    ids=["empty", "text", "truncated", "tiny", "wide", "large"],
)
def test_a_bad_upload_is_refused_in_a_line(state: ExplorerState, content: bytes, wanted: str) -> None:
    assert wanted in refusal(lambda: state.subjects.upload(content, "x.png"))


def test_what_is_not_there_is_refused_in_a_line(state: ExplorerState) -> None:
    assert "350 slots of each tile, got slots=351" in refusal(lambda: state.view(Setting(slots=351)))
    assert "images are normal-0 to normal-19" in refusal(lambda: state.view(Setting(image="normal-20")))


def test_a_detector_of_other_images_is_refused(state: ExplorerState) -> None:
    other = untrained(tiny_config(), noise(12, 24))
    assert "digitanatomy, 3x3 tiles in 24x24 grey" in refusal(lambda: ExplorerState(other, state.data, state.effect))
