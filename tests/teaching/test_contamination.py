"""Contaminated training sets: exact shares, reproducible, no test glyph in them; what it costs, summed up."""

from __future__ import annotations

from collections import Counter

import pytest
import torch

from digitanatomy import ANOMALIES, GlyphSplit, cut_tiles
from squidlib.data.base import NormalData
from squidlib.teaching.studies.contamination import ContaminatedDigits, auc_lost, aucs_by_share

IMAGES, HELD_OUT = 200, 40


def contaminated(share: int, seed: int = 0, images: int = IMAGES) -> ContaminatedDigits:
    return ContaminatedDigits(share, images, seed, calibration=HELD_OUT)


@pytest.fixture(scope="module")
def sixty() -> ContaminatedDigits:
    """200 images, of which 60 per cent are normal."""
    return contaminated(60)


def test_a_share_of_100_is_all_normal() -> None:
    clean = contaminated(100)
    assert [sample.kind for sample in clean.samples] == ["normal"] * IMAGES
    assert not any(sample.wrong.any() for sample in clean.samples)


def test_a_share_of_60_leaves_80_abnormal_images_in_equal_parts(sixty: ContaminatedDigits) -> None:
    assert Counter(sample.kind for sample in sixty.samples) == {"normal": 120, **dict.fromkeys(ANOMALIES, 20)}


def test_what_does_not_divide_evenly_is_shared_out() -> None:
    counts = Counter(sample.kind for sample in contaminated(50, images=101).samples)
    assert counts.total() == 101
    assert max(counts[kind] for kind in ANOMALIES) - min(counts[kind] for kind in ANOMALIES) <= 1


def test_the_kinds_are_mixed(sixty: ContaminatedDigits) -> None:
    halves = [Counter(sample.kind for sample in half) for half in (sixty.samples[:100], sixty.samples[100:])]
    assert all(half["normal"] in range(45, 76) and len(half) == 5 for half in halves)


def test_images_are_those_of_the_samples_with_values_in_0_to_1(sixty: ContaminatedDigits) -> None:
    assert torch.equal(sixty.images, torch.stack([sample.image for sample in sixty.samples]))
    for images in (sixty.images, sixty.batch(0, 32), sixty.calibration(), sixty.reference()):
        assert images.shape[1:] == (1, 96, 96)
        assert float(images.min()) >= 0
        assert float(images.max()) <= 1


def test_the_same_seed_gives_the_same_images_and_another_seed_others(sixty: ContaminatedDigits) -> None:
    again, other = contaminated(60), contaminated(60, seed=1)
    assert torch.equal(sixty.images, again.images)
    assert torch.equal(sixty.calibration(), again.calibration())
    assert torch.equal(sixty.batch(3, 8), again.batch(3, 8))
    assert not any(torch.equal(image, known) for image in sixty.images for known in other.images)
    assert not torch.equal(sixty.batch(3, 8), other.batch(3, 8))


def test_a_batch_is_a_function_of_the_step(sixty: ContaminatedDigits) -> None:
    first = sixty.batch(5, 8)
    torch.manual_seed(99)
    assert not torch.equal(first, sixty.batch(6, 8))
    assert torch.equal(first, sixty.batch(5, 8))


def test_a_batch_is_varied_but_shows_images_of_the_set(sixty: ContaminatedDigits) -> None:
    batch = sixty.batch(0, 8)
    assert not any(torch.equal(image, known) for image in batch for known in sixty.images)
    nearest = torch.cdist(batch.flatten(1), sixty.images.flatten(1)).amin(1)
    noise = torch.cdist(torch.rand(8, 9216), sixty.images.flatten(1)).amin(1)
    assert float(nearest.max()) < float(noise.min())


def test_no_test_glyph_is_used_and_held_out_images_share_none_with_the_training_set(
    sixty: ContaminatedDigits, split: GlyphSplit
) -> None:
    def hashes(tiles: torch.Tensor) -> set[bytes]:
        """Of a tile and its mirror images alike; the empty tile is left out."""
        tiles = tiles.flatten(0, -3)
        views = (tiles, tiles.flip(-1), tiles.flip(-2))
        return {tile.numpy().tobytes() for view in views for tile in view.contiguous() if tile.any()}

    training, held_out = hashes(cut_tiles(sixty.images)), hashes(cut_tiles(sixty.calibration()))
    test = {tile.numpy().tobytes() for tile in split.test.tiles}
    assert not (training | held_out) & test
    assert not training & held_out
    assert training & {tile.numpy().tobytes() for tile in split.train.tiles}


def test_held_out_images_are_as_dirty() -> None:
    from squidlib.teaching.studies.contamination import _mixed

    held_out = _mixed(contaminated(60).glyphs.calibration, HELD_OUT, 60, 1)
    assert Counter(sample.label for sample in held_out) == {0: 24, 1: 16}
    assert torch.equal(contaminated(60).calibration(), torch.stack([sample.image for sample in held_out]))


def test_the_reference_is_the_beginning_of_the_set_so_that_slots_can_be_looked_up(sixty: ContaminatedDigits) -> None:
    reference = sixty.reference()
    assert torch.equal(reference, sixty.images[: len(reference)])


def test_training_accepts_it_as_data(sixty: ContaminatedDigits) -> None:
    assert isinstance(sixty, NormalData)


@pytest.mark.parametrize("share", [0, -1, 101])
def test_a_share_outside_1_to_100_is_named(share: int) -> None:
    with pytest.raises(ValueError, match=rf"1\.\.100 per cent, got {share}"):
        ContaminatedDigits(share)


RUNS = {f"SQUID {share}/{seed}": {"mean": share / 100 + seed / 1000} for share in (100, 60) for seed in (0, 1)}


def test_aucs_are_sorted_by_share_and_seed_whatever_the_order_of_the_runs() -> None:
    runs = dict(reversed(RUNS.items())) | {"MemAE 100/0": {"mean": 0.1}}
    assert aucs_by_share(runs, "SQUID") == {100: [1.0, 1.001], 60: [0.6, 0.601]}
    assert aucs_by_share(runs, "auto-encoder") == {}


def test_what_is_lost_compares_each_seed_with_itself() -> None:
    lost = auc_lost({100: [0.9, 0.7], 80: [0.8, 0.75], 60: [0.5]})
    assert lost == pytest.approx({100: 0.0, 80: 0.025, 60: 0.4})
