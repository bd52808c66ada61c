"""Source: where the benchmark's images come from; what methods may see lies apart from what only the harness may.

``fit_data`` has no label in it. ``test_set`` has; nothing but the harness asks for it, after a method has answered.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol, runtime_checkable

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from digitanatomy import NORMAL, Sample
from squidlib.data.digits import Digits
from squidlib.data.registry import data_of

AUGMENTED_DIGITS = 6400  #: fresh varied images of digits to train networks on
AUGMENTED_EPOCHS = 4  #: augmented versions of each X-ray
AUGMENTED_BATCH = 64  #: images that are augmented at once
ABNORMAL = "abnormal"  #: the one kind of anomaly that chest data has
PICTURED_ABNORMAL = 3  #: abnormal X-rays in the picture


class FitData(NamedTuple):
    """What a method learns from and answers about; all images in 0..1.

    normals (N, 1, H, W): training images as they are. varied (M, 1, H, W): augmented versions of them.
    calibration (K, 1, H, W): normal images that training never sees. questions (T, 1, H, W): the test images.
    """

    normals: Tensor
    augmented: Tensor
    calibration: Tensor
    test_images: Tensor


@dataclass(frozen=True, eq=False)
class TestSet:
    """The test images (T, 1, H, W) with everything that is known of them. For the harness alone.

    Attributes:
        kinds: of every image, "normal" or what it is abnormal by.
        masks: where each image is abnormal; None where nobody knows.
        wrong: (T, 9) bool, tiles of digits that are wrong; None elsewhere.
        pictured: numbers of the images to be shown: the first ones, chosen before anything was scored.
    """

    images: Float[Tensor, "T 1 H W"]
    kinds: list[str]
    masks: Bool[Tensor, "T 1 H W"] | None = None
    wrong: Bool[Tensor, "T R"] | None = None
    pictured: list[int] = field(default_factory=list)

    @property
    def labels(self) -> Int[Tensor, "T"]:
        """0 normal, 1 abnormal."""
        return torch.tensor([int(kind != NORMAL) for kind in self.kinds])

    def samples(self) -> list[Sample]:
        """The pictured images as the methods' picture wants them; several of one kind are numbered."""
        none = torch.zeros(1, dtype=torch.bool)
        kinds = [self.kinds[index] for index in self.pictured]
        names = [
            f"{kind} {kinds[: i + 1].count(kind)}" if kinds.count(kind) > 1 else kind for i, kind in enumerate(kinds)
        ]
        return [
            Sample(
                self.images[index],
                int(self.kinds[index] != NORMAL),
                name,
                none if self.masks is None else self.masks[index],
                none if self.wrong is None else self.wrong[index],
            )
            for index, name in zip(self.pictured, names, strict=True)
        ]


@runtime_checkable
class Source(Protocol):
    """Gives the images of one data set; can be sent to another process."""

    def fit_data(self, seed: int, augmented: bool = True) -> FitData:
        """What a method sees; ``seed`` chooses the variation. Without ``augmented``, there are none (0, 1, H, W)."""
        ...

    def test_set(self) -> TestSet:
        """The same for every seed, in the order of the questions."""
        ...


@dataclass(frozen=True)
class NamedSource:
    """A data set by the facts that ``data_of`` wants: "data", and of chest X-rays "folder", "cache", "skip_bad"."""

    metadata: dict[str, Any]

    def fit_data(self, seed: int, augmented: bool = True) -> FitData:
        """Digits: fresh augmented images; X-rays: ``AUGMENTED_EPOCHS`` augmented versions of each."""
        data = data_of(self.metadata, seed)
        normals = data.reference()
        if isinstance(data, Digits):
            test_images, batches = data.test().images(), AUGMENTED_DIGITS // AUGMENTED_BATCH
        else:
            test_images, batches = data.test()[0], -(-AUGMENTED_EPOCHS * len(data) // AUGMENTED_BATCH)
        drawn = [data.batch(step, AUGMENTED_BATCH) for step in range(batches if augmented else 0)]
        return FitData(normals, torch.cat([normals[:0], *drawn]), data.calibration(), test_images)

    def test_set(self) -> TestSet:
        """Digits: first image of each kind pictured; X-rays: the first normal and the first three abnormal ones."""
        data = data_of(self.metadata, 0)
        if isinstance(data, Digits):
            samples = list(data.test())
            kinds = [sample.kind for sample in samples]
            images, masks, wrong = (
                torch.stack([getattr(s, part) for s in samples]) for part in ("image", "mask", "wrong")
            )
            return TestSet(images, kinds, masks, wrong, [kinds.index(kind) for kind in dict.fromkeys(kinds)])
        images, labels = data.test()
        abnormal = torch.nonzero(labels).flatten().tolist()
        normal = torch.nonzero(labels == 0).flatten().tolist()
        kinds = [ABNORMAL if label else NORMAL for label in labels.tolist()]
        return TestSet(images, kinds, pictured=[normal[0], *abnormal[:PICTURED_ABNORMAL]])
