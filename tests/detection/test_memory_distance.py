"""Memory distance: the three nearest slots, a position's own or also those around it, counted one by one."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Generator

from squidlib.detection.memory_distance import memory_distance


@pytest.mark.parametrize("reach", [0, 1, 2])
def test_it_is_one_minus_the_mean_cosine_to_the_three_nearest(reach: int) -> None:
    generator = Generator().manual_seed(0)
    queries, slots = torch.randn(3, 12, 5, generator=generator), torch.randn(12, 7, 5, generator=generator)
    found = memory_distance(queries, slots, (3, 4), reach)
    for image in range(3):
        for position in range(12):
            row, column = divmod(position, 4)
            cosines = [
                float(F.cosine_similarity(queries[image, position], slot, dim=0))
                for other in range(12)
                if max(abs(other // 4 - row), abs(other % 4 - column)) <= reach
                for slot in slots[other]
            ]
            assert float(found[image, position]) == pytest.approx(1 - sum(sorted(cosines)[-3:]) / 3, abs=1e-5)


def test_a_memory_of_one_slot_is_read_too() -> None:
    queries = torch.randn(2, 4, 5, generator=Generator().manual_seed(1))
    slots = queries[0][:, None]
    assert memory_distance(queries, slots, 2)[0].abs().max() < 1e-6
    assert memory_distance(queries, slots, 2, 1)[0].abs().max() < 1e-6
