"""The picture of what a neighbour knows: strangers in their order, outlined where they are, counted as drawn."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from digitanatomy import DigitAnatomy, GlyphSplit
from squidlib.detection import neighbours_picture as module
from squidlib.detection.detector import Detector
from squidlib.detection.neighbours_picture import neighbours_picture
from squidlib.training.presets import PRESETS
from tests.helpers import untrained

CONFIG = replace(PRESETS["laptop"]["digitanatomy"].config, slots=12, width=8)


@pytest.fixture(scope="module")
def test(split: GlyphSplit) -> DigitAnatomy:
    return DigitAnatomy(split.test, {"normal": 2, "stranger": 3}, seed=4, hand=1.0)


@pytest.fixture(scope="module")
def detector(split: GlyphSplit) -> Detector:
    return untrained(replace(CONFIG, context=True), DigitAnatomy(split.calibration, {"normal": 12}, hand=1.0).images())


def test_the_stranger_is_outlined_and_every_tile_has_its_number(detector: Detector, test: DigitAnatomy) -> None:
    figure = neighbours_picture(detector, test, count=2)
    assert len(figure.axes) == 8
    for row, place in enumerate((2, 3)):
        (outline,) = figure.axes[4 * row + 3].patches
        (tile,) = torch.nonzero(test[place].wrong).flatten().tolist()
        assert outline.get_xy() == (tile % 3 * 32 - 0.5, tile // 3 * 32 - 0.5)
        for column in (1, 2):
            assert len(figure.axes[4 * row + column].texts) == 9


def test_what_is_counted_as_found_is_at_or_above_the_alarm(
    detector: Detector, test: DigitAnatomy, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone, among = torch.zeros(3, 9), torch.zeros(3, 9)
    for row in range(3):
        among[row, test[row + 2].wrong] = 1.0
        alone[row, ~test[row + 2].wrong] = 5.0  # false alarms elsewhere are no strangers that were found
    monkeypatch.setattr(module, "_over_threshold", lambda *_: (alone, among))
    titles = [axis.get_title() for axis in neighbours_picture(detector, test).axes[:4]]
    assert "0 of 3 found" in titles[1]
    assert "3 of 3 found" in titles[2]


def test_it_needs_a_context_and_strangers(detector: Detector, test: DigitAnatomy, split: GlyphSplit) -> None:
    plain = untrained(CONFIG, DigitAnatomy(split.calibration, {"normal": 12}).images())
    for own, count in ((plain, 1), (detector, 4)):
        with pytest.raises(ValueError, match="with a context and as many images with a stranger"):
            neighbours_picture(own, test, count)
