"""The four anomalies: pure, exactly as severe as asked, and never a change that nobody can see."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Generator, Tensor

from digitanatomy import DIGIT_FLIPS, Altered, Glyphs, disorder, flipped, missing, novel
from digitanatomy.anomalies import VISIBLE

Anomaly = Callable[..., Altered]
ZEROS = torch.rand(5, 32, 32, generator=Generator().manual_seed(1))
TILES = torch.rand(9, 32, 32, generator=Generator().manual_seed(2))
#: Each anomaly with the least and the largest severity it can have.
RANGES: dict[str, tuple[Anomaly, int, int]] = {
    "novel": (lambda tiles, generator, severity: novel(tiles, generator, zeros=ZEROS, severity=severity), 1, 9),
    "disorder": (disorder, 2, 9),
    "missing": (missing, 1, 9),
    "flipped": (flipped, 1, 7),
}
DEFAULTS = {"disorder": 2, "missing": 1, "flipped": 1}


def seeded(seed: int) -> Generator:
    return Generator().manual_seed(seed)


def same(left: Tensor, right: Tensor) -> bool:
    return torch.equal(left, right)


@st.composite
def calls(draw: st.DrawFn) -> tuple[Anomaly, int, int]:
    """An anomaly, a severity that it can have, a seed."""
    anomaly, least, most = RANGES[draw(st.sampled_from(sorted(RANGES)))]
    return anomaly, draw(st.integers(least, most)), draw(st.integers(0, 10_000))


@settings(deadline=None, max_examples=60)
@given(call=calls())
def test_exactly_severity_tiles_are_wrong_and_the_others_identical(call: tuple[Anomaly, int, int]) -> None:
    anomaly, severity, seed = call
    tiles, wrong = anomaly(TILES, seeded(seed), severity=severity)
    assert wrong.dtype == torch.bool
    assert wrong.sum() == severity
    assert [not same(after, before) for after, before in zip(tiles, TILES, strict=True)] == wrong.tolist()


@settings(deadline=None, max_examples=30)
@given(call=calls())
def test_an_anomaly_is_pure_and_reproducible(call: tuple[Anomaly, int, int]) -> None:
    anomaly, severity, seed = call
    tiles, zeros = TILES.clone(), ZEROS.clone()
    first = anomaly(tiles, seeded(seed), severity=severity)
    second = anomaly(tiles, seeded(seed), severity=severity)
    assert same(tiles, TILES)
    assert same(ZEROS, zeros)
    assert same(first.tiles, second.tiles)
    assert same(first.wrong, second.wrong)
    first.tiles.zero_()
    assert same(tiles, TILES), "what comes back shares no memory with what went in"


@pytest.mark.parametrize("kind", sorted(RANGES))
def test_every_place_that_can_be_wrong_sometimes_is(kind: str) -> None:
    anomaly, least, most = RANGES[kind]
    seen = torch.stack([anomaly(TILES, seeded(seed), severity=least).wrong for seed in range(100)]).any(0)
    expected = [kind != "flipped" or digit in DIGIT_FLIPS for digit in range(1, 10)]
    assert seen.tolist() == expected
    assert sum(expected) == most


@pytest.mark.parametrize("kind", sorted(DEFAULTS))
def test_the_default_severity_is_a_swap_or_one_tile(kind: str) -> None:
    assert RANGES[kind][0](TILES, seeded(0)).wrong.sum() == DEFAULTS[kind]
    assert novel(TILES, seeded(0), zeros=ZEROS).wrong.sum() == 1


@settings(deadline=None, max_examples=20)
@given(severity=st.integers(1, 9), seed=st.integers(0, 10_000))
def test_novel_shows_one_of_the_zeros(severity: int, seed: int) -> None:
    tiles, wrong = novel(TILES, seeded(seed), zeros=ZEROS, severity=severity)
    for tile in tiles[wrong]:
        assert any(same(tile, zero) for zero in ZEROS)


def test_novel_draws_every_zero() -> None:
    drawn = torch.cat([novel(TILES, seeded(seed), zeros=ZEROS, severity=9).tiles for seed in range(10)])
    assert all(any(same(tile, zero) for tile in drawn) for zero in ZEROS)


@settings(deadline=None, max_examples=30)
@given(severity=st.integers(2, 9), seed=st.integers(0, 10_000))
def test_disorder_permutes_the_wrong_tiles_without_a_fixed_point(severity: int, seed: int) -> None:
    tiles, wrong = disorder(TILES, seeded(seed), severity=severity)
    came_from = [next(place for place in range(9) if same(tile, TILES[place])) for tile in tiles]
    assert sorted(came_from) == list(range(9))
    assert [source != place for place, source in enumerate(came_from)] == wrong.tolist()


@settings(deadline=None, max_examples=20)
@given(severity=st.integers(1, 9), seed=st.integers(0, 10_000))
def test_missing_tiles_are_empty(severity: int, seed: int) -> None:
    tiles, wrong = missing(TILES, seeded(seed), severity=severity)
    assert tiles[wrong].abs().max() == 0


@settings(deadline=None, max_examples=40)
@given(severity=st.integers(1, 7), seed=st.integers(0, 10_000))
def test_a_flipped_tile_is_an_allowed_mirror_image_and_1_and_8_are_never_touched(severity: int, seed: int) -> None:
    tiles, wrong = flipped(TILES, seeded(seed), severity=severity)
    assert not wrong[[0, 7]].any()
    for place in wrong.nonzero().flatten().tolist():
        mirrors = {"horizontal": TILES[place].flip(1), "vertical": TILES[place].flip(0)}
        assert any(same(tiles[place], mirrors[axis]) for axis in DIGIT_FLIPS[place + 1])


def test_3_is_flipped_horizontally_only_and_2_both_ways() -> None:
    results = [flipped(TILES, seeded(seed), severity=7).tiles for seed in range(20)]
    assert all(same(tiles[2], TILES[2].flip(1)) for tiles in results)
    assert any(same(tiles[1], TILES[1].flip(1)) for tiles in results)
    assert any(same(tiles[1], TILES[1].flip(0)) for tiles in results)


def test_a_flip_always_changes_the_glyph_visibly(glyphs: Glyphs) -> None:
    for digit, axes in DIGIT_FLIPS.items():
        own = glyphs.tiles[glyphs.indices(digit)]
        for axis in axes:
            mirrored = own.flip({"horizontal": 2, "vertical": 1}[axis])
            assert ((mirrored - own).abs() > VISIBLE).flatten(1).any(1).all(), (digit, axis)


def test_other_flips_can_be_chosen() -> None:
    tiles, wrong = flipped(TILES, seeded(0), flips={1: ("vertical",), 4: ()})
    assert wrong.nonzero().flatten().tolist() == [0]
    assert same(tiles[0], TILES[0].flip(0))


@pytest.mark.parametrize("kind", sorted(RANGES))
@pytest.mark.parametrize("over", [False, True])
def test_an_impossible_severity_is_refused_with_the_range(kind: str, over: bool) -> None:
    anomaly, least, most = RANGES[kind]
    severity = most + 1 if over else least - 1
    expected = (
        f"got {severity}" if kind == "disorder" and not over else f"1..{most} tiles for this anomaly, got {severity}"
    )
    with pytest.raises(ValueError, match=expected.replace(".", r"\.")):
        anomaly(TILES, seeded(0), severity=severity)


def test_disorder_of_a_single_tile_is_refused() -> None:
    with pytest.raises(ValueError, match="severity must be at least 2, got 1"):
        disorder(TILES, seeded(0), severity=1)
