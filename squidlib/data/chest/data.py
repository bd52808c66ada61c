"""Chest X-rays as the trainer and the evaluation want them: ``NormalData`` of ``squidlib.data.digits``, and a test
set."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor

from digitanatomy import seeded_generator
from squidlib.data.chest.arrays import ChestArrays
from squidlib.data.chest.augment import NUMBERS, Augmentation, augment
from squidlib.data.chest.splits import contaminate, hold_back


class ChestData:
    """Training batches, calibration normals and the test set of one chest data set.

    Every epoch shows each training image once, in an order of its own; image i of the endless stream is a function of
    (seed, i) alone, so a batch is one of (seed, step).

    Args:
        arrays: of ``open_images`` or ``pneumoniamnist``.
        seed: of the order and the augmentation.
        augmentation: None is the published one.
        dirty: which training images are abnormal, where some are; see ``contaminated``.
        held: images to validate on; see ``holding_back``.

    Attributes:
        dirty: (N,) bool, all False for a clean set: to look at, never to learn from.
    """

    def __init__(
        self,
        arrays: ChestArrays,
        seed: int = 0,
        augmentation: Augmentation | None = None,
        dirty: np.ndarray | None = None,
        held: np.ndarray | None = None,
    ) -> None:
        self._held = held
        self.arrays, self.seed = arrays, seed
        self.augmentation = Augmentation() if augmentation is None else augmentation
        self.dirty = np.zeros(len(arrays.train), dtype=bool) if dirty is None else dirty
        self._order = lru_cache(maxsize=2)(self._shuffled)

    def __len__(self) -> int:
        """Training images, which is an epoch."""
        return len(self.arrays.train)

    def batch(self, step: int, size: int) -> Float[Tensor, "B 1 H W"]:
        """Augmented training images of one step, in 0..1.

        Raises:
            ValueError: where the step is negative or the size is below one.
        """
        if step < 0 or size < 1:
            raise ValueError(f"steps count from 0 and a batch holds at least one image, got {step=}, {size=}")
        places = range(step * size, (step + 1) * size)
        rows = [self._order(place // len(self))[place % len(self)] for place in places]
        uniform = [torch.rand(NUMBERS, generator=seeded_generator(self.seed, 2 * place)) for place in places]
        return augment(as_tensor(self.arrays.train[rows]), torch.stack(uniform), self.augmentation)

    def reference(self) -> Float[Tensor, "N 1 H W"]:
        """All training images as they are, in 0..1."""
        return as_tensor(self.arrays.train)

    def calibration(self) -> Float[Tensor, "K 1 H W"]:
        """Normal images that training never sees, in 0..1; of a contaminated set, as dirty as training."""
        return as_tensor(self.arrays.calibration)

    def validation(self) -> Float[Tensor, "V 1 H W"]:
        """Normal images that were held back from training, in 0..1.

        Raises:
            ValueError: where none were.
        """
        if self._held is None:
            raise ValueError("no image is held back to validate on; make the data with holding_back(share)")
        return as_tensor(self._held)

    def holding_back(self, share: float) -> ChestData:
        """The same data less a share of its training patients, whose images ``validation`` gives.

        Raises:
            UserError: where there are too few patients for that.
            ValueError: where the set is contaminated: only normals are to be validated on.
        """
        if self.dirty.any():
            raise ValueError("of a contaminated set nobody knows which images are normal; hold back before, or not")
        arrays, held = hold_back(self.arrays, share)
        return ChestData(arrays, self.seed, self.augmentation, held=held)

    def test(self) -> tuple[Float[Tensor, "T 1 H W"], Int64[Tensor, "T"]]:
        """Test images in 0..1 and their labels, 0 normal and 1 abnormal. Nothing may be chosen by them."""
        return as_tensor(self.arrays.test), torch.from_numpy(self.arrays.labels.copy())

    def contaminated(self, share: int, seed: int = 0, images: int | None = None) -> ChestData:
        """True UAD (paper: section 5.3): the same data with unlabelled abnormals among training and calibration.

        Args:
            share: per cent of the images that are *normal*, as in the paper's figure: 100 is clean, 50 half dirty.
            seed: which images.
            images: size of the training set; None is as many as now. Calibration shrinks in proportion.

        Raises:
            UserError: where there are too few images or patients for that; ask for fewer.
            ValueError: where the share is out of range.
        """
        train, calibration, dirty = contaminate(self.arrays, share, seed, images)
        mixed = replace(self.arrays, train=train, calibration=calibration, patients=())
        return ChestData(mixed, self.seed, self.augmentation, dirty)

    def _shuffled(self, epoch: int) -> list[int]:
        # Odd numbers; the augmentation has the even ones.
        return torch.randperm(len(self), generator=seeded_generator(self.seed, 2 * epoch + 1)).tolist()


def as_tensor(images: np.ndarray) -> Float[Tensor, "N 1 H W"]:
    """uint8 (N, H, W) in 0..255, of which a copy is made, to (N, 1, H, W) in 0..1."""
    return torch.from_numpy(np.array(images))[:, None].to(torch.float32) / 255
