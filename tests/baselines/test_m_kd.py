"""M-KD: the imitation loss and the map by their formulas; the teacher never moves."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from squidlib.baselines import MultiresolutionDistillation, m_kd
from tests.fitted_toys import NORMALS, distillation, small_teacher


def maps(seed: int) -> list[Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(2, 3, 4, 4, generator=generator), torch.randn(2, 5, 2, 2, generator=generator)]


def test_imitation_is_perfect_where_all_features_are_equal() -> None:
    torch.testing.assert_close(m_kd.imitation_loss(maps(0), maps(0)), torch.zeros(2), atol=1e-6, rtol=0)
    found = m_kd.difference_map(maps(0), maps(0), (8, 8))
    torch.testing.assert_close(found, torch.zeros(2, 1, 8, 8), atol=1e-6, rtol=0)


def test_imitation_loss_is_its_formula_depth_by_depth() -> None:
    expected = []
    for image in range(2):
        total = 0.0
        for ours, theirs in zip(maps(0), maps(1), strict=True):
            s, t = ours[image].numpy().ravel(), theirs[image].numpy().ravel()
            total += 1 - s @ t / (np.linalg.norm(s) * np.linalg.norm(t)) + 0.01 * ((s - t) ** 2).mean()
        expected.append(total)
    np.testing.assert_allclose(m_kd.imitation_loss(maps(0), maps(1)).numpy(), expected, rtol=1e-5)


def test_a_difference_at_one_place_is_mapped_to_that_place() -> None:
    ours = maps(0)
    ours[1][:, :, 0, 1] *= -1
    found = m_kd.difference_map(ours, maps(0), (8, 8))
    assert float(found[:, :, :2, 6:].min()) > 1
    assert float(found[:, :, 6:].abs().max()) < 1e-5


def test_the_map_counts_values_where_directions_agree() -> None:
    level = torch.full((1, 4, 2, 2), 3.0)
    found = m_kd.difference_map([2 * level], [level], (2, 2))
    torch.testing.assert_close(found, torch.full((1, 1, 2, 2), 0.01 * 9.0), atol=1e-6, rtol=1e-5)


def test_training_moves_the_student_and_never_the_teacher() -> None:
    method = distillation(5)
    before = {name: value.clone() for name, value in method.teacher.state_dict().items()}
    first = distillation(1).fit(NORMALS).score(NORMALS).mean()
    last = distillation(40).fit(NORMALS).score(NORMALS).mean()
    assert last < 0.9 * first
    method.fit(NORMALS)
    assert all(torch.equal(value, before[name]) for name, value in method.teacher.state_dict().items())


def test_a_teacher_of_a_side_that_its_strides_do_not_divide_is_named() -> None:
    with pytest.raises(ValueError, match="multiple of 32, got 40"):
        MultiresolutionDistillation(small_teacher(40))
