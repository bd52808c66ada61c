"""Scores, each from its definition: by hand, or by SciPy and loops over images and patches."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.ndimage import convolve
from scipy.spatial.distance import cosine
from torch import Tensor

from squidlib.context import ContextPrediction, all_others, context_score
from squidlib.detection import scores
from squidlib.detection.scores import (
    RawScores,
    blur,
    cosine_distance,
    raw_scores,
    score_batch,
    score_batches,
    weighted_difference,
)
from squidlib.discriminator import Discriminator
from squidlib.squid import Squid, SquidOutput
from tests.conftest import filled, tiny_config
from tests.helpers import noise

PARTS = torch.arange(30.0).reshape(5, 3, 2)  # five scores of three images with two patches each


def seeded(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def output_of(reconstruction: Tensor, queries: Tensor, recalled: Tensor) -> SquidOutput:
    return SquidOutput(reconstruction, None, queries, recalled, torch.zeros(len(queries), 4, 1), [], [])


def blurred(image: Tensor) -> np.ndarray:
    """One channel: the mean of what is inside of 3x3, by SciPy."""
    window = np.ones((3, 3))
    return convolve(image.numpy(), window, mode="constant") / convolve(np.ones(image.shape), window, mode="constant")


def test_blurring_averages_over_what_is_inside() -> None:
    corner = torch.zeros(1, 2, 3, 4)
    corner[0, 1, 0, 0] = 36.0
    expected = [[9.0, 6.0, 0.0, 0.0], [6.0, 4.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]]  # of 4, 6, 6 and 9 pixels
    assert torch.allclose(blur(corner)[0, 1], torch.tensor(expected))
    assert not blur(corner)[0, 0].any()
    assert torch.allclose(blur(torch.full((1, 1, 5, 1), 0.3)), torch.tensor(0.3))


def test_every_image_and_channel_is_blurred_as_by_scipy() -> None:
    images = seeded(4, 3, 5, 7)
    found = blur(images)
    for image in range(4):
        for channel in range(3):
            np.testing.assert_allclose(found[image, channel], blurred(images[image, channel]), atol=1e-6)


def test_cosine_distance_is_0_1_and_2_along_across_and_against_whatever_the_length() -> None:
    left = torch.tensor([[3.0, 4.0], [0.3, 0.4], [0.03, -0.04], [1.0, 1.0]])
    right = torch.tensor([[0.6, 0.8], [-0.4, 0.3], [-0.03, 0.04], [0.2, 0.0]])
    assert torch.allclose(cosine_distance(left, right), torch.tensor([0, 1, 2, 1 - math.sqrt(0.5)]), atol=1e-6)


def test_nothing_has_no_direction() -> None:
    unit, nothing = torch.tensor([1.0, 0.0]), torch.tensor([0.0, 0.0])
    assert float(cosine_distance(unit, nothing)) == 1
    assert float(cosine_distance(nothing, nothing)) == 1
    assert float(cosine_distance(unit, 1e-9 * unit)) == pytest.approx(1, abs=0.01)  # as good as nothing


def test_each_raw_score_is_its_definition() -> None:
    images, reconstruction = seeded(2, 3, 4, 6), seeded(2, 3, 4, 6, seed=1)
    queries, recalled, slots = seeded(2, 4, 5, seed=2), seeded(2, 4, 5, seed=3), seeded(4, 3, 5, seed=4)
    logits = torch.tensor([2.0, -1.0])
    found = raw_scores(output_of(reconstruction, queries, recalled), slots, logits, images, 2)
    assert found.discriminator.tolist() == [-2, 1]
    assert found.context is None
    for image in range(2):
        smooth = [np.stack([blurred(channel) for channel in of[image]]) for of in (images, reconstruction)]
        for position in range(4):
            row, column = divmod(position, 2)
            patch = np.s_[:, 2 * row : 2 * row + 2, 3 * column : 3 * column + 3]
            difference = images[image][patch] - reconstruction[image][patch]
            query = queries[image, position].numpy()
            expected = (
                np.mean(difference.numpy() ** 2),
                cosine(smooth[0][patch].ravel(), smooth[1][patch].ravel()),
                cosine(query, recalled[image, position].numpy()),
                np.mean([cosine(query, slot.numpy()) for slot in slots[position]]),  # three slots: the nearest three
            )
            assert [float(part[image, position]) for part in found[:4]] == pytest.approx(expected, abs=1e-5)


def test_the_reach_is_the_distances_and_the_context_is_asked_where_there_is_one() -> None:
    images, queries, slots = torch.zeros(1, 1, 2, 2), seeded(1, 4, 3), seeded(4, 3, 3, seed=1)
    context = ContextPrediction(3, all_others(4), 8)
    output, logits = output_of(images, queries, queries), torch.zeros(1)
    near, far = (raw_scores(output, slots, logits, images, 2, reach, context) for reach in (0, 1))
    every = [sorted(cosine(query, slot) for slot in slots.flatten(0, 1).numpy())[:3] for query in queries[0].numpy()]
    np.testing.assert_allclose(far.distance[0], np.mean(every, 1), atol=1e-5)  # on 2x2 all are neighbours
    assert not torch.allclose(near.distance, far.distance)
    assert torch.equal(near.context, context_score(context, queries, slots))


def test_patch_scores_are_stacked_in_the_order_of_the_tables_the_context_last() -> None:
    error, structure, mismatch, distance, context = PARTS
    plain = RawScores(error, structure, mismatch, distance, PARTS[0, :, 0])
    assert torch.equal(plain.patches(), PARTS[:4])
    assert torch.equal(plain._replace(context=context).patches(), PARTS)


def test_a_function_of_each_part_leaves_a_missing_one_missing() -> None:
    whole = RawScores(*PARTS, context=PARTS[0])
    assert all(torch.equal(part, -own) for part, own in zip(whole.each(torch.neg), whole, strict=True))
    assert whole._replace(context=None).each(torch.neg).context is None


@pytest.mark.parametrize("context", [None, PARTS[0]])
def test_batches_are_joined_in_order(context: Tensor | None) -> None:
    whole = RawScores(*PARTS, context=context)
    first, second = whole.each(lambda part: part[:1]), whole.each(lambda part: part[1:])
    joined = RawScores.joined([first, second])
    assert (joined.context is None) == (context is None)
    for one in (joined, RawScores.joined([whole])):
        assert all(torch.equal(part, own) for part, own in zip(one, whole, strict=True) if own is not None)


def test_the_map_is_the_blurred_difference_of_the_channels_times_the_weight_of_the_patch() -> None:
    images = seeded(2, 3, 4, 6)
    changes = torch.tensor([[0.25, -0.5, 0.75], [-0.25, 0.0, 1.0]])  # mean sizes: 1/2 and 5/12
    scores_of_patches = torch.tensor([[0.0, 3.0, 6.0, -3.0], [1.5, 0.0, 0.0, 0.0]])
    found = weighted_difference(images, images + changes[:, :, None, None], scores_of_patches, 3.0, 2)
    assert found.shape == (2, 1, 4, 6)

    def weight(share: float) -> float:  # about the score as a share of the limit where it is 1 or more, never below 0
        return math.log(1 + math.exp(4 * share)) / 4

    for image, size, shares in ((0, 1 / 2, (0, 1, 2, -1)), (1, 5 / 12, (0.5, 0, 0, 0))):
        weights = torch.tensor([weight(share) for share in shares]).reshape(2, 2)
        expected = size * weights.repeat_interleave(2, 0).repeat_interleave(3, 1)
        assert torch.allclose(found[image, 0], expected, atol=1e-5)


def test_a_pixel_that_differs_marks_those_around_it_in_the_map() -> None:
    image = torch.zeros(1, 1, 4, 4)
    wrong = image.clone()
    wrong[0, 0, 1, 1] = 9.0
    found = weighted_difference(image, wrong, torch.full((1, 1), 100.0), 1.0, 1)[0, 0] / 100
    np.testing.assert_allclose(found, blurred(wrong[0, 0]), atol=1e-5)


@pytest.fixture
def networks() -> tuple[Squid, Discriminator]:
    squid, _ = filled(replace(tiny_config(), context=True, memory_reach=1))
    return squid, Discriminator(squid.config.image_shape)


def test_one_batch_is_scored_from_one_pass_through_both_networks(networks: tuple[Squid, Discriminator]) -> None:
    squid, discriminator = (network.eval() for network in networks)
    images, slots = noise(3, 24), squid.inpainting.memory.contents()
    reconstruction, found = score_batch(squid, discriminator, slots, images)
    output = squid(images)
    assert torch.equal(reconstruction, output.reconstruction)
    logits = discriminator(output.reconstruction)
    expected = raw_scores(output, slots, logits, images, 3, reach=1, context=squid.context)
    for part, own in zip(found, expected, strict=True):
        torch.testing.assert_close(part, own)


@pytest.mark.parametrize(("most", "sizes"), [(36, [1, 1, 1, 1, 1]), (72, [2, 2, 1]), (180, [5]), (1, [1, 1, 1, 1, 1])])
def test_a_long_memory_is_asked_by_a_few_images_at_once(
    networks: tuple[Squid, Discriminator], monkeypatch: pytest.MonkeyPatch, most: int, sizes: list[int]
) -> None:
    squid, discriminator = (network.eval() for network in networks)
    images, slots = noise(5, 24), squid.inpainting.memory.contents()  # 9 positions of 4 slots: 36 weights an image
    whole, together = score_batch(squid, discriminator, slots, images)
    asked = []
    squid.register_forward_pre_hook(lambda module, given: asked.append(len(given[0])))
    monkeypatch.setattr(scores, "MOST_WEIGHTS", most)
    reconstruction, found = score_batch(squid, discriminator, slots, images)
    assert asked == sizes
    torch.testing.assert_close(reconstruction, whole)
    for part, own in zip(found, together, strict=True):
        torch.testing.assert_close(part, own, atol=1e-4, rtol=1e-4)


def test_many_images_are_scored_batch_by_batch_and_the_networks_stay_as_they_are(
    networks: tuple[Squid, Discriminator],
) -> None:
    squid, discriminator = networks
    squid.student.eval()  # each part stays in its own mode
    asked = []
    squid.register_forward_pre_hook(lambda module, given: asked.append(len(given[0])))
    found = score_batches(squid, discriminator, noise(5, 24), batch_size=2)
    assert asked == [2, 2, 1]
    assert (squid.training, squid.student.training, discriminator.training) == (True, False, True)
    assert not any(part.requires_grad for part in found)
    squid.eval(), discriminator.eval()
    with torch.no_grad():
        _, whole = score_batch(squid, discriminator, squid.inpainting.memory.contents(), noise(5, 24))
    for part, own in zip(found, whole, strict=True):
        torch.testing.assert_close(part, own, atol=1e-4, rtol=1e-4)


def test_images_are_scored_on_the_networks_device(networks: tuple[Squid, Discriminator]) -> None:
    squid, discriminator = (network.to("meta") for network in networks)  # a device that every machine has
    found = score_batches(squid, discriminator, noise(3, 24), batch_size=2)
    assert {part.device.type for part in found} == {"meta"}
    assert found.error.shape == (3, 9)
