"""Right answers of other kinds than the solution's: checks of lesson 14 must not refuse them."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from squidlib.patches import cut
from squidlib.teaching import checks


class Deviations:
    """How far what is ``described`` is from its mean over normal images, in deviations."""

    name = "deviations"

    def fit(self, normals: Tensor, seed: int = 0, progress: Any = range, augmented: Tensor | None = None) -> Deviations:
        found = self.described(normals)
        self.mean, self.spread = found.mean(0), found.std(0) + 1e-3
        return self

    def score(self, images: Tensor) -> Tensor:
        return ((self.described(images) - self.mean) / self.spread).square().mean(1).sqrt()

    def described(self, images: Tensor) -> Tensor:
        return F.avg_pool2d(images, 4).flatten(1)


class Edges(Deviations):
    """What a negative has in common with its image, were it not moved."""

    def described(self, images: Tensor) -> Tensor:
        return F.avg_pool2d(images.diff(dim=-1).abs(), 8).flatten(1)


class Contrast(Deviations):
    """Of every tile; a negative has the same."""

    def described(self, images: Tensor) -> Tensor:
        return cut(images, 3).flatten(2).std(2)


@pytest.mark.parametrize("method", [Deviations, Edges, Contrast])
def test_a_reasonable_method_of_ones_own_passes(method: type[Deviations]) -> None:
    report = checks.own_method(method)
    assert report.passed, str(report)


def test_a_distance_in_double_precision_passes() -> None:
    def precise(normals: Tensor, features: Tensor, extra: float) -> Tensor:
        normals, away = normals.double(), features.double() - normals.double().mean(0)
        inverse = torch.linalg.inv(torch.cov(normals.T) + extra * torch.eye(normals.shape[1]))
        return (away @ inverse * away).sum(1).sqrt()

    report = checks.mahalanobis(precise)
    assert report.passed, str(report)
