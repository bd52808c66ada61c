"""Glyphs: handwritten samples with labels, cut into train, calibration and test sets that share none.

Everything that DigitAnatomy shows is composed of them. Any arrays will do: see ``Glyphs`` for what is expected
and ``digitanatomy.sources`` for ready ones.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from digitanatomy.info import GLYPH_SIZE, TILE_SIZE
from digitanatomy.outlines import Outlines, outlines_of


class GlyphSplit(NamedTuple):
    """Three disjoint sets of glyphs: to learn from, to calibrate scores on, to test with."""

    train: Glyphs
    calibration: Glyphs
    test: Glyphs


class Glyphs:
    """Handwritten samples, each centred in a tile.

    Args:
        images: (N, h, w) array or tensor, white on black; uint8 in 0..255 or floating point in 0..1.
        labels: (N,) integers 0..9.
        name: where they come from; shown in tables.

    Attributes:
        tiles: (N, 32, 32) float32 in 0..1. A glyph is scaled so that its longer side is 28 pixels, then padded.
        labels: (N,) int64.

    Raises:
        ValueError: where shapes, ranges or labels are not as above.
    """

    def __init__(self, images: Any, labels: Any, name: str = "custom") -> None:
        self.tiles = _to_tiles(_as_float_images(images))
        self.labels = _as_labels(labels)
        self.name = name
        if self.labels.shape != (len(self.tiles),):
            raise ValueError(
                f"one label for each of the {len(self.tiles)} images expected, got shape {tuple(self.labels.shape)}"
            )
        if len(self.labels) and not 0 <= int(self.labels.min()) <= int(self.labels.max()) <= 9:
            raise ValueError(f"labels must be 0..9, got {int(self.labels.min())}..{int(self.labels.max())}")
        self._of_label = {digit: torch.nonzero(self.labels == digit).flatten() for digit in range(10)}

    def __len__(self) -> int:
        return len(self.tiles)

    def __repr__(self) -> str:
        return f"Glyphs({len(self)} tiles, name={self.name!r})"

    def indices(self, digit: int) -> Tensor:
        """Where the samples of one digit stand: (n,) int64.

        Raises:
            ValueError: where there is none.
        """
        found = self._of_label[digit]
        if not len(found):
            raise ValueError(f"the glyphs {self.name!r} hold no sample of the digit {digit}; DigitAnatomy needs 0..9")
        return found

    @cached_property
    def outlines(self) -> Outlines:
        """Every glyph as a distance field, for ``digitanatomy.hand``; computed at first use (a second per thousand)."""
        return outlines_of(self.tiles, self.labels)

    def subset(self, indices: Tensor) -> Glyphs:
        """The samples at ``indices``, in that order."""
        chosen = object.__new__(Glyphs)
        chosen.tiles, chosen.labels, chosen.name = self.tiles[indices], self.labels[indices], self.name
        chosen._of_label = {digit: torch.nonzero(chosen.labels == digit).flatten() for digit in range(10)}
        return chosen

    def with_tiles(self, tiles: Tensor, name: str) -> Glyphs:
        """The same samples, drawn otherwise: (N, 32, 32) in 0..1."""
        changed = self.subset(torch.arange(len(self)))
        changed.tiles, changed.name = tiles, name
        return changed

    def split(self, calibration: float = 0.1, test: float = 0.2, seed: int = 0) -> GlyphSplit:
        """Cut every digit's samples into train, calibration and test by one fixed shuffle.

        The seed belongs to the data, not to a run: runs with other seeds still never see a test glyph in training.

        Raises:
            ValueError: where a share is not positive or nothing is left for training.
        """
        if calibration <= 0 or test <= 0 or calibration + test >= 1:
            raise ValueError(f"shares must be positive with a sum below 1, got {calibration=} and {test=}")
        generator = torch.Generator().manual_seed(seed)
        parts: tuple[list[Tensor], list[Tensor], list[Tensor]] = ([], [], [])
        for digit in range(10):
            own = self._of_label[digit]
            own = own[torch.randperm(len(own), generator=generator)]
            tests, calibrations = round(test * len(own)), round(calibration * len(own))
            sizes = [len(own) - calibrations - tests, calibrations, tests]
            if len(own) and not sizes[0]:
                raise ValueError(
                    f"no sample of digit {digit} is left to train on: {calibration=}, {test=}, all {len(own)}"
                )
            for part, indices in zip(parts, own.split(sizes), strict=True):
                part.append(indices)
        return GlyphSplit(*(self.subset(torch.cat(part).sort().values) for part in parts))


def _as_labels(labels: Any) -> Tensor:
    array = np.asarray(labels)
    if array.dtype.kind not in "iuf" or not (array == np.round(array)).all():
        raise ValueError(f"labels must be whole numbers 0..9, got {array.dtype} {array.ravel()[:5].tolist()}...")
    return torch.from_numpy(array.astype(np.int64))


def _as_float_images(images: Any) -> Tensor:
    if not isinstance(images, Tensor):
        images = np.asarray(images)
        if images.dtype.kind not in "biuf":
            raise ValueError(f"glyph images must be uint8 in 0..255 or floating point in 0..1, got {images.dtype}")
    array = torch.as_tensor(images)
    if array.ndim != 3:
        raise ValueError(f"glyph images must be (N, h, w), got shape {tuple(array.shape)}")
    if array.dtype == torch.uint8:
        return array.to(torch.float32) / 255
    if not array.is_floating_point():
        raise ValueError(f"glyph images must be uint8 in 0..255 or floating point in 0..1, got {array.dtype}")
    if not torch.isfinite(array).all():
        raise ValueError("glyph images hold NaN or infinite values")
    if array.numel() and not (array.min() >= 0 and array.max() <= 1):
        raise ValueError(f"floating point glyphs must lie in 0..1, got {array.min():.3g}..{array.max():.3g}")
    return array.to(torch.float32)


def _to_tiles(images: Tensor) -> Tensor:
    height, width = images.shape[-2:]
    if not len(images) or min(height, width) == 0:
        raise ValueError(f"at least one glyph of at least one pixel expected, got shape {tuple(images.shape)}")
    scale = GLYPH_SIZE / max(height, width)
    size = (max(1, round(height * scale)), max(1, round(width * scale)))
    if size != (height, width):
        images = F.interpolate(images[:, None], size, mode="bilinear", antialias=True, align_corners=False)[:, 0]
    top, left = (TILE_SIZE - size[0]) // 2, (TILE_SIZE - size[1]) // 2
    return F.pad(images, (left, TILE_SIZE - size[1] - left, top, TILE_SIZE - size[0] - top)).clamp(0, 1)
