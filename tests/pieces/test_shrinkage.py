"""Shrinkage: golden values, exact sparsity, and the gradient that passes straight through."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from squidlib.shrinkage import hard_shrink, topk_shrink, topk_shrink_by

GOLDEN = torch.tensor([[0.4, 0.3, 0.2, 0.1]])


def rows(seed: int, slots: int) -> torch.Tensor:
    return torch.softmax(3 * torch.randn(4, slots, generator=torch.Generator().manual_seed(seed)), dim=-1)


def test_golden_values_of_hard_shrinkage() -> None:
    expected = torch.tensor([[4 / 7, 3 / 7, 0, 0]])
    assert torch.allclose(hard_shrink(GOLDEN, 0.25), expected, atol=1e-6)
    assert torch.allclose(hard_shrink(GOLDEN, 0.0), GOLDEN, atol=1e-6)
    assert hard_shrink(GOLDEN, 0.5).sum() == 0  # nothing is recalled
    assert hard_shrink(torch.tensor([[0.5, 0.25, 0.25]]), 0.25).tolist() == [[1, 0, 0]]  # at the threshold is not above
    assert hard_shrink(torch.tensor([[1.0, 0.0]]), 1.0).tolist() == [[0, 0]]


def test_golden_values_of_topk_shrinkage() -> None:
    assert torch.allclose(topk_shrink(GOLDEN, 1), torch.tensor([[1.0, 0, 0, 0]]), atol=1e-6)
    assert torch.allclose(topk_shrink(GOLDEN, 3), torch.tensor([[4 / 9, 3 / 9, 2 / 9, 0]]), atol=1e-6)
    assert torch.allclose(topk_shrink(GOLDEN, 4), GOLDEN, atol=1e-6)


@given(seed=st.integers(0, 1000), slots=st.integers(1, 12), data=st.data())
@settings(deadline=None, max_examples=50)
def test_exactly_k_slots_survive_and_sum_to_one(seed: int, slots: int, data: st.DataObject) -> None:
    k = data.draw(st.integers(1, slots))
    weights = rows(seed, slots)
    shrunk = topk_shrink(weights, k, straight_through=False)
    assert ((shrunk > 0).sum(-1) == k).all()
    assert torch.allclose(shrunk.sum(-1), torch.ones(4), atol=1e-5)
    kept, dropped = weights[shrunk > 0], weights[shrunk == 0]
    assert not len(dropped) or all(
        w[s > 0].min() >= w[s == 0].max() for w, s in zip(weights, shrunk, strict=True) if (s == 0).any()
    )
    assert len(kept) == 4 * k


@given(seed=st.integers(0, 1000), threshold=st.floats(0, 0.5))
@settings(deadline=None, max_examples=50)
def test_hard_shrinkage_keeps_what_is_above_the_threshold(seed: int, threshold: float) -> None:
    weights = rows(seed, 6)
    shrunk = hard_shrink(weights, threshold)
    clear = (weights - threshold).abs() > 1e-5
    assert ((shrunk > 0) == (weights > threshold))[clear].all()


def test_the_gradient_reaches_dropped_slots_only_straight_through() -> None:
    downstream = torch.tensor([[1.0, 2.0, 3.0, 4.0]])
    soft = GOLDEN.clone().requires_grad_()
    (topk_shrink(soft, 2) * downstream).sum().backward()
    assert torch.equal(soft.grad, downstream)  # as if nothing had been removed
    hard = GOLDEN.clone().requires_grad_()
    (topk_shrink(hard, 2, straight_through=False) * downstream).sum().backward()
    assert hard.grad is not None
    assert (hard.grad[0, 2:] == 0).all()
    assert (hard.grad[0, :2] != 0).all()


def test_the_hard_gradients_are_those_of_finite_differences() -> None:
    weights = rows(1, 6).double().requires_grad_()
    assert torch.autograd.gradcheck(lambda w: topk_shrink(w, 3, straight_through=False), weights)
    assert torch.autograd.gradcheck(lambda w: hard_shrink(w, 0.1), weights)


@pytest.mark.parametrize("k", [0, -1, 5])
def test_an_impossible_k_is_named(k: int) -> None:
    with pytest.raises(ValueError, match=rf"1\.\.4 .*got {k}"):
        topk_shrink(GOLDEN.expand(2, 3, 4), k)


@pytest.mark.parametrize("threshold", [-0.1, 1.5, float("nan")])
def test_an_impossible_threshold_is_named(threshold: float) -> None:
    with pytest.raises(ValueError, match=r"0\.\.1, got"):
        hard_shrink(GOLDEN, threshold)


@pytest.mark.parametrize("k", [1, 3, 9])
def test_k_as_a_tensor_keeps_the_same_slots_and_one_above_their_number_all(k: int) -> None:
    weights = rows(5, 9)
    expected = topk_shrink(weights, k, straight_through=False)
    assert torch.allclose(topk_shrink_by(weights, torch.tensor(k)), expected, atol=1e-6)
    assert torch.allclose(topk_shrink_by(weights, torch.tensor(10 + k)), weights, atol=1e-6)


def test_of_equal_weights_exactly_k_are_kept() -> None:
    shrunk = topk_shrink_by(torch.full((1, 8), 0.125), torch.tensor(3))
    assert sorted(shrunk[0].tolist()) == pytest.approx([0] * 5 + [1 / 3] * 3)


def test_a_threshold_as_a_tensor_shrinks_as_its_number() -> None:
    weights = rows(6, 9)
    assert torch.equal(hard_shrink(weights, torch.tensor(0.125)), hard_shrink(weights, 0.125))


@pytest.mark.parametrize("shrink", [
    lambda weights: hard_shrink(weights, 0.2),
    lambda weights: topk_shrink(weights, 2),
    lambda weights: topk_shrink_by(weights, torch.tensor(2)),
])  # fmt: skip
def test_every_row_is_shrunk_for_itself_however_many_dimensions_lead(shrink: Callable[..., torch.Tensor]) -> None:
    weights = torch.softmax(3 * torch.randn(2, 3, 7, generator=torch.Generator().manual_seed(2)), dim=-1)
    alone = [[shrink(row[None])[0] for row in rows_of_one] for rows_of_one in weights]
    assert torch.allclose(shrink(weights), torch.stack([torch.stack(some) for some in alone]), atol=1e-6)


def test_shrinkage_takes_place_on_the_device_of_the_weights() -> None:
    weights = torch.empty(2, 5, device="meta")  # a device that every machine has
    assert topk_shrink_by(weights, torch.tensor(2, device="meta")).device.type == "meta"
