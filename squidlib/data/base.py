"""The protocol of data sets: what training, calibration and evaluation ask of one, whatever it is made of.

A new data set is a file with a class that keeps to ``Dataset`` and an ``ENTRY`` (``options``) that says how to open it,
and one line in ``registry``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from digitanatomy import NORMAL, Sample
from squidlib.patches import Grid, cut
from squidlib.utils.errors import UserError

ABNORMAL = "abnormal"  #: the anomaly type where a data set tells only that an image is abnormal


@dataclass(frozen=True, eq=False)
class TestSet:
    """The test images with everything that is known of them. Nothing may be chosen by it.

    Attributes:
        images: (T, C, H, W) in 0..1.
        anomaly_types: of every image, "normal" or what it is abnormal by.
        masks: where each image is abnormal; None where nobody knows.
        wrong: which tiles are wrong; None where nobody knows.
        pictured: numbers of the images to be shown: the first ones, chosen before anything was scored.
        ids: a name for every image, such as its file's.
        sources: where every image comes from, in a data set of several sources; empty where nobody knows.
        source_rarity: how rare that source is among training normals, (T,) in 0..1; None where nobody knows.
    """

    __test__ = False  # pytest would take the class for tests

    images: Float[Tensor, "T C H W"]
    anomaly_types: list[str]
    masks: Bool[Tensor, "T 1 H W"] | None = None
    wrong: Bool[Tensor, "T R"] | None = None
    pictured: list[int] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)
    source_rarity: Float[Tensor, "T"] | None = None

    @property
    def labels(self) -> Int[Tensor, "T"]:
        """0 normal, 1 abnormal."""
        return torch.tensor([int(name != NORMAL) for name in self.anomaly_types], dtype=torch.int64)

    @property
    def has_both_classes(self) -> bool:
        """Whether normal and abnormal images are in it, without which there is no AUC."""
        return set(self.labels.tolist()) == {0, 1}

    @property
    def present(self) -> list[str]:
        """The anomaly types in it, in the order in which they come; "normal" is none."""
        return [name for name in dict.fromkeys(self.anomaly_types) if name != NORMAL]

    def wrong_tiles(self, grid: Grid) -> Bool[Tensor, "T R"] | None:
        """Which tiles of a grid are wrong: as the data set says, else those in which the masks have a pixel."""
        if self.wrong is not None:
            return self.wrong
        return None if self.masks is None else cut(self.masks.float(), grid).amax((2, 3, 4)) > 0

    def fingerprint(self) -> str:
        """A hash of images and anomaly types: equal where two evaluations can be compared."""
        digest = hashlib.sha256("\n".join(self.anomaly_types).encode())
        digest.update((self.images * 255).round().to(torch.uint8).contiguous().numpy().data)
        return digest.hexdigest()[:16]

    def samples(self) -> list[Sample]:
        """The pictured images; several of one anomaly type are numbered."""
        none = torch.zeros(1, dtype=torch.bool)
        types = [self.anomaly_types[index] for index in self.pictured]
        names = [
            f"{name} {types[: i + 1].count(name)}" if types.count(name) > 1 else name for i, name in enumerate(types)
        ]
        return [
            Sample(
                self.images[index],
                int(self.anomaly_types[index] != NORMAL),
                name,
                none if self.masks is None else self.masks[index],
                none if self.wrong is None else self.wrong[index],
            )
            for index, name in zip(self.pictured, names, strict=True)
        ]


@runtime_checkable
class NormalData(Protocol):
    """What training needs to know of a data set of normal images."""

    def batch(self, step: int, size: int) -> Tensor:
        """Training images of one step: (size, C, H, W) in 0..1, a function of the step alone.

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
        """Normal images (V, C, H, W) in 0..1 that are neither trained on nor calibrated on."""
        ...


@runtime_checkable
class Varies(Protocol):
    """Normal data that knows how else its images might have been acquired: by another machine, exposure, archive."""

    def varied_reference(self) -> Tensor:
        """Training images to fill the memory with: as they are, and as other acquisitions would have given them."""
        ...

    def shifted_calibration(self) -> Sequence[Tensor]:
        """The calibration images once for each kind of acquisition, in the same order; none where there are none."""
        ...


@runtime_checkable
class Unvaried(Protocol):
    """Normal data whose training images are varied, and that can show them as they are."""

    def unvaried(self) -> NormalData:
        """The same data, with training images that nothing varies."""
        ...


@runtime_checkable
class Dataset(NormalData, Validates, Protocol):
    """A whole data set.

    Attributes:
        settings: JSON values from which ``open_dataset`` makes it again.
        notes: one line for each thing worth knowing, such as what was left out.
        epoch_images: training images an epoch.
        image_shape: channels, height and width.
        photographic: whether it shows what ImageNet's features may say something about.
    """

    @property
    def settings(self) -> dict[str, Any]: ...

    @property
    def notes(self) -> tuple[str, ...]: ...

    @property
    def photographic(self) -> bool: ...

    @property
    def epoch_images(self) -> int: ...

    @property
    def image_shape(self) -> tuple[int, int, int]: ...

    def test(self) -> TestSet | None:
        """Test images, or None where there are none."""
        ...


def require_test_set(data: Dataset) -> TestSet:
    """The test images of a data set that can be measured on.

    Raises:
        UserError: where it has none, or none of one class.
    """
    found = data.test()
    if found is None:
        raise UserError(
            "this data set has no test images, so nothing can be measured on it; add normal and abnormal ones"
        )
    check_both_classes(found)
    return found


def check_both_classes(test: TestSet) -> None:
    """Whether an AUC can be computed.

    Raises:
        UserError: where normal or abnormal test images are missing.
    """
    if not test.has_both_classes:
        there = ", ".join(dict.fromkeys(test.anomaly_types)) or "none"
        raise UserError(
            f"normal and abnormal test images expected, to measure how well they are told apart, got {there}"
        )
