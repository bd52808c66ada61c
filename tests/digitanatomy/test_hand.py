"""One hand: digits of an image share a style, as far as ``hand`` says, and 0 is the plain data set."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from digitanatomy import DigitAnatomy, FreshNormals, Glyphs, GlyphSplit, Jitter, cut_tiles, styles
from digitanatomy.hand import NUMBERS, STYLE, write
from digitanatomy.outlines import outlines_of


def bars(angles: list[float], width: int = 4) -> Tensor:
    """Bars 20 pixels high, slanted so many pixels to the left a pixel down: (N, 32, 32)."""
    down, right = torch.meshgrid(torch.arange(32) - 15.5, torch.arange(32) - 15.5, indexing="ij")
    found = [((right + slant * down).abs() < width / 2) & (down.abs() < 10) for slant in angles]
    return torch.stack(found).float()


def slant_of(tile: Tensor) -> float:
    """Pixels to the left a pixel down, of the line through the middle of each row's ink."""
    rows = tile.sum(1) > 0.5
    middle = (tile * torch.arange(32)).sum(1)[rows] / tile.sum(1)[rows]
    down = torch.nonzero(rows).flatten().float()
    return float(-((middle - middle.mean()) * (down - down.mean())).sum() / ((down - down.mean()) ** 2).sum())


def tiles_of(glyphs: Glyphs, hand: float, count: int = 40) -> Tensor:
    return cut_tiles(FreshNormals(glyphs, 4, hand=hand).batch(0, count)).reshape(count, 9, 32, 32)


def test_a_slanted_bar_is_measured_as_it_was_made() -> None:
    found = outlines_of(bars([0.0, 0.4, -0.3]), torch.tensor([1, 1, 1]))
    assert torch.allclose(found.slant, torch.tensor([0.0, 0.4, -0.3]), atol=0.03)
    assert torch.allclose(found.height, torch.tensor([20.0]).expand(3), atol=1)
    assert torch.allclose(found.width, torch.tensor([4.0]).expand(3), atol=1.2)
    assert torch.allclose(found.stroke, torch.tensor([4.0]).expand(3), atol=1.2)  # edges of so few pixels are steps


def test_an_empty_glyph_is_written_as_an_empty_tile() -> None:
    empty = outlines_of(torch.zeros(9, 32, 32), torch.arange(1, 10))
    assert not write(empty, torch.zeros(9, STYLE), 1.0).any()
    assert not write(empty, torch.ones(9, STYLE), 1.0).any()


@pytest.mark.parametrize("slant", [-1.0, 0.0, 1.0])
def test_bars_of_every_slant_are_written_with_the_slant_of_the_hand(slant: float) -> None:
    outlines = outlines_of(bars([-0.4, -0.3, -0.2, 0.0, 0.1, 0.2, 0.3, 0.4, 0.5]), torch.ones(9, dtype=torch.int64))
    style = torch.zeros(9, STYLE)
    style[:, 0] = slant
    for tile in write(outlines, style, 1.0):
        assert slant_of(tile) == pytest.approx(0.35 * slant, abs=0.06)


def test_the_stroke_of_the_hand_takes_the_place_of_the_glyphs_own() -> None:
    widths = {}
    for width in (3, 5):
        outlines = outlines_of(bars([0.0] * 9, width), torch.ones(9, dtype=torch.int64))
        for thicker in (-1.0, 1.0):
            style = torch.zeros(9, STYLE)
            style[:, 3] = thicker
            tile = write(outlines, style, 1.0)[4]
            widths[width, thicker] = float((tile[12:20] / tile.max()).sum() / 8)
    assert widths[3, -1.0] == pytest.approx(widths[5, -1.0], abs=0.7)
    assert widths[3, 1.0] - widths[3, -1.0] == pytest.approx(1.6, abs=0.4)  # 0.8 pixels more and less


def test_without_a_hand_images_are_those_of_the_plain_data_set(split: GlyphSplit) -> None:
    plain, handless = FreshNormals(split.train, 3, Jitter()), FreshNormals(split.train, 3, Jitter(), hand=0.0)
    assert torch.equal(plain.batch(0, 3), handless.batch(0, 3))
    counts = {"normal": 2, "novel": 2, "disorder": 2, "missing": 2, "flipped": 2}
    for one, other in zip(
        DigitAnatomy(split.test, counts, 5), DigitAnatomy(split.test, counts, 5, hand=0), strict=True
    ):
        assert torch.equal(one.image, other.image)


