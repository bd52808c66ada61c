"""DigitAnatomy with a hand as a training data set: every part of it is written by hands."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from digitanatomy import Jitter, cut_tiles
from squidlib.data import digits
from squidlib.data.digits import Digits
from squidlib.data.options import DataOptions
from squidlib.data.registry import open_dataset, settings_of
from squidlib.detection.checkpoint import load
from squidlib.squid import Squid
from squidlib.utils.errors import UserError
from tests.conftest import tiny_config
from tests.helpers import shorten, squid


def ink_spread(images: torch.Tensor) -> float:
    """How far the brightest greys of an image's nine digits lie apart, mean over images."""
    return float(cut_tiles(images).reshape(len(images), 9, -1).amax(2).std(1).mean())


@pytest.mark.parametrize("part", ["reference", "calibration", "validation", "batch"])
def test_every_part_is_written_by_hands_whose_ink_differs_from_image_to_image(part: str) -> None:
    data = Digits(seed=1, hand=1.0, held_back=0.1)
    images = data.batch(0, 32) if part == "batch" else getattr(data, part)()[:32]
    assert ink_spread(images) < 0.05  # one ink an image, nearly
    assert float(images.flatten(1).amax(1).std()) > 0.05  # and another one in the next
    assert float(Digits(seed=1).batch(0, 32).flatten(1).amax(1).std()) < 0.02


def test_the_test_set_holds_the_three_subtle_anomalies_with_a_hand_alone() -> None:
    plain, by_hand = Digits().test_digits(), Digits(hand=0.5).test_digits()
    assert len(plain) == 1200
    assert len(by_hand) == 1800
    assert by_hand.kinds[1200:] == ["stranger"] * 200 + ["drift"] * 200 + ["lesion"] * 200


def test_what_the_options_say_comes_back_from_the_settings() -> None:
    settings = settings_of("digitanatomy", DataOptions(hand=0.5))
    found = open_dataset(settings, 3)
    assert torch.equal(found.batch(1, 2), Digits(seed=3, hand=0.5).batch(1, 2))
    assert "hand" not in settings_of("digitanatomy", DataOptions())


@pytest.mark.parametrize("hand", [-0.5, 1.5, float("nan")])
def test_a_hand_out_of_range_is_refused(hand: float) -> None:
    with pytest.raises(UserError, match="--hand says how far"):
        settings_of("digitanatomy", DataOptions(hand=hand))


def test_a_run_remembers_its_hand_and_xrays_have_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shorten(monkeypatch, "digitanatomy")
    for name in ("TEST_COUNTS", "SUBTLE_COUNTS"):
        monkeypatch.setattr(f"squidlib.data.digits.{name}", {kind: 4 for kind in getattr(digits, name)})
    assert squid(capsys, "train", "digitanatomy", "--hand", 0.5, "--out", tmp_path / "run").code == 0
    assert '"hand": 0.5' in (tmp_path / "run" / "run.json").read_text()
    detector = load(tmp_path / "run")
    assert detector.config.context  # neighbours have something to tell, so they are asked
    assert detector.default_score == "either"
    said = squid(capsys, "evaluate", tmp_path / "run")
    assert said.code == 0
    for name in ("stranger", "drift", "lesion", "context", "either"):
        assert name in said.out
    said = squid(capsys, "train", "zhanglab", "--data", tmp_path, "--hand", 0.5, "--out", tmp_path / "chest")
    assert (said.code, len(said.errors)) == (2, 1)
    assert "--hand is for digitanatomy" in said.errors[0]


def test_unvaried_digits_are_those_of_no_jitter() -> None:
    varied = Digits(seed=3, jitter=Jitter(together=1.0), hand=1.0)
    plain = Digits(seed=3, hand=1.0)
    assert not torch.equal(varied.batch(0, 2), plain.batch(0, 2))
    assert torch.equal(varied.unvaried().batch(0, 2), plain.batch(0, 2))
    assert not torch.equal(varied.batch(0, 2), plain.batch(0, 2)), "the data itself stays as it is"


def test_what_belongs_together_is_learned_from_unvaried_images(monkeypatch: pytest.MonkeyPatch) -> None:
    from squidlib.training import context

    seen = []

    def learned(squid: object, data: Digits, *numbers: int) -> torch.nn.Module:
        seen.append(data)
        return torch.nn.Identity()

    monkeypatch.setattr(context, "train_context", learned)
    varied = Digits(jitter=Jitter(together=1.0), hand=1.0)
    context.learn_context(Squid(tiny_config()), varied, 0)
    assert torch.equal(seen[0].batch(0, 2), varied.unvaried().batch(0, 2))
