"""Pen: bent, thicker, thinner, softer and paler digits; only where a jitter asks for them."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from digitanatomy import FreshNormals, GlyphSplit, Jitter, cut_tiles
from digitanatomy.compose import JITTERS, jitter_tiles
from digitanatomy.pen import BENDS, INKS, bends, vary_ink

WIDER, SOFTER, PALER = range(INKS)
STILL = {"scale": 0.0, "stretch": 0.0, "degrees": 0.0, "shear": 0.0, "shift": 0.0}


def bar(width: int = 4) -> Tensor:
    """One white upright bar on black: (1, 1, 32, 32)."""
    tile = torch.zeros(1, 1, 32, 32)
    tile[..., 6:26, 14 : 14 + width] = 1
    return tile


def only(which: int, value: float) -> Tensor:
    """The numbers of vary_ink that change nothing but one thing."""
    numbers = torch.tensor([[0.5, 0.0, 0.5]])
    numbers[:, which] = value
    return numbers


def width_of(tile: Tensor) -> float:
    """Ink in the row of the middle, in pixels of white."""
    return float(tile[0, 0, 16].sum())


def test_a_full_stroke_is_a_pixel_wider_on_each_side() -> None:
    assert width_of(vary_ink(bar(), only(WIDER, 1.0), 1.0, 0.0, 0.0)) == pytest.approx(6)
    assert width_of(vary_ink(bar(), only(WIDER, 0.5), 1.0, 0.0, 0.0)) == pytest.approx(4)
    assert width_of(vary_ink(bar(), only(WIDER, 1.0), 0.5, 0.0, 0.0)) == pytest.approx(5)


def test_a_thin_stroke_is_never_lost() -> None:
    thinned = vary_ink(bar(2), only(WIDER, 0.0), 1.0, 0.0, 0.0)
    assert 0.3 < width_of(thinned) < 1
    assert width_of(vary_ink(bar(4), only(WIDER, 0.0), 1.0, 0.0, 0.0)) < 3


def test_a_soft_edge_keeps_the_ink_and_a_pale_one_keeps_black_and_white() -> None:
    soft = vary_ink(bar(), only(SOFTER, 1.0), 0.0, 1.0, 0.0)
    assert width_of(soft) == pytest.approx(4)
    assert float(soft[0, 0, 16, 13]) == pytest.approx(1 / 3)
    grey = 0.5 * bar()
    values = vary_ink(grey, only(PALER, 1.0), 0.0, 0.0, 0.7).unique().tolist()
    assert values == pytest.approx([0.0, 0.5 ** torch.tensor(0.7).exp().item()])
    assert set(vary_ink(bar(), only(PALER, 0.0), 0.0, 0.0, 0.7).unique().tolist()) == {0.0, 1.0}


def test_a_bend_moves_no_pixel_further_than_asked_for_and_neighbours_alike() -> None:
    uniform = torch.rand(50, BENDS, generator=torch.Generator().manual_seed(0))
    moved = bends(uniform, 2.0, 32) * 16  # in pixels
    assert moved.shape == (50, 32, 32, 2)
    assert 1.0 < float(moved.abs().max()) < 3.0  # a cubic passes its knots by up to half
    assert float((moved[:, 1:] - moved[:, :-1]).abs().max()) < 0.85
    assert not bends(torch.full((1, BENDS), 0.5), 2.0, 32).any()


@pytest.mark.parametrize("name", ["warp", "stroke", "soft", "ink"])
def test_each_of_them_changes_the_tile_by_itself(name: str) -> None:
    jitter = Jitter(**STILL | {name: 0.8})
    uniform = torch.rand(1, 9, jitter.numbers, generator=torch.Generator().manual_seed(1))
    tiles = 0.8 * bar().expand(1, 9, 32, 32)
    found = jitter_tiles(tiles, uniform, jitter)
    assert 0 <= float(found.min()) < float(found.max()) <= 1
    assert len((found - tiles).abs().amax((2, 3)).round(decimals=4).unique()) == 9  # each by as much as it drew
    assert ((found - tiles).abs().amax((2, 3)) > 0.05).sum() > 4


def test_who_asks_for_no_pen_gets_the_images_of_before(split: GlyphSplit) -> None:
    plain = Jitter()
    assert plain.numbers == JITTERS
    first = FreshNormals(split.train, 3, plain).batch(0, 2)
    other = FreshNormals(split.train, 3, Jitter(stroke=1e-9)).batch(0, 2)  # draws the pen's numbers, changes nothing
    assert torch.allclose(first, other, atol=1e-5)
    bent = FreshNormals(split.train, 3, Jitter(warp=2.0)).batch(0, 2)
    assert not torch.allclose(first, bent, atol=0.1)


def test_every_image_is_a_function_of_seed_and_number(split: GlyphSplit) -> None:
    data = FreshNormals(split.train, 5, Jitter(warp=1.0, stroke=1.0, soft=1.0, ink=0.3))
    assert torch.equal(data.batch(0, 4)[2], data[2])
    assert len({tuple(tile.flatten().tolist()) for tile in cut_tiles(data.batch(0, 3)).flatten(0, 1)}) == 27