def centres(images: Tensor) -> Tensor:
    """Where the ink of every tile is on average, in pixels: (B, 9, 2)."""
    tiles, points = cut_tiles(images), torch.arange(32.0)
    total = tiles.sum((-1, -2))
    return torch.stack([(tiles.sum(-2) * points).sum(-1) / total, (tiles.sum(-1) * points).sum(-1) / total], dim=-1)


def test_one_hand_is_varied_for_all_its_digits_alike_or_not_at_all(split: GlyphSplit) -> None:
    """A jitter that only shifts: every tile of an image is moved by the same way, and images by different ones."""
    shifts = {"scale": 0.0, "stretch": 0.0, "degrees": 0.0, "shear": 0.0, "shift": 2.0}
    plain = FreshNormals(split.train, 3, None, hand=1.0).batch(0, 6)
    assert torch.allclose(FreshNormals(split.train, 3, Jitter(**shifts), hand=1.0).batch(0, 6), plain, atol=1e-5)
    moved = FreshNormals(split.train, 3, Jitter(**shifts, together=1.0), hand=1.0).batch(0, 6)
    way = centres(moved) - centres(plain)
    assert way.std(1).max() < 0.15  # a stroke that leaves its tile takes ink away
    assert way.mean(1).abs().max() > 1
    assert way.mean(1).std(0).min() > 0.3


def spread_of_slant(tiles: Tensor) -> tuple[float, float]:
    """Variance of the digit 1's slant over images, and that of the difference between it and the 4 of its image."""
    ones, fours = (torch.tensor([slant_of(tile) for tile in tiles[:, place]]) for place in (0, 3))
    fours = fours - fours.mean()
    return float(ones.var()), float((ones - ones.mean() - fours).var())


def test_with_a_hand_the_digits_of_an_image_lean_together(split: GlyphSplit) -> None:
    apart, together = (spread_of_slant(tiles_of(split.train, hand)) for hand in (0.0, 1.0))
    assert apart[1] > 1.2 * apart[0]  # two independent slants differ by more than each does
    assert together[1] < 0.6 * together[0]


def test_the_right_column_is_written_the_other_way_round_where_that_is_asked() -> None:
    uniform = torch.rand(5, NUMBERS, generator=torch.Generator().manual_seed(0))
    plain, mirrored = styles(uniform, 1.0), styles(uniform, 1.0, mirrored=True)
    right = torch.tensor([2, 5, 8])
    left = torch.tensor([0, 1, 3, 4, 6, 7])
    assert torch.equal(plain[:, left], mirrored[:, left])
    assert torch.equal(plain[:, right, 0], -mirrored[:, right, 0])  # the slant
    assert torch.equal(plain[:, right, 1:6], mirrored[:, right, 1:6])  # size, aspect, stroke, baseline, ink


def test_half_a_hand_is_half_of_every_style() -> None:
    uniform = torch.rand(50, NUMBERS, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(styles(uniform, 0.5), styles(uniform, 1.0) / 2)
    assert not styles(uniform, 0.0).any()
    assert styles(uniform, 1.0).std(1).mean() < 0.2 * styles(uniform, 1.0).std(0).mean()  # shared, but for a little


def test_grey_values_stay_in_range_and_digits_inside_their_tiles(split: GlyphSplit) -> None:
    tiles = tiles_of(split.train, 1.0)
    assert tiles.min() >= 0
    assert tiles.max() <= 1
    edges = [tiles[..., 0, :], tiles[..., -1, :], tiles[..., :, 0], tiles[..., :, -1]]
    touching = torch.stack(edges).amax((0, -1)) > 0.3
    assert float(touching.float().mean()) < 0.02


@pytest.mark.parametrize("hand", [-0.1, 1.1, float("nan")])
def test_a_hand_out_of_range_is_refused(split: GlyphSplit, hand: float) -> None:
    with pytest.raises(ValueError, match=f"0 to 1; got {hand}"):
        DigitAnatomy(split.test, {"normal": 1}, hand=hand)
    with pytest.raises(ValueError, match="0 to 1"):
        FreshNormals(split.train, hand=hand)
