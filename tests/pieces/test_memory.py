"""Memory: first in first out for any batch, reading without a loop, resizing, and state that is saved whole."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from squidlib.memory import MemoryMatrix, MemoryQueue, cosine_similarity, dot_similarity, read_memory
from squidlib.shrinkage import topk_shrink


def numbered(first: int, count: int, positions: int = 2) -> Tensor:
    """Features (count, positions, 1) that say when they came: first, first + 1, ...; position p adds 1000 p."""
    when = torch.arange(first, first + count, dtype=torch.float32)[:, None, None]
    return when + 1000.0 * torch.arange(positions)[None, :, None]


@given(slots=st.integers(1, 7), batches=st.lists(st.integers(0, 17), max_size=8))
@settings(deadline=None, max_examples=60)
def test_the_queue_holds_the_newest_features_oldest_first(slots: int, batches: list[int]) -> None:
    queue, came = MemoryQueue(2, slots, 1), 0
    for count in batches:
        queue.push(numbered(came, count))
        came += count
    kept = min(came, slots)
    assert int(queue.filled) == kept
    if kept:
        expected = numbered(came - kept, kept).transpose(0, 1)
        assert torch.equal(queue.contents(), expected)


@given(slots=st.integers(1, 7), count=st.integers(1, 12), resized=st.integers(1, 9), more=st.integers(0, 5))
@settings(deadline=None, max_examples=60)
def test_resizing_keeps_the_newest_and_pushing_goes_on(slots: int, count: int, resized: int, more: int) -> None:
    queue = MemoryQueue(2, slots, 1)
    queue.push(numbered(0, count))
    before = queue.contents()
    queue.resize(resized)
    kept = before[:, -resized:]
    assert torch.equal(queue.contents(), kept)
    queue.push(numbered(count, more))
    expected = torch.cat([kept, numbered(count, more).transpose(0, 1)], dim=1)[:, -resized:]
    assert torch.equal(queue.contents(), expected)


def test_an_empty_queue_is_resized_and_filled() -> None:
    queue = MemoryQueue(2, 4, 1)
    queue.resize(3)
    assert (queue.capacity, int(queue.filled)) == (3, 0)
    queue.push(numbered(0, 2))
    assert torch.equal(queue.contents(), numbered(0, 2).transpose(0, 1))


def test_reading_all_positions_at_once_equals_a_loop() -> None:
    queries, slots = torch.randn(3, 4, 5), torch.randn(4, 6, 5)
    read = read_memory(queries, slots, lambda weights: topk_shrink(weights, 2), dot_similarity, 0.5)
    for b in range(3):
        for r in range(4):
            weights = topk_shrink(torch.softmax(0.5 * slots[r] @ queries[b, r], 0), 2)
            assert torch.allclose(read.weights[b, r], weights, atol=1e-5)
            assert torch.allclose(read.features[b, r], weights @ slots[r], atol=1e-5)


def test_cosine_similarity_ignores_length() -> None:
    queries, slots = torch.randn(2, 3, 4), torch.randn(3, 5, 4)
    assert torch.allclose(cosine_similarity(7 * queries, slots), cosine_similarity(queries, 3 * slots), atol=1e-5)
    assert cosine_similarity(queries, slots).abs().max() <= 1 + 1e-5


def test_cosine_similarity_is_torchs_own_of_every_pair_at_a_position() -> None:
    queries, slots = torch.randn(2, 3, 4), torch.randn(3, 5, 4)
    expected = F.cosine_similarity(queries[:, :, None], slots[None], dim=-1)
    assert torch.allclose(cosine_similarity(queries, slots), expected, atol=1e-5)


@pytest.mark.parametrize("reader", ["function", "queue", "matrix"])
def test_a_reading_by_hand(reader: str) -> None:
    """A query of 1 and slots of 0 and log 3: exp(dot product) is 1 and 3; twice as steep, 1 and 9."""
    slots, queries = torch.tensor([[[0.0], [math.log(3)]]]), torch.ones(1, 1, 1)
    queue, matrix = MemoryQueue(1, 2, 1), MemoryMatrix(1, 2, 1)
    queue.push(slots.transpose(0, 1))
    matrix.load_state_dict({"slots": slots})
    readers = {"function": lambda query, *how: read_memory(query, slots, *how), "queue": queue, "matrix": matrix}
    read = readers[reader](queries, lambda weights: weights)
    assert read.weights.flatten().tolist() == pytest.approx([1 / 4, 3 / 4])
    assert float(read.features.detach()) == pytest.approx(3 / 4 * math.log(3))
    steep = readers[reader](queries, lambda weights: weights, dot_similarity, 2.0)
    assert steep.weights.flatten().tolist() == pytest.approx([1 / 10, 9 / 10])
    alike = readers[reader](queries, lambda weights: weights, lambda query, slot: torch.zeros(1, 1, 2))
    assert alike.weights.flatten().tolist() == [1 / 2, 1 / 2]


def test_a_stored_feature_recalls_itself() -> None:
    queue = MemoryQueue(3, 8, 16)
    features = torch.nn.functional.normalize(torch.randn(5, 3, 16), dim=-1)
    queue.push(features)
    read = queue(features, lambda weights: topk_shrink(weights, 1), cosine_similarity, 50.0)
    assert torch.allclose(read.features, features, atol=1e-5)


def test_unfilled_slots_are_never_read() -> None:
    queue = MemoryQueue(1, 10, 2)
    queue.push(torch.ones(3, 1, 2))
    read = queue(-torch.ones(1, 1, 2), lambda weights: weights)
    assert read.weights.shape == (1, 1, 3)
    assert torch.allclose(read.features, torch.ones(1, 1, 2))


def test_no_gradient_reaches_the_queue_but_the_query_and_the_matrix() -> None:
    queue, matrix, queries = MemoryQueue(2, 4, 3), MemoryMatrix(2, 4, 3), torch.randn(2, 2, 3, requires_grad=True)
    pushed = torch.randn(4, 2, 3, requires_grad=True)
    queue.push(pushed)
    queue(queries, lambda weights: weights).features.sum().backward()
    assert pushed.grad is None
    assert not queue.slots.requires_grad
    assert queries.grad is not None
    assert queries.grad.abs().sum() > 0
    assert list(queue.parameters()) == []
    matrix(queries, lambda weights: weights).features.sum().backward()
    assert matrix.slots.grad is not None


def test_pushing_copies() -> None:
    queue, features = MemoryQueue(1, 2, 2), torch.ones(1, 1, 2)
    queue.push(features)
    features.zero_()
    assert queue.contents().sum() == 2


def test_features_of_another_precision_are_kept_in_the_queues_own() -> None:
    queue = MemoryQueue(1, 2, 2)
    queue.push(torch.full((1, 1, 2), 0.5, dtype=torch.bfloat16))
    queue.push(torch.full((1, 1, 2), 0.1, dtype=torch.float64))
    assert torch.equal(queue.contents(), torch.tensor([[[0.5, 0.5], [0.1, 0.1]]]))


def test_the_counters_are_saved_as_whole_numbers() -> None:
    state = MemoryQueue(1, 2, 2).state_dict()
    assert not any(state[name].is_floating_point() for name in ("pointer", "filled"))


def test_the_pointer_survives_saving() -> None:
    queue, again = MemoryQueue(2, 5, 1), MemoryQueue(2, 5, 1)
    queue.push(numbered(0, 7))
    again.load_state_dict(queue.state_dict())
    for one in (queue, again):
        one.push(numbered(7, 2))
    assert torch.equal(queue.contents(), again.contents())


def test_a_resized_queue_can_be_loaded() -> None:
    queue, again = MemoryQueue(2, 5, 1), MemoryQueue(2, 3, 1)
    queue.push(numbered(0, 4))
    again.load_state_dict(queue.state_dict())
    assert torch.equal(queue.contents(), again.contents())
    assert again.capacity == 5


@pytest.mark.parametrize("features", [1, 3])  # 3: as long as the queue that loads it is
def test_a_longer_queue_is_loaded_whatever_the_length_of_a_feature(features: int) -> None:
    queue, again = MemoryQueue(2, 5, features), MemoryQueue(2, 3, features)
    queue.push(torch.randn(4, 2, features))
    again.load_state_dict(queue.state_dict())
    assert torch.equal(queue.contents(), again.contents())


def test_a_state_that_is_no_queues_is_named_and_not_stumbled_over() -> None:
    queue = MemoryQueue(2, 4, 3)
    with pytest.raises(RuntimeError, match=r'Missing key.*"slots"'):
        queue.load_state_dict({"pointer": torch.tensor(0), "filled": torch.tensor(0)})
    for wrong in (torch.zeros(2), torch.zeros(2, 5), torch.zeros(2, 5, 3, 1)):
        with pytest.raises(RuntimeError, match="size mismatch for slots"):
            queue.load_state_dict({"slots": wrong, "pointer": torch.tensor(0), "filled": torch.tensor(0)})
    assert queue.capacity == 4


def test_a_matrix_starts_as_the_weights_of_a_linear_layer_do() -> None:
    matrix, layer = MemoryMatrix(10, 100, 16).slots, torch.nn.Linear(16, 1000).weight
    for weights in (matrix, layer):  # uniform, up to one over the root of 16
        assert weights.abs().max() <= 1 / 4
        assert weights.max() > 0.249
        assert weights.min() < -0.249
        assert abs(float(weights.mean())) < 0.01


def test_a_global_matrix_is_shared_and_a_space_aware_one_is_not() -> None:
    queries = torch.randn(1, 1, 3).expand(1, 4, 3)
    shared = MemoryMatrix(1, 6, 3)(queries, lambda weights: weights).features
    own = MemoryMatrix(4, 6, 3)(queries, lambda weights: weights).features
    assert torch.allclose(shared[:, 0], shared[:, 3])
    assert not torch.allclose(own[:, 0], own[:, 3])


def test_bad_use_is_named() -> None:
    queue = MemoryQueue(2, 4, 3)
    with pytest.raises(RuntimeError, match="empty; push"):
        queue.contents()
    with pytest.raises(RuntimeError, match="empty; push"):
        queue(torch.rand(1, 2, 3), lambda weights: weights)
    with pytest.raises(ValueError, match=r"\(B, 2, 3\) expected, got \(5, 3, 3\)"):
        queue.push(torch.rand(5, 3, 3))
    with pytest.raises(ValueError, match="at least 1 slot, got 0"):
        queue.resize(0)


@pytest.mark.parametrize("module", [MemoryQueue, MemoryMatrix])
@pytest.mark.parametrize("name", ["positions", "slots", "features"])
def test_a_memory_of_none_is_refused_and_one_of_one_is_made(module: type[torch.nn.Module], name: str) -> None:
    sizes = {"positions": 1, "slots": 1, "features": 1}
    assert module(**sizes).slots.shape == (1, 1, 1)
    with pytest.raises(ValueError, match=f"at least 1 of each, got .*{name}=0"):
        module(**(sizes | {name: 0}))
