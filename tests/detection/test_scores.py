"""Scores: what blurring does at the border, by hand."""

from __future__ import annotations

import torch

from squidlib.detection.scores import blur


def test_blurring_averages_over_what_is_inside() -> None:
    corner = torch.zeros(1, 2, 3, 4)
    corner[0, 1, 0, 0] = 36.0
    expected = [[9.0, 6.0, 0.0, 0.0], [6.0, 4.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]]  # of 4, 6, 6 and 9 pixels
    assert torch.allclose(blur(corner)[0, 1], torch.tensor(expected))
    assert not blur(corner)[0, 0].any()
    assert torch.allclose(blur(torch.full((1, 1, 5, 1), 0.3)), torch.tensor(0.3))
