"""DigitAnatomy and FreshNormals: reproducible by seed and index, masks that tell the truth."""

from __future__ import annotations

import pickle
from collections import Counter

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.data import DataLoader

from digitanatomy import ANOMALIES, KINDS, DigitAnatomy, FreshNormals, Glyphs, GlyphSplit, Jitter, Sample, cut_tiles
from digitanatomy.anomalies import VISIBLE

COUNTS = dict.fromkeys(KINDS, 6)


@pytest.fixture
def data(split: GlyphSplit) -> DigitAnatomy:
    """Six images of every kind."""
    return DigitAnatomy(split.test, COUNTS, seed=5)


def equal(left: Sample, right: Sample) -> bool:
    return left[1:3] == right[1:3] and all(torch.equal(left[part], right[part]) for part in (0, 3, 4))


def test_an_image_depends_on_seed_and_index_alone(data: DigitAnatomy, split: GlyphSplit) -> None:
    torch.manual_seed(123)
    forwards = [data[index] for index in range(30)]
    torch.manual_seed(456)
    other = DigitAnatomy(split.test, COUNTS, seed=5)
    backwards = [other[index] for index in reversed(range(30))][::-1]
    assert all(equal(left, right) for left, right in zip(forwards, backwards, strict=True))
    assert all(equal(left, right) for left, right in zip(forwards, list(data), strict=True))


def test_drawing_images_leaves_the_global_generator_alone(data: DigitAnatomy, split: GlyphSplit) -> None:
    before = torch.get_rng_state()
    data.images()
    FreshNormals(split.train, 0, Jitter()).batch(0, 4)
    assert torch.equal(torch.get_rng_state(), before)


def test_another_seed_and_another_index_give_another_image(data: DigitAnatomy, split: GlyphSplit) -> None:
    other = DigitAnatomy(split.test, COUNTS, seed=6)
    assert not any(torch.equal(left.image, right.image) for left, right in zip(data, other, strict=True))
    assert len({sample.image.numpy().tobytes() for sample in data}) == 30


def test_counts_kinds_and_labels_agree(data: DigitAnatomy) -> None:
    samples = list(data)
    assert len(data) == len(samples) == 30
    assert Counter(sample.kind for sample in samples) == COUNTS
    assert [sample.kind for sample in samples] == [kind for kind in KINDS for _ in range(6)] == data.kinds
    assert all(sample.label == (sample.kind != "normal") for sample in samples)


def test_shapes_and_ranges_are_as_documented(data: DigitAnatomy) -> None:
    for image, _, _, mask, wrong in data:
        assert (image.shape, image.dtype) == ((1, 96, 96), torch.float32)
        assert (mask.shape, mask.dtype) == ((1, 96, 96), torch.bool)
        assert (wrong.shape, wrong.dtype) == ((9,), torch.bool)
        assert 0 <= image.min() <= image.max() <= 1
    assert torch.equal(data.images(), torch.stack([sample.image for sample in data]))


def test_kinds_come_in_the_order_of_the_counts(split: GlyphSplit) -> None:
    data = DigitAnatomy(split.test, {"missing": 2, "normal": 0, "novel": 1})
    assert [sample.kind for sample in data] == ["missing", "missing", "novel"]


@pytest.mark.parametrize("severity", [None, 4])
def test_an_image_differs_from_its_normal_twin_inside_the_mask_only(severity: int | None, split: GlyphSplit) -> None:
    data = DigitAnatomy(split.test, COUNTS, seed=5, severity=severity)
    twins = DigitAnatomy(split.test, {"normal": 30}, seed=5)
    for (image, _, kind, mask, wrong), twin in zip(data, twins, strict=True):
        difference = (image - twin.image).abs()
        assert torch.equal(mask, difference > VISIBLE)
        right = ~wrong[:, None, None].expand(9, 32, 32)
        assert cut_tiles(difference)[right].sum() == 0, f"{kind}: a tile that is not wrong was changed"
        assert torch.equal(cut_tiles(mask).flatten(1).any(1), wrong)


def test_a_mask_is_empty_exactly_for_normal_images(data: DigitAnatomy) -> None:
    for sample in data:
        assert sample.mask.any() == (sample.kind != "normal") == sample.wrong.any()


