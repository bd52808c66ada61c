"""The page's folder: what it holds of a detector, from the places that the library has it from; what is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from digitanatomy import DigitAnatomy, cut_tiles, join_tiles, mnist5000
from squidlib.detection.checkpoint import save
from squidlib.detection.detector import Detector
from squidlib.teaching.explorer.begin import load_state
from squidlib.teaching.explorer.setting import HANDS, Setting, ladder
from squidlib.teaching.explorer.state import ExplorerState
from squidlib.teaching.page import folder
from squidlib.teaching.page.digits import WRITTEN, WRITTEN_SEED, Beginning, composed
from squidlib.teaching.page.readings import readings_of
from squidlib.training.presets import PRESETS
from squidlib.utils import palette
from tests.helpers import noise, refusal, squid, untrained

Capture = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def state() -> ExplorerState:
    return load_state("digitanatomy")


@pytest.fixture(scope="module")
def page(state: ExplorerState) -> tuple[dict, dict]:
    told, arrays = folder.page_data(state)
    return json.loads(json.dumps(told, allow_nan=False)), arrays


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that stands for what make web writes."""
    (tmp_path / "built" / "assets").mkdir(parents=True)
    (tmp_path / "built" / "index.html").write_text("the page")
    (tmp_path / "built" / "assets" / "new.js").write_text("its script")
    monkeypatch.setattr(folder, "BUILT", tmp_path / "built")
    return tmp_path / "built"


def test_every_reading_of_the_explorer_is_there_with_its_normals(state: ExplorerState, page: tuple[dict, dict]) -> None:
    told, arrays = page
    assert [each["name"] for each in told["readings"]] == [setting.reading for setting in ladder(350)]
    setting = Setting(slots=50, k=3)
    place = [each["name"] for each in told["readings"]].index("50 topk 3")
    known, row = state.calibration(setting), arrays["readings"][place]
    assert np.allclose(row[:36], known.mean.flatten())
    assert np.allclose(row[36:72], known.std.flatten())
    assert np.allclose(row[72:], known.normal_scores[0].sort().values)  # combined is the first
    assert told["readings"][place]["threshold"] == pytest.approx(known.threshold("combined", 0.05))
    assert told["readings"][place]["auc"] == pytest.approx(state.effect.auc(setting, "mean"))


def test_threshold_and_auc_are_of_the_score_that_the_detector_reports(state: ExplorerState) -> None:
    own, setting = state.detector, Setting(slots=50, k=3, score="distance")
    other = Detector(own.squid, own.discriminator, own.calibration, own.metadata | {"score": "distance"})
    found = {each["name"]: each for each in readings_of(ExplorerState(other, state.data, state.effect)).told}
    assert found[setting.reading]["auc"] == pytest.approx(state.effect.auc(setting, "mean"))
    assert found[setting.reading]["threshold"] == pytest.approx(state.calibration(setting).threshold("distance", 0.05))


def test_its_digits_are_the_test_digits_and_its_slots_the_memory(state: ExplorerState, page: tuple[dict, dict]) -> None:
    told, arrays = page
    test = mnist5000().split().test
    image = DigitAnatomy(test, {"normal": 1}, seed=3).images()[0]
    tiles = cut_tiles(image)
    for tile in range(9):
        shown = (255 * tiles[tile, 2:30, 2:30]).round().byte().numpy()
        assert any(np.array_equal(shown, sample) for sample in arrays["samples"][tile + 1])
    assert np.array_equal(arrays["slots"].astype(np.float32), state.slots.numpy())
    assert {name: list(array.shape) for name, array in arrays.items()} == {
        name: each["shape"] for name, each in told["arrays"].items()
    }
    by_hand = DigitAnatomy(test, WRITTEN, WRITTEN_SEED, hand=HANDS[2])[0]
    assert np.array_equal(arrays["written"][1, 0], (255 * cut_tiles(by_hand.image)).round().byte().numpy())
    assert [bool(wrong) for wrong in told["written"]["wrong"]] == [
        kind != "normal" for kind in told["written"]["kinds"]
    ]


