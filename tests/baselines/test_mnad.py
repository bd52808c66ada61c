"""MNAD: reads, updates and losses against plain loops; who may move the memory; the score's units."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from squidlib.baselines.base import seeded
from squidlib.baselines.mnad import MNAD, MNADNetwork, memory_loss, moved_items, nearest_two, read_items
from tests.helpers import noise

RANDOM = Generator().manual_seed(0)
QUERIES = F.normalize(torch.randn(12, 5, generator=RANDOM), dim=1)
ITEMS = F.normalize(torch.randn(4, 5, generator=RANDOM), dim=1)
IMAGES = noise(10, 32)


def small(steps: int = 3) -> MNAD:
    return MNAD(items=4, features=6, width=2, steps=steps, batch_size=4)


def dot(one: Tensor, other: Tensor) -> float:
    return sum(float(a) * float(b) for a, b in zip(one, other, strict=True))


def nearest(query: Tensor, items: Tensor) -> int:
    return max(range(len(items)), key=lambda item: dot(query, items[item]))


def test_a_read_is_the_softmax_mixture_of_items() -> None:
    for query, read in zip(QUERIES, read_items(QUERIES, ITEMS), strict=True):
        weights = [math.exp(dot(query, item)) for item in ITEMS]
        by_hand = [sum(w * float(item[i]) for w, item in zip(weights, ITEMS, strict=True)) for i in range(5)]
        assert read.tolist() == pytest.approx([value / sum(weights) for value in by_hand], abs=1e-5)


def items_by_hand(queries: Tensor, items: Tensor) -> list[list[float]]:
    """The update as the paper words it: softmax over all queries, then divided by the largest of the chosen ones'."""
    moved = []
    for index, item in enumerate(items):
        shares = [math.exp(dot(query, item)) for query in queries]
        shares = [share / sum(shares) for share in shares]
        chosen = [n for n, query in enumerate(queries) if nearest(query, items) == index]
        new = [float(value) for value in item]
        for n in chosen:
            weight = shares[n] / max(shares[other] for other in chosen)
            new = [value + weight * float(part) for value, part in zip(new, queries[n], strict=True)]
        length = math.sqrt(sum(value**2 for value in new))
        moved.append([value / length for value in new])
    return moved


def test_items_move_towards_the_queries_that_chose_them() -> None:
    for queries in (QUERIES, QUERIES[:2]):
        for moved, by_hand in zip(moved_items(queries, ITEMS), items_by_hand(queries, ITEMS), strict=True):
            assert moved.tolist() == pytest.approx(by_hand, abs=1e-5)


def test_an_item_that_no_query_chose_stays_where_it_is() -> None:
    item = nearest(QUERIES[0], ITEMS)
    moved = moved_items(QUERIES[:1], ITEMS)
    kept = [index for index in range(4) if index != item]
    torch.testing.assert_close(moved[kept], ITEMS[kept])
    assert moved[item] @ QUERIES[0] > ITEMS[item] @ QUERIES[0]


def test_the_losses_are_those_of_the_nearest_and_the_second_nearest_item() -> None:
    compactness = separateness = 0.0
    for query in QUERIES:
        first, second = sorted(math.dist(query.tolist(), item.tolist()) for item in ITEMS)[:2]
        compactness += first**2 / 12
        separateness += max(first - second + 1, 0) / 12
    value = memory_loss(nearest_two(QUERIES, ITEMS))
    assert float(value) == pytest.approx(0.1 * compactness + 0.1 * separateness, abs=1e-5)
    far = memory_loss(torch.tensor([[0.0, 1.5], [0.2, 1.3]]))  # the margin is kept: nothing left but compactness
    assert float(far) == pytest.approx(0.1 * 0.04 / 2, abs=1e-6)


def test_training_moves_the_items_by_the_update_alone() -> None:
    method = small(1).fit(IMAGES)
    assert not dict(method.network.named_parameters()).keys() & {"items"}
    assert "items" in method.network.state_dict()
    start = seeded(0, lambda: MNADNetwork((1, 32, 32), 2, 6, 4)).items
    assert not torch.allclose(method.network.items, start)
    torch.testing.assert_close(method.network.items.norm(dim=1), torch.ones(4))


def test_nothing_that_is_asked_after_training_moves_them() -> None:
    method = small().fit(IMAGES)
    before = method.network.items.clone()
    method.calibrate(noise(4, 32, seed=1))
    method.score(noise(4, 32, seed=2))
    method.reconstruct(IMAGES)
    assert torch.equal(before, method.network.items)


def test_the_decoder_sees_queries_and_reads_at_their_places() -> None:
    network = MNADNetwork((1, 32, 32), 2, 6, 4).eval()
    maps = network.queries(IMAGES[:2])
    assert maps.shape == (2, 6, 4, 4)
    read = torch.stack([read_items(maps[:, :, i, j], network.items) for i in range(4) for j in range(4)], dim=2)
    expected = network.decoder(torch.cat([maps, read.unflatten(2, (4, 4))], dim=1))
    torch.testing.assert_close(network(IMAGES[:2])[0], expected)


def test_the_score_is_the_papers_mixture_in_units_of_the_calibration() -> None:
    method, normals, images = small().fit(IMAGES), noise(6, 32, seed=1), noise(3, 32, seed=2)
    method.calibrate(normals)

    def quantities(image: Tensor) -> tuple[float, float]:
        with torch.no_grad():
            picture, queries = method.network(image[None])
        psnr = 10 * math.log10(1 / float(((picture - image) ** 2).mean()))
        distances = [min(math.dist(q.tolist(), item.tolist()) for item in method.network.items) for q in queries]
        return psnr, sum(distances) / len(distances)

    of_normals = [quantities(image) for image in normals]
    (low, near), (high, far) = (tuple(pick(pair[i] for pair in of_normals) for i in (0, 1)) for pick in (min, max))
    for image, score in zip(images, method.score(images), strict=True):
        psnr, distance = quantities(image)
        expected = 0.6 * (1 - (psnr - low) / (high - low)) + 0.4 * (distance - near) / (far - near)
        assert float(score) == pytest.approx(expected, rel=2e-2, abs=2e-2)
    of_calibration = method.score(normals)
    assert of_calibration.min() >= -1e-3
    assert of_calibration.max() <= 1 + 1e-3


def test_a_score_does_not_depend_on_the_images_scored_with_it() -> None:
    method = small().fit(IMAGES)
    torch.testing.assert_close(method.score(IMAGES)[:1], method.score(IMAGES[:1]), rtol=1e-3, atol=1e-3)


def test_one_item_has_no_second_nearest() -> None:
    with pytest.raises(ValueError, match="at least 2 expected, got 1"):
        MNAD(items=1)
