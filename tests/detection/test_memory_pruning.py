"""Cleaning a memory: the odd slots go, the others stay as they were, and nothing else of a detector changes."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from squidlib.detection.memory_pruning import cleaned, drop_isolated, isolation
from tests.conftest import tiny_config
from tests.helpers import noise, untrained


def crowded(odd: int = 3, seed: int = 0) -> tuple[Tensor, Tensor]:
    """(2, 20, 8) slots along one axis but for ``odd`` of them at each position, and where those are: (2, odd)."""
    generator = torch.Generator().manual_seed(seed)
    slots = 0.1 * torch.randn(2, 20, 8, generator=generator)
    slots[..., 0] += 1
    places = torch.stack([torch.randperm(20, generator=generator)[:odd] for _ in range(2)])
    for position in range(2):
        slots[position, places[position]] = torch.eye(8)[1] + 0.01 * torch.randn(odd, 8, generator=generator)
    return slots, places


@given(odd=st.integers(1, 6), seed=st.integers(0, 1000))
@settings(max_examples=30, deadline=None)
def test_odd_slots_go_even_if_they_are_like_each_other(odd: int, seed: int) -> None:
    slots, places = crowded(odd, seed)
    kept = drop_isolated(slots, odd, nearest=10)
    for position in range(2):
        rest = [index for index in range(20) if index not in places[position].tolist()]
        assert torch.equal(kept[position], slots[position, rest])


def test_a_crowd_of_three_hides_from_its_nearest_neighbour_but_not_from_half_of_all() -> None:
    slots, places = crowded()
    odd = torch.zeros(2, 20, dtype=torch.bool).scatter(1, places, True)
    assert isolation(slots, 1)[odd].max() < isolation(slots, 1)[~odd].min()
    assert isolation(slots, 10)[odd].min() > isolation(slots, 10)[~odd].max()


def test_isolation_looks_at_directions_only_and_never_at_itself() -> None:
    slots, _ = crowded()
    assert torch.allclose(isolation(slots, 5), isolation(7 * slots, 5), atol=1e-6)
    assert float(isolation(torch.eye(4)[None], 1).min()) == pytest.approx(1.0)


def test_positions_do_not_see_each_other() -> None:
    slots, _ = crowded()
    other = torch.stack([slots[0], torch.randn(20, 8, generator=torch.Generator().manual_seed(1))])
    assert torch.equal(isolation(slots, 5)[0], isolation(other, 5)[0])


@pytest.mark.parametrize("nearest", [0, 20])
def test_nearest_out_of_range_is_named(nearest: int) -> None:
    with pytest.raises(ValueError, match=r"nearest must be 1\.\.19"):
        isolation(crowded()[0], nearest)


@pytest.mark.parametrize("count", [-1, 20])
def test_a_count_out_of_range_is_named(count: int) -> None:
    with pytest.raises(ValueError, match=f"can be dropped, got {count}"):
        drop_isolated(crowded()[0], count, 5)


def test_a_cleaned_detector_has_fewer_slots_and_the_same_weights_and_the_old_one_is_left_alone() -> None:
    config, normals = tiny_config(slots=10), noise(10, 24)
    detector = untrained(config, normals)
    before = detector.score(normals)
    fewer = cleaned(detector, noise(12, 24, seed=1), share=0.3)
    memory = detector.squid.inpainting.memory
    assert fewer.squid.inpainting.memory.contents().shape[1] == 7
    assert torch.equal(fewer.squid.inpainting.memory.contents(), drop_isolated(memory.contents(), 3, nearest=5))
    assert torch.equal(detector.score(normals), before)
    assert memory.contents().shape[1] == 10
    learned = dict(detector.squid.named_parameters())
    assert all(torch.equal(value, learned[name]) for name, value in fewer.squid.named_parameters())


def test_a_cleaned_detector_is_calibrated_on_the_held_out_images() -> None:
    detector, held_out = untrained(tiny_config(slots=10), noise(10, 24)), noise(12, 24, seed=1)
    fewer = cleaned(detector, held_out, share=0.3)
    assert torch.allclose(fewer.normal_scores(), fewer.score(held_out), atol=1e-4)


def test_dropping_nothing_changes_no_score() -> None:
    normals = noise(10, 24)
    detector = untrained(tiny_config(slots=10), normals)
    assert torch.allclose(cleaned(detector, normals, share=0.0).score(normals), detector.score(normals), atol=1e-4)


@pytest.mark.parametrize("share", [-0.1, 1.0])
def test_a_share_out_of_range_is_named(share: float) -> None:
    detector = untrained(tiny_config(slots=10), noise(10, 24))
    with pytest.raises(ValueError, match=f"got {share}"):
        cleaned(detector, noise(4, 24), share)
