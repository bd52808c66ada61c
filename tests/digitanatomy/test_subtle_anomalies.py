"""stranger, drift and lesion: what is wrong, what stays, and what a single tile can tell."""

from __future__ import annotations

import math
import pickle

import pytest
import torch

from digitanatomy import (
    ALL_KINDS,
    HAND_ANOMALIES,
    DigitAnatomy,
    GlyphSplit,
    cut_tiles,
    drift,
    lesion,
    stranger,
    styles,
)
from digitanatomy.hand import NUMBERS

OWN, OTHER = torch.zeros(9, 10), torch.ones(9, 10)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("severity", [1, 4, 8])
def test_a_stranger_writes_as_many_tiles_as_asked_and_no_other(severity: int) -> None:
    found = stranger(OWN, generator(), other=OTHER, severity=severity)
    assert int(found.wrong.sum()) == severity
    assert torch.equal(found.styles, torch.where(found.wrong[:, None], OTHER, OWN))
    assert not OWN.any()  # not changed in place


def test_every_tile_can_be_the_strangers() -> None:
    seen = torch.stack([stranger(OWN, generator(seed), other=OTHER).wrong for seed in range(200)])
    assert seen.any(0).all()
    assert (seen.sum(1) == 1).all()


def test_a_drift_begins_as_one_hand_and_ends_as_another_in_equal_steps() -> None:
    ways = set()
    for seed in range(40):
        found = drift(OWN, generator(seed), other=OTHER, severity=0.8).styles[:, 0].reshape(3, 3)
        line = found[0] if (found == found[0]).all() else found[:, 0]
        assert sorted(line.tolist()) == pytest.approx([0.0, 0.4, 0.8])
        ways.add(tuple(found.flatten().tolist()))
    assert len(ways) == 4  # from every side


def test_by_itself_a_strangers_tile_is_as_likely_as_a_normal_one() -> None:
    """Its style is drawn as any other: means and spreads of many agree within five standard errors."""
    count = 2000
    own, other = (styles(torch.rand(count, NUMBERS, generator=generator(seed)), 1.0) for seed in (1, 2))
    pairs = zip(own, other, range(count), strict=True)
    drawn = [stranger(mine, generator(seed), other=theirs) for mine, theirs, seed in pairs]
    strange = torch.stack([found.styles[found.wrong][0] for found in drawn])
    normal = own[torch.arange(count), torch.arange(count) % 9]
    error = normal.std(0) * math.sqrt(2 / count)
    assert ((strange.mean(0) - normal.mean(0)).abs() < 5 * error).all()
    assert ((strange.std(0) - normal.std(0)).abs() < 5 * error).all()


@pytest.mark.parametrize("kind", HAND_ANOMALIES)
def test_who_writes_the_other_tiles_does_not_matter_without_a_hand(split: GlyphSplit, kind: str) -> None:
    with pytest.raises(ValueError, match=f"{kind} is an anomaly of images that are written by one hand"):
        DigitAnatomy(split.test, {kind: 1})
    assert len(DigitAnatomy(split.test, {kind: 0})) == 0


def test_a_lesion_is_inside_one_digit_and_its_mask_says_where() -> None:
    tiles = torch.zeros(9, 32, 32)
    tiles[:, 10:22, 14:18] = 0.6
    brighter = paler = 0
    for seed in range(60):
        found = lesion(tiles, generator(seed), severity=0.4)
        assert int(found.wrong.sum()) == 1
        changed = (found.tiles - tiles).abs()
        assert float(changed.max()) <= 0.4 + 1e-6
        assert not changed[~found.wrong].any()
        assert torch.equal(found.mask.flatten(1).any(1), found.wrong)
        assert 10 < int(found.mask.sum()) < 60
        assert float(changed[~found.mask].max()) <= 0.5 * 0.4 + 1e-6
        middle = torch.nonzero(found.mask[found.wrong][0]).float().mean(0)
        assert 8 <= middle[0] <= 23
        assert 12 <= middle[1] <= 19
        brighter += bool((found.tiles > tiles).any())
        paler += bool((found.tiles < tiles).any())
    assert brighter + paler == 60
    assert min(brighter, paler) > 15


def test_a_lesion_reaches_from_invisible_to_obvious() -> None:
    tiles = torch.zeros(9, 32, 32)
    tiles[:, 10:22, 14:18] = 0.6
    strengths = [
        float((lesion(tiles, generator(5), severity=each).tiles - tiles).abs().max()) for each in (0.01, 0.3, 1)
    ]
    assert strengths[0] <= 0.01
    assert strengths == sorted(strengths)
    assert strengths[2] > 0.3


def test_a_lesion_of_an_empty_image_is_somewhere() -> None:
    found = lesion(torch.zeros(9, 32, 32), generator(1), severity=1.0)
    assert int(found.wrong.sum()) == 1


@pytest.mark.parametrize(
    ("kind", "severity"), [("stranger", 0), ("stranger", 9), ("drift", 1.5), ("drift", 0), ("lesion", 2)]
)
def test_a_severity_that_means_nothing_is_refused(split: GlyphSplit, kind: str, severity: float) -> None:
    data = DigitAnatomy(split.test, {kind: 1}, hand=1.0, severity=severity)
    with pytest.raises(ValueError, match="severity"):
        data[0]


def test_half_a_tile_cannot_be_missing(split: GlyphSplit) -> None:
    with pytest.raises(ValueError, match=r"severity counts tiles, except for drift and lesion; got 0\.5"):
        DigitAnatomy(split.test, {"missing": 1}, severity=0.5)[0]


@pytest.mark.parametrize("hand", [0.5, 1.0])
def test_images_of_every_kind_are_functions_of_seed_and_index(split: GlyphSplit, hand: float) -> None:
    data = DigitAnatomy(split.test, dict.fromkeys(ALL_KINDS, 2), seed=3, hand=hand, mirrored=True)
    for number, (sample, again) in enumerate(zip(data, pickle.loads(pickle.dumps(data)), strict=True)):
        assert torch.equal(sample.image, again.image)
        assert torch.equal(sample.image, data[number].image)
        assert sample.label == (sample.kind != "normal") == bool(sample.wrong.any()) == bool(sample.mask.any())
        assert not cut_tiles(sample.mask)[0, ~sample.wrong].any() if sample.mask.ndim == 4 else True


def test_the_zero_of_a_novel_image_is_written_by_the_images_hand(split: GlyphSplit) -> None:
    """Ink is one number of the style: the brightest grey of the zero is that of the other digits, nearly."""
    data = DigitAnatomy(split.test, {"novel": 20}, seed=1, hand=1.0)
    apart = []
    for sample in data:
        brightest = cut_tiles(sample.image).reshape(9, -1).amax(1)
        apart.append(float((brightest[sample.wrong].mean() - brightest[~sample.wrong].mean()).abs()))
    assert max(apart) < 0.08