@settings(deadline=None, max_examples=15)
@given(kind=st.sampled_from(ANOMALIES), severity=st.integers(2, 7), seed=st.integers(0, 1000))
def test_severity_is_the_number_of_wrong_tiles(kind: str, severity: int, seed: int) -> None:
    labels = torch.arange(20) % 10
    images = torch.rand(20, 28, 28, generator=torch.Generator().manual_seed(seed))
    data = DigitAnatomy(Glyphs(images, labels), {kind: 2}, seed=seed, severity=severity)
    assert [int(sample.wrong.sum()) for sample in data] == [severity] * 2


def test_flips_can_be_chosen(split: GlyphSplit) -> None:
    data = DigitAnatomy(split.test, {"flipped": 5}, flips={2: ("vertical",)})
    assert all(sample.wrong.nonzero().flatten().tolist() == [1] for sample in data)


def test_unknown_kinds_and_negative_counts_are_refused(split: GlyphSplit) -> None:
    with pytest.raises(
        ValueError, match="kinds are normal, novel, disorder, missing, flipped, stranger, drift, lesion; got 'broken'"
    ):
        DigitAnatomy(split.test, {"normal": 1, "broken": 2})
    with pytest.raises(ValueError, match="cannot be negative, got -1 of kind 'novel'"):
        DigitAnatomy(split.test, {"normal": 1, "novel": -1})


@pytest.mark.parametrize("index", [-1, 30])
def test_an_index_outside_is_refused(data: DigitAnatomy, index: int) -> None:
    with pytest.raises(IndexError, match=f"image {index} of 30"):
        data[index]


def test_glyphs_without_a_zero_make_normals_but_no_novel_image(split: GlyphSplit) -> None:
    nine = split.test.subset(torch.nonzero(split.test.labels > 0).flatten())
    assert not DigitAnatomy(nine, {"normal": 1})[0].mask.any()
    with pytest.raises(ValueError, match="no sample of the digit 0"):
        DigitAnatomy(nine, {"novel": 1})[0]


def test_a_data_loader_with_workers_gives_the_same_as_without(data: DigitAnatomy) -> None:
    alone, helped = (list(DataLoader(data, batch_size=8, num_workers=workers)) for workers in (0, 2))
    assert len(alone) == len(helped) == 4
    for left, right in zip(alone, helped, strict=True):
        assert torch.equal(left.image, right.image)
        assert torch.equal(left.label, right.label)
        assert torch.equal(left.mask, right.mask)
        assert list(left.kind) == list(right.kind)
    assert torch.equal(torch.cat([batch.image for batch in helped]), data.images())


def test_a_data_set_can_be_pickled_for_workers_that_are_not_forked(data: DigitAnatomy) -> None:
    copy = pickle.loads(pickle.dumps(data))
    assert all(equal(left, right) for left, right in zip(data, copy, strict=True))


@pytest.mark.parametrize("jitter", [None, Jitter()])
def test_a_fresh_batch_is_made_of_its_single_images(split: GlyphSplit, jitter: Jitter | None) -> None:
    fresh = FreshNormals(split.train, seed=3, jitter=jitter)
    batch = fresh.batch(10, 6)
    assert batch.shape == (6, 1, 96, 96)
    assert torch.allclose(batch, torch.stack([fresh[index] for index in range(10, 16)]), atol=1e-6)
    assert torch.allclose(batch, torch.cat([fresh.batch(10, 1), fresh.batch(11, 5)]), atol=1e-6)
    assert len({image.numpy().tobytes() for image in batch}) == 6


def test_fresh_normals_depend_on_the_seed_and_the_stream_starts_at_zero(split: GlyphSplit) -> None:
    first, second, other = (FreshNormals(split.train, seed, Jitter()) for seed in (0, 0, 1))
    assert torch.equal(first.batch(0, 3), second.batch(0, 3))
    assert not torch.equal(first.batch(0, 3), other.batch(0, 3))
    for streamed, index in zip(first, range(3)):  # noqa: B905  # the stream never ends
        assert torch.equal(streamed, second[index])


def test_a_fresh_image_without_jitter_shows_digits_1_to_9_of_its_glyphs(split: GlyphSplit) -> None:
    train = split.train
    for image in FreshNormals(train, seed=1).batch(0, 3):
        for digit, tile in enumerate(cut_tiles(image), start=1):
            assert (train.tiles[train.indices(digit)] == tile).flatten(1).all(1).any()


@pytest.mark.parametrize(("first", "size"), [(-1, 1), (0, 0), (3, -2)])
def test_a_batch_that_is_none_is_refused(split: GlyphSplit, first: int, size: int) -> None:
    with pytest.raises(ValueError, match=f"got first={first}, size={size}"):
        FreshNormals(split.train).batch(first, size)
