"""Composition: joining and cutting tiles, choosing samples, varying them."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from digitanatomy import Glyphs, Jitter, cut_tiles, join_tiles
from digitanatomy.compose import JITTERS, jitter_tiles, normal_tiles

NOTHING = {"scale": 0.0, "stretch": 0.0, "degrees": 0.0, "shear": 0.0, "shift": 0.0}
STILL = Jitter(**NOTHING)
SCALE, STRETCH, TURN, SHEAR, RIGHT, DOWN = range(JITTERS)


def blob() -> Tensor:
    """One tile with a smooth spot off the centre: (1, 1, 32, 32)."""
    rows, columns = torch.meshgrid(torch.arange(32.0), torch.arange(32.0), indexing="ij")
    return torch.exp(-((rows - 18) ** 2 + (columns - 13) ** 2) / 18)[None, None]


def centre(tile: Tensor) -> tuple[float, float]:
    """Centre of mass: (column, row) in pixels."""
    mass = tile.reshape(32, 32)
    places = torch.arange(32.0)
    return float((mass.sum(0) * places).sum() / mass.sum()), float((mass.sum(1) * places).sum() / mass.sum())


def only(which: int, value: float) -> Tensor:
    """Uniform numbers that leave a tile as it is but for one of them."""
    uniform = torch.full((1, 1, JITTERS), 0.5)
    uniform[..., which] = value
    return uniform


@settings(deadline=None, max_examples=20)
@given(shape=st.lists(st.integers(1, 3), max_size=2), size=st.integers(1, 6), seed=st.integers(0, 1000))
def test_join_and_cut_are_inverse(shape: list[int], size: int, seed: int) -> None:
    tiles = torch.rand(*shape, 9, size, size, generator=torch.Generator().manual_seed(seed))
    images = join_tiles(tiles)
    assert images.shape == (*shape, 1, 3 * size, 3 * size)
    assert torch.equal(cut_tiles(images), tiles)
    assert torch.equal(join_tiles(cut_tiles(images)), images)


def test_tiles_stand_in_reading_order() -> None:
    tiles = torch.arange(9.0)[:, None, None].expand(9, 32, 32)
    image = join_tiles(tiles)
    assert image[0, 16::32, 16::32].tolist() == [[0, 1, 2], [3, 4, 5], [6, 7, 8]]


def test_digit_i_plus_1_stands_at_tile_i() -> None:
    labels = torch.arange(50) % 10
    glyphs = Glyphs((labels / 10)[:, None, None].expand(50, 28, 28), labels)
    chosen = normal_tiles(glyphs, torch.rand(200, 9, generator=torch.Generator().manual_seed(0)))
    assert chosen.shape == (200, 9, 32, 32)
    assert torch.allclose(chosen.amax((2, 3)), torch.arange(1, 10).expand(200, 9) / 10)


@settings(deadline=None, max_examples=30)
@given(uniform=st.floats(0, 1, exclude_max=True, width=32))
def test_the_uniform_number_chooses_the_sample(uniform: float) -> None:
    glyphs = Glyphs((torch.arange(40) // 10 / 4)[:, None, None].expand(40, 28, 28), torch.arange(40) % 10)
    chosen = normal_tiles(glyphs, torch.full((1, 9), uniform))
    assert torch.allclose(chosen[0].amax((1, 2)), torch.full((9,), int(uniform * 4) / 4))


def test_a_uniform_number_just_below_one_chooses_the_last_sample(glyphs: Glyphs) -> None:
    last = torch.stack([glyphs.tiles[glyphs.indices(digit)[-1]] for digit in range(1, 10)])
    assert torch.equal(normal_tiles(glyphs, torch.full((1, 9), 1 - 2**-24))[0], last)


def test_no_jitter_is_the_identity(glyphs: Glyphs, generator: torch.Generator) -> None:
    tiles = glyphs.tiles[:18].reshape(2, 9, 32, 32)
    uniform = torch.rand(2, 9, JITTERS, generator=generator)
    assert torch.allclose(jitter_tiles(tiles, uniform, STILL), tiles, atol=1e-5)
    assert not torch.allclose(jitter_tiles(tiles, uniform, Jitter()), tiles, atol=0.1)


def test_jitter_in_the_middle_of_its_range_is_the_identity(glyphs: Glyphs) -> None:
    tiles = glyphs.tiles[:9][None]
    assert torch.allclose(jitter_tiles(tiles, torch.full((1, 9, JITTERS), 0.5), Jitter()), tiles, atol=1e-5)


def test_every_tile_has_its_own_jitter(glyphs: Glyphs) -> None:
    tiles = glyphs.tiles[:18].reshape(2, 9, 32, 32)
    uniform = torch.full((2, 9, JITTERS), 0.5)
    uniform[1, 4] = 0.9
    changed = (jitter_tiles(tiles, uniform, Jitter()) - tiles).abs().amax((2, 3)) > 0.1
    assert changed.nonzero().tolist() == [[1, 4]]


@settings(deadline=None, max_examples=25)
@given(right=st.floats(0, 1), down=st.floats(0, 1), shift=st.floats(0, 5))
def test_a_shift_moves_the_view_by_that_many_pixels(right: float, down: float, shift: float) -> None:
    """The numbers say where the *view* goes, so the glyph goes the other way: above 0.5 to the left and up."""
    uniform = only(RIGHT, right)
    uniform[..., DOWN] = down
    moved = jitter_tiles(blob(), uniform, Jitter(**NOTHING | {"shift": shift}))
    before, after = centre(blob()), centre(moved)
    assert after[0] - before[0] == pytest.approx(-shift * (2 * right - 1), abs=0.05)
    assert after[1] - before[1] == pytest.approx(-shift * (2 * down - 1), abs=0.05)


@pytest.mark.parametrize("value", [0.0, 0.25, 0.75, 1.0])
def test_scale_makes_a_glyph_larger_by_that_factor(value: float) -> None:
    factor = 1 + 0.2 * (2 * value - 1)
    scaled = jitter_tiles(blob(), only(SCALE, value), Jitter(**NOTHING | {"scale": 0.2}))
    assert (scaled.sum() / blob().sum()).item() == pytest.approx(factor**2, rel=0.02)
    before, after = centre(blob()), centre(scaled)
    assert [place - 15.5 for place in after] == pytest.approx([factor * (place - 15.5) for place in before], abs=0.05)


def test_stretch_keeps_the_area_and_widens_one_axis_as_it_narrows_the_other() -> None:
    stretched = jitter_tiles(blob(), only(STRETCH, 1.0), Jitter(**NOTHING | {"stretch": 0.1}))
    assert (stretched.sum() / blob().sum()).item() == pytest.approx(1, rel=0.02)
    (left, top), (column, row) = centre(blob()), centre(stretched)
    assert column - 15.5 == pytest.approx((left - 15.5) / 1.1, abs=0.05)
    assert row - 15.5 == pytest.approx((top - 15.5) * 1.1, abs=0.05)


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_a_turn_is_a_rotation_about_the_centre_by_that_angle(value: float) -> None:
    turned = jitter_tiles(blob(), only(TURN, value), Jitter(**NOTHING | {"degrees": 12.0}))
    (x, y), (u, v) = ([place - 15.5 for place in centre(tile)] for tile in (blob(), turned))
    angle = torch.atan2(torch.tensor(x * v - y * u), torch.tensor(x * u + y * v)).rad2deg().item()
    assert abs(angle) == pytest.approx(12, abs=0.5)
    assert (angle < 0) == (value > 0.5)
    assert (u**2 + v**2) == pytest.approx(x**2 + y**2, rel=0.02)


def test_shear_moves_a_glyph_sideways_in_proportion_to_its_height() -> None:
    sheared = jitter_tiles(blob(), only(SHEAR, 1.0), Jitter(**NOTHING | {"shear": 0.15}))
    (x, y), (u, v) = ([place - 15.5 for place in centre(tile)] for tile in (blob(), sheared))
    assert v == pytest.approx(y, abs=0.05)
    assert u == pytest.approx(x - 0.15 * y, abs=0.05)


@pytest.mark.parametrize("jitter", [Jitter(), Jitter(0.5, 0.3, 45.0, 0.5, 8.0)])
def test_jittered_tiles_stay_in_0_to_1(jitter: Jitter, glyphs: Glyphs, generator: torch.Generator) -> None:
    tiles = glyphs.tiles[::50][:99].reshape(11, 9, 32, 32)
    augmented = jitter_tiles(tiles, torch.rand(11, 9, JITTERS, generator=generator), jitter)
    assert augmented.shape == tiles.shape
    assert augmented.min() >= 0
    assert 0.9 < augmented.max() <= 1 + 1e-6
