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
VALIDATION_IMAGES = 128
_CALIBRATION_SEED, _TEST_SEED, _VALIDATION_SEED = 11, 12, 13


@runtime_checkable
class NormalData(Protocol):
    """What training needs to know of a data set of normal images."""

    def batch(self, step: int, size: int) -> Tensor:
        """Training images of one step: (size, 1, H, W) in 0..1, a function of the step alone.

        They are the images step * size, ... of an endless stream, so that ``batch(2 * step + 1, size // 2)`` is the
        second half of ``batch(step, size)``: so do two processes share a batch.
        """
        ...

    def reference(self) -> Tensor:
        """Training images without augmentation, to fill the memory with at the end."""
        ...

    def calibration(self) -> Tensor:
        """Normal images that training never sees."""
        ...


@runtime_checkable
class Validates(Protocol):
    """Normal data that also holds images back to validate on while training."""

    def validation(self) -> Tensor:
        """Normal images (V, 1, H, W) in 0..1 that are neither trained on nor calibrated on."""
        ...


class Digits:
    """DigitAnatomy as ``NormalData``.

    Args:
        glyphs: cut by ``Glyphs.split`` into train, calibration and test; None is the offline MNIST.
        seed: of the training images.
        jitter: how training tiles are varied.
        held_back: share of the training glyphs that are not trained on, but composed into ``validation``; the
            calibration and the test glyphs stay what they are.
    """

    def __init__(
        self, glyphs: Glyphs | None = None, seed: int = 0, jitter: Jitter | None = None, held_back: float = 0.0
    ) -> None:
        self.glyphs = (mnist5000() if glyphs is None else glyphs).split()
        self._held: Glyphs | None = None
        if held_back:
            train, self._held = _without(self.glyphs.train, held_back)
            self.glyphs = self.glyphs._replace(train=train)
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

    def validation(self) -> Tensor:
        """Normal images of the glyphs that were held back.

        Raises:
            ValueError: where none were.
        """
        if self._held is None:
            raise ValueError("no glyph is held back to validate on; make the data with held_back=0.1")
        return DigitAnatomy(self._held, {"normal": VALIDATION_IMAGES}, _VALIDATION_SEED).images()

    def test(self) -> DigitAnatomy:
        return DigitAnatomy(self.glyphs.test, TEST_COUNTS, _TEST_SEED)


def _without(glyphs: Glyphs, share: float) -> tuple[Glyphs, Glyphs]:
    """The glyphs less the last share of every digit's, and those; the order is that of the files, not of a run."""
    if not 0 < share < 1:
        raise ValueError(f"the share of glyphs to hold back lies between 0 and 1, got {share}")
    own = [glyphs.indices(digit) for digit in range(10)]
    held = torch.cat([indices[len(indices) - max(1, round(share * len(indices))) :] for indices in own]).sort().values
    stay = torch.ones(len(glyphs), dtype=torch.bool)
    stay[held] = False
    return glyphs.subset(torch.nonzero(stay).flatten()), glyphs.subset(held)