def test_a_slots_picture_is_the_tile_whose_feature_it_holds(state: ExplorerState, page: tuple[dict, dict]) -> None:
    pictures = torch.zeros(9, 32, 32)
    pictures[:, 2:30, 2:30] = torch.from_numpy(page[1]["memories"][:, 17]) / 255
    query = state.detector.squid.query(join_tiles(pictures)[None])[0]
    likeness = torch.cosine_similarity(query, state.slots[:, 17], dim=-1)
    assert likeness.min() > 0.9


def test_it_begins_with_a_mirrored_digit_that_is_found_alone(state: ExplorerState, page: tuple[dict, dict]) -> None:
    first = Beginning(**page[0]["beginning"])
    tiles = composed(page[1]["samples"], first.samples)
    before = state.detector.predict(join_tiles(tiles)[None])
    tiles[first.tile] = tiles[first.tile].flip(-1)
    after = state.detector.predict(join_tiles(tiles)[None])
    assert before.verdicts == ["normal"]
    assert after.verdicts == ["abnormal"]
    assert torch.nonzero(after.patch_scores[0] > after.threshold).flatten().tolist() == [first.tile]


def test_words_colours_and_facts_are_the_librarys(state: ExplorerState, page: tuple[dict, dict]) -> None:
    told, _ = page
    view = state.view(state.start())
    values = {"called": view.called, "score": view.score, "threshold": view.threshold, "rate": view.setting.rate}
    above = float((view.normal_scores >= view.score).float().mean())
    assert told["words"]["verdict"].format(**values, normals=len(view.normal_scores), above=above) == view.verdict
    assert told["colours"]["palette"]["abnormal"] == palette.ABNORMAL
    assert len(told["colours"]["map"]) == 256 * 6
    assert "not for clinical use" in told["words"]["use"]
    assert told["trained"]["command"].startswith("squid train digitanatomy")
    assert told["hand"] == 0


def detectors() -> dict[str, Detector]:
    chest = replace(PRESETS["backbone"]["zhanglab"].config, slots=8, topk=2)
    own = PRESETS["laptop"]["digitanatomy"].config
    colour = replace(own, in_channels=3, directions=0, slots=8, topk=2, width=8)
    other = replace(own, image_size=64, grid=2, slots=8, topk=2, width=8)
    return {
        "chest": untrained(chest, noise(4, 224)),
        "colour": untrained(colour, noise(4, 96).expand(-1, 3, -1, -1)),
        "grid": untrained(other, noise(4, 64)),
    }


def test_what_it_cannot_show_is_refused_in_a_line(built: Path, tmp_path: Path) -> None:
    lines = {"chest": "14x14 tiles", "colour": "colour pixels", "grid": "2x2 tiles in 64x64 grey pixels"}
    for name, detector in detectors().items():
        save(detector, tmp_path / f"{name}.safetensors")
        line = refusal(lambda name=name: folder.write_page(tmp_path / f"{name}.safetensors", tmp_path / "new"))  # type: ignore[misc]
        assert "the page edits DigitAnatomy's digits: 3x3 tiles in 96x96 grey pixels" in line
        assert lines[name] in line
    assert not (tmp_path / "new").exists()


def test_folders_that_are_there_are_refused(built: Path, tmp_path: Path, capsys: Capture) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "notes.txt").write_text("kept")
    for arguments, line in (
        (("--page", mine), "exists and is not empty; choose another folder or allow --overwrite"),
        (("--page", mine, "--overwrite"), "holds something else than a page; choose another folder"),
        (("--page", mine / "notes.txt"), "is a file; the name of a folder expected"),
        ((), "give one of --onnx FILE and --page FOLDER"),
        (("--page", tmp_path / "new", "--onnx", tmp_path / "new.onnx"), "give one of --onnx FILE and --page FOLDER"),
    ):
        said = squid(capsys, "export", "digitanatomy", *arguments)
        assert (said.code, len(said.errors)) == (2, 1)
        assert line in said.errors[0]
    assert [path.name for path in mine.iterdir()] == ["notes.txt"]


def test_where_the_page_was_not_built_a_line_says_how(
    tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder, "BUILT", tmp_path / "none")
    said = squid(capsys, "export", "digitanatomy", "--page", tmp_path / "new")
    assert said.code == 2
    assert said.errors == ["squid: the page was not built here; build it with: make web (it needs Node.js 20 and npm)"]
