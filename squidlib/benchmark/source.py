"""Source: where the benchmark's images come from; what methods may see lies apart from what only the harness may.

``fit_data`` has no label in it. ``test_set`` has; nothing but the harness asks for it, after a method has answered.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, runtime_checkable

import torch
from torch import Tensor

from squidlib.data.base import TestSet, require_test_set
from squidlib.data.registry import open_dataset

AUGMENTED_EPOCHS = 4  #: augmented versions of each training image that networks are trained on
AUGMENTED_BATCH = 64  #: images that are augmented at once


class FitData(NamedTuple):
    """What a method learns from and answers about; all images in 0..1.

    normals (N, 1, H, W): training images as they are. augmented (M, 1, H, W): augmented versions of them.
    calibration (K, 1, H, W): normal images that training never sees. test_images (T, 1, H, W): the test images.
    """

    normals: Tensor
    augmented: Tensor
    calibration: Tensor
    test_images: Tensor


@runtime_checkable
class Source(Protocol):
    """Gives the images of one data set; can be sent to another process."""

    def fit_data(self, seed: int, augmented: bool = True) -> FitData:
        """What a method sees; ``seed`` chooses the variation. Without ``augmented``, there are none (0, 1, H, W)."""
        ...

    def test_set(self) -> TestSet:
        """The same for every seed, in the order of ``test_images``."""
        ...


@dataclass(frozen=True)
class NamedSource:
    """A data set by the settings that ``open_dataset`` wants."""

    settings: dict[str, Any]

    def fit_data(self, seed: int, augmented: bool = True) -> FitData:
        """``AUGMENTED_EPOCHS`` augmented versions of the training images: of digits, fresh ones."""
        data = open_dataset(self.settings, seed)
        normals = data.reference()
        batches = -(-AUGMENTED_EPOCHS * data.epoch_images // AUGMENTED_BATCH)
        drawn = [data.batch(step, AUGMENTED_BATCH) for step in range(batches if augmented else 0)]
        return FitData(normals, torch.cat([normals[:0], *drawn]), data.calibration(), require_test_set(data).images)

    def test_set(self) -> TestSet:
        """The data set's own."""
        return require_test_set(open_dataset(self.settings, 0))
