"""Other pens: what each way does to a glyph that is drawn here; labels and order stay."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from digitanatomy import GlyphSplit
from digitanatomy.other_pens import WAYS, boxed, coarse, coarse_by_area, off_centre, rewritten, thick, thin


def bar(width: int = 4, left: int = 14) -> Tensor:
    tile = torch.zeros(1, 1, 32, 32)
    tile[..., 6:26, left : left + width] = 1
    return tile


def ink(tile: Tensor) -> float:
    return float(tile[0, 0, 16].sum())


def test_strokes_become_wider_or_thinner() -> None:
    assert ink(thick(bar())) == pytest.approx(6)
    assert ink(thin(bar())) == pytest.approx(4 - 2 * 0.6)
    assert ink(thin(bar(2))) == pytest.approx(0.8)  # thin, and still there


@pytest.mark.parametrize("way", [coarse, coarse_by_area])
def test_a_coarse_scan_keeps_the_ink_and_loses_the_edge(way: object) -> None:
    scanned = way(bar(3, 13))  # type: ignore[operator]
    assert scanned.shape == (1, 1, 32, 32)
    assert ink(scanned) == pytest.approx(3, abs=0.2)
    assert len(scanned.unique()) > 3  # greys, where there were black and white


def test_a_glyph_off_its_centre_is_the_same_glyph() -> None:
    tiles = bar().expand(40, 1, 32, 32)
    moved = off_centre(tiles)
    assert torch.equal(moved.flatten(1).sum(1), tiles.flatten(1).sum(1))
    assert len({tuple(each.flatten().tolist()) for each in moved}) > 10
    rows = torch.nonzero(moved.sum((0, 1, 3))).flatten()
    assert rows.min() == 6 - 2
    assert rows.max() == 25 + 2


def test_a_box_fills_24_pixels_wherever_the_glyph_stood() -> None:
    small = torch.zeros(1, 1, 32, 32)
    small[..., 3:13, 4:9] = 1  # ten pixels high, far from the centre
    found = boxed(small)
    rows, columns = (torch.nonzero(found[0, 0].amax(side) > 0.5).flatten() for side in (1, 0))
    assert len(rows) in (23, 24, 25)
    assert float(rows.float().mean()) == pytest.approx(15.5, abs=0.6)
    assert float(columns.float().mean()) == pytest.approx(15.5, abs=0.6)
    assert not boxed(torch.zeros(1, 1, 32, 32)).any()


@pytest.mark.parametrize("way", WAYS)
def test_labels_and_order_stay_and_the_glyphs_given_are_not_changed(way: str, split: GlyphSplit) -> None:
    before = split.test.tiles.clone()
    found = rewritten(split.test, way)
    assert torch.equal(found.labels, split.test.labels)
    assert found.tiles.shape == before.shape
    assert 0 <= float(found.tiles.min()) < float(found.tiles.max()) <= 1
    assert not torch.allclose(found.tiles, before, atol=0.05)
    assert torch.equal(split.test.tiles, before)
    assert way in found.name


def test_an_unknown_way_is_told_what_ways_there_are(split: GlyphSplit) -> None:
    with pytest.raises(ValueError, match="thicker strokes"):
        rewritten(split.test, "crayon")
