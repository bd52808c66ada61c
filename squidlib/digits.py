"""DigitAnatomy as the trainer and the evaluation want it: training batches, calibration normals, the test set.

The evaluation set is fixed here (400 normals, 200 images of each kind, test glyphs), so that every figure in the
README, the notebooks and the tests is about the same images.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from digitanatomy import ANOMALIES, DigitAnatomy, FreshNormals, Glyphs, Jitter, join_tiles, mnist5000

EPOCH_IMAGES = 1600  #: fresh normals an epoch, as in the authors' configuration
CALIBRATION_IMAGES = 256
TEST_COUNTS = {"normal": 400, **dict.fromkeys(ANOMALIES, 200)}
_CALIBRATION_SEED, _TEST_SEED = 11, 12


@runtime_checkable
class NormalData(Protocol):
    """What training needs to know of a data set of normal images."""

    def batch(self, step: int, size: int) -> Tensor:
        """Training images of one step: (size, 1, H, W) in 0..1, a function of the step alone."""
        ...

    def reference(self) -> Tensor:
        """Training images without augmentation, to fill the memory with at the end."""
        ...

    def calibration(self) -> Tensor:
        """Normal images that training never sees."""
        ...


class Digits:
    """DigitAnatomy as ``NormalData``.

    Args:
        glyphs: cut by ``Glyphs.split`` into train, calibration and test; None is the offline MNIST.
        seed: of the training images.
        jitter: how training tiles are varied.
    """

    def __init__(self, glyphs: Glyphs | None = None, seed: int = 0, jitter: Jitter | None = None) -> None:
        self.glyphs = (mnist5000() if glyphs is None else glyphs).split()
        self.fresh = FreshNormals(self.glyphs.train, seed, jitter)

    def batch(self, step: int, size: int) -> Tensor:
        return self.fresh.batch(step * size, size)

    def reference(self) -> Tensor:
        """Image i shows the i-th training sample of every digit."""
        train = self.glyphs.train
        own = [train.indices(digit) for digit in range(1, 10)]
        shortest = min(len(indices) for indices in own)
        return join_tiles(torch.stack([train.tiles[indices[:shortest]] for indices in own], dim=1))

    def calibration(self) -> Tensor:
        return DigitAnatomy(self.glyphs.calibration, {"normal": CALIBRATION_IMAGES}, _CALIBRATION_SEED).images()

    def test(self) -> DigitAnatomy:
        return DigitAnatomy(self.glyphs.test, TEST_COUNTS, _TEST_SEED)
