"""Chest reconstruction: three claims as numbers, on detectors whose answers are known beforehand."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from squidlib.teaching.studies.chest_reconstruction import claims


class Known:
    """A detector that gives back what ``answer`` says and calls abnormal what is bright."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def predict(self, images: Tensor, rate: float) -> Any:
        score = images.mean((1, 2, 3))
        return SimpleNamespace(reconstruction=self.answer(images), abnormal=score > 0.5, score=score)


@pytest.fixture
def images() -> Tensor:
    """Twenty dark normal images and twenty bright abnormal ones."""
    noise = 0.1 * torch.rand(40, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    return torch.cat([0.2 + noise[:20], 0.8 + noise[20:]])


ABNORMAL = torch.arange(40) >= 20


@pytest.mark.usefixtures("as_users")
def test_who_gives_everything_back_reconstructs_normal_images_and_abnormal_ones(images: Tensor) -> None:
    found = claims(Known(lambda x: x), images[:20], images, ABNORMAL)  # type: ignore[arg-type]
    assert found["error"] == 0 < found["error_of_mean"]
    assert (found["called"], found["called_again"], found["called_normal"]) == (1.0, 1.0, 0.0)
    assert found["difference"] == 0.5
    assert found["default"] == 1.0


@pytest.mark.usefixtures("as_users")
def test_who_gives_the_normal_image_back_makes_an_abnormal_one_normal(images: Tensor) -> None:
    normal = images[:20].mean(0)
    found = claims(Known(lambda x: normal.expand_as(x)), images[:20], images, ABNORMAL)  # type: ignore[arg-type]
    assert found["error"] == pytest.approx(found["error_of_mean"])
    assert (found["called"], found["called_again"]) == (1.0, 0.0)
    assert found["difference"] == 1.0
