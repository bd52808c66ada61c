"""Chest X-rays as a ``Dataset``: training batches, calibration normals, the test set."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from digitanatomy import NORMAL, seeded_generator
from squidlib.data.base import ABNORMAL, TestSet
from squidlib.data.chest.acquisition import half_varied, under_every_shift, varied
from squidlib.data.chest.arrays import ChestArrays
from squidlib.data.chest.augment import NUMBERS, Augmentation, augment
from squidlib.data.chest.sources import source_rarity
from squidlib.data.chest.splits import contaminate, hold_back
from squidlib.data.content import Part
from squidlib.data.large_sets import held_out_of, large_set_notes, reference_of

VARIED = 1 << 40  #: a stream of random numbers beside those of the batches; those of the acquisition follow
PICTURED_ABNORMAL = 3  #: abnormal X-rays in the picture of a benchmark


class ChestData:
    """Training batches, calibration normals and the test set of one chest data set.

    Every epoch shows each training image once, in an order of its own; image i of the endless stream is a function of
    (seed, i) alone, so a batch is one of (seed, step).

    Args:
        arrays: of ``open_images`` or ``pneumoniamnist``.
        seed: of the order and the augmentation.
        augmentation: None is the published one.
        contaminated_rows: which training images are abnormal, where some are; see ``contaminated``.
        held: images to validate on; see ``holding_back``.
        settings: that it was made of, where it was made by name.
        acquisition: whether training images are also varied as other machines would have given them, see
            ``squidlib.data.chest.acquisition``.

    Attributes:
        contaminated_rows: (N,) bool, all False for a clean set: to look at, never to learn from.
    """

    photographic = True

    def __init__(
        self,
        arrays: ChestArrays,
        seed: int = 0,
        augmentation: Augmentation | None = None,
        contaminated_rows: np.ndarray | None = None,
        held: np.ndarray | None = None,
        settings: dict[str, Any] | None = None,
        acquisition: bool = False,
    ) -> None:
        self._held = held
        self.acquisition = acquisition
        self.settings = {} if settings is None else settings
        self.arrays, self.seed = arrays, seed
        self.augmentation = Augmentation() if augmentation is None else augmentation
        none = np.zeros(len(arrays.train), dtype=bool)
        self.contaminated_rows = none if contaminated_rows is None else contaminated_rows
        self._order = lru_cache(maxsize=2)(self._shuffled)

    def __len__(self) -> int:
        """Training images."""
        return len(self.arrays.train)

    @property
    def epoch_images(self) -> int:
        """Every training image once."""
        return len(self)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Channels, height and width."""
        return 1, self.arrays.size, self.arrays.size

    @property
    def notes(self) -> tuple[str, ...]:
        """What was left out, and what is worth knowing."""
        large = large_set_notes(len(self.arrays.train), len(self.arrays.calibration))
        return (*self.arrays.skipped, *self.arrays.notes, *large)

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
        images = augment(as_tensor(self.arrays.train[rows]), torch.stack(uniform), self.augmentation)
        # every second image as it is: what is normal here stays what is seen most often
        if self.acquisition:
            changed = [index for index, place in enumerate(places) if place % 2]
            generators = [seeded_generator(self.seed, VARIED + places[index]) for index in changed]
            images[changed] = varied(images[changed], generators)
        return images

    def reference(self) -> Float[Tensor, "N 1 H W"]:
        """All training images as they are, in 0..1; of a large set, ``MOST_REFERENCE`` of them."""
        return as_tensor(reference_of(self.arrays.train))

    def varied_reference(self) -> Float[Tensor, "N 1 H W"]:
        """``reference``, every second image as another acquisition would have given it, where that is asked.

        Which acquisition depends on the seed.
        """
        return half_varied(self.reference(), self.seed) if self.acquisition else self.reference()

    def shifted_calibration(self) -> list[Tensor]:
        """The calibration images under every shift of ``SHIFTS``, where that is asked; the same in every run."""
        return under_every_shift(self.calibration()) if self.acquisition else []

    def calibration(self) -> Float[Tensor, "K 1 H W"]:
        """Normal images that training never sees, in 0..1; of a contaminated set, as contaminated as training.

        Of a large set, ``MOST_HELD_OUT`` of them.
        """
        return as_tensor(held_out_of(self.arrays.calibration))

    def validation(self) -> Float[Tensor, "V 1 H W"]:
        """Normal images that were held back from training, in 0..1.

        Raises:
            ValueError: where none were.
        """
        if self._held is None:
            raise ValueError("no image is held back to validate on; make the data with holding_back(share)")
        return as_tensor(held_out_of(self._held))

    def holding_back(self, share: float) -> ChestData:
        """The same data less a share of its training patients, whose images ``validation`` gives.

        Raises:
            UserError: where there are too few patients for that.
            ValueError: where the set is contaminated: only normals are to be validated on.
        """
        if self.contaminated_rows.any():
            raise ValueError("of a contaminated set nobody knows which images are normal; hold back before, or not")
        arrays, held = hold_back(self.arrays, share)
        return ChestData(
            arrays, self.seed, self.augmentation, held=held, settings=self.settings, acquisition=self.acquisition
        )

    def test(self) -> TestSet | None:
        """Test images; the first normal and the first three abnormal ones are pictured. None where there are none."""
        labels = self.arrays.labels
        if not len(labels):
            return None
        types = list(self.arrays.test_types) or [ABNORMAL if label else NORMAL for label in labels.tolist()]
        pictured = [*np.flatnonzero(labels == 0)[:1].tolist(), *np.flatnonzero(labels)[:PICTURED_ABNORMAL].tolist()]
        ids = list(self.arrays.test_names) or [f"test image {number}" for number in range(len(types))]
        sources, normals = list(self.arrays.test_sources), self.arrays.train_sources
        rarity = torch.tensor(source_rarity(normals, sources)) if sources and normals else None
        images = as_tensor(self.arrays.test)
        return TestSet(images, types, None, None, pictured, ids, sources, rarity)

    def contents(self) -> dict[str, Part]:
        """What the files hold, as ``squidlib.data.content`` wants it."""
        found = {"training": Part(self.arrays.train), "calibration": Part(self.arrays.calibration)}
        if self._held is not None:
            found["validation"] = Part(self._held)
        known = (map(str, self.arrays.labels.tolist()), self.arrays.test_types, self.arrays.test_sources)
        return found | {"test": Part(self.arrays.test, [name for column in known for name in column])}

    def contaminated(self, share: int, seed: int = 0, images: int | None = None) -> ChestData:
        """True UAD (paper: section 5.3): the same data with unlabelled abnormals among training and calibration.

        Args:
            share: per cent of the images that are *normal*, as in the paper: 100 is clean, 50 half contaminated.
            seed: which images.
            images: size of the training set; None is as many as now. Calibration shrinks in proportion.

        Raises:
            UserError: where there are too few images or patients for that; ask for fewer.
            ValueError: where the share is out of range.
        """
        train, calibration, rows = contaminate(self.arrays, share, seed, images)
        mixed = replace(self.arrays, train=train, calibration=calibration, patients=())
        return ChestData(
            mixed, self.seed, self.augmentation, rows, settings=self.settings, acquisition=self.acquisition
        )

    def _shuffled(self, epoch: int) -> list[int]:
        # Odd numbers; the augmentation has the even ones.
        return torch.randperm(len(self), generator=seeded_generator(self.seed, 2 * epoch + 1)).tolist()


def as_tensor(images: np.ndarray) -> Float[Tensor, "N 1 H W"]:
    """uint8 (N, H, W) in 0..255, of which a copy is made, to (N, 1, H, W) in 0..1."""
    return torch.from_numpy(np.array(images))[:, None].to(torch.float32) / 255
