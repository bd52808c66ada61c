"""The data sets: ``DigitAnatomy`` to evaluate on (all kinds, fixed) and ``FreshNormals`` to train on (endless).

Both are reproducible by seed and index: image i of a data set is the same whoever asks for it, in which order or
process. Training images are jittered, evaluation images are the plain samples.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
import torch
from torch import Generator, Tensor
from torch.utils.data import Dataset

from digitanatomy import anomalies
from digitanatomy.compose import JITTERS, Jitter, jitter_tiles, join_tiles, normal_tiles
from digitanatomy.glyphs import Glyphs
from digitanatomy.info import DIGIT_FLIPS, KINDS, NORMAL, TILES


class Sample(NamedTuple):
    """One image with all that is known of it."""

    image: Tensor  #: (1, 96, 96) float in 0..1
    label: int  #: 0 normal, 1 abnormal
    kind: str  #: one of ``KINDS``
    mask: Tensor  #: (1, 96, 96) bool: pixels that differ from the normal image this one was made of
    wrong: Tensor  #: (9,) bool: tiles that are not what they should be


class DigitAnatomy(Dataset[Sample]):
    """A fixed set of images of chosen kinds.

    Args:
        glyphs: the samples to compose of; for an honest test, those of ``glyphs.split().test``.
        counts: images of each kind, in this order.
        seed: another seed gives other images.
        severity: tiles that become wrong; None is each anomaly's own default (a swap for disorder, else one).
        flips: which flips change a glyph, see ``anomalies.flipped``.

    Raises:
        ValueError: where a kind is unknown or a count negative.
    """

    def __init__(
        self,
        glyphs: Glyphs,
        counts: Mapping[str, int],
        seed: int = 0,
        severity: int | None = None,
        flips: Mapping[int, tuple[str, ...]] = DIGIT_FLIPS,
    ) -> None:
        for kind, count in counts.items():
            if kind not in KINDS:
                raise ValueError(f"kinds are {', '.join(KINDS)}; got {kind!r}")
            if count < 0:
                raise ValueError(f"a count of images cannot be negative, got {count} of kind {kind!r}")
        self.glyphs, self.seed, self.severity = glyphs, seed, severity
        self.flips = dict(flips)  # a MappingProxyType could not be pickled for DataLoader's workers
        self.kinds = [kind for kind, count in counts.items() for _ in range(count)]

    def __len__(self) -> int:
        return len(self.kinds)

    def __getitem__(self, index: int) -> Sample:
        if not 0 <= index < len(self):
            raise IndexError(f"image {index} of {len(self)}")
        kind, generator = self.kinds[index], seeded_generator(self.seed, index)
        before = normal_tiles(self.glyphs, torch.rand(1, TILES, generator=generator))[0]
        tiles, wrong = self._alter(kind, before, generator)
        mask = (tiles - before).abs() > anomalies.VISIBLE
        return Sample(join_tiles(tiles), int(kind != NORMAL), kind, join_tiles(mask), wrong)

    def _alter(self, kind: str, tiles: Tensor, generator: Generator) -> anomalies.Altered:
        amount = {} if self.severity is None else {"severity": self.severity}
        match kind:
            case "novel":
                zeros = self.glyphs.tiles[self.glyphs.indices(0)]
                return anomalies.novel(tiles, generator, zeros=zeros, **amount)
            case "disorder":
                return anomalies.disorder(tiles, generator, **amount)
            case "missing":
                return anomalies.missing(tiles, generator, **amount)
            case "flipped":
                return anomalies.flipped(tiles, generator, flips=self.flips, **amount)
        return anomalies.Altered(tiles, torch.zeros(TILES, dtype=torch.bool))

    def images(self) -> Tensor:
        """All images: (N, 1, 96, 96)."""
        return torch.stack([sample.image for sample in self])

    def __iter__(self) -> Iterator[Sample]:
        return (self[index] for index in range(len(self)))


class FreshNormals:
    """Endless normal images for training: image i is a function of (seed, i) alone.

    Args:
        glyphs: the samples to compose of; ``glyphs.split().train`` for training.
        seed: another seed gives another stream.
        jitter: how training tiles are varied; None shows the plain samples.
    """

    def __init__(self, glyphs: Glyphs, seed: int = 0, jitter: Jitter | None = None) -> None:
        self.glyphs, self.seed, self.jitter = glyphs, seed, jitter

    def __getitem__(self, index: int) -> Tensor:
        """Image ``index`` (any whole number from 0): (1, 96, 96)."""
        return self.batch(index, 1)[0]

    def __iter__(self) -> Iterator[Tensor]:
        index = 0
        while True:
            yield self[index]
            index += 1

    def batch(self, first: int, size: int) -> Tensor:
        """Images ``first`` ... ``first + size - 1``: (size, 1, 96, 96)."""
        if first < 0 or size < 1:
            raise ValueError(f"a batch starts at 0 or later and holds at least one image, got {first=}, {size=}")
        uniform = torch.stack(
            [
                torch.rand(TILES, 1 + JITTERS, generator=seeded_generator(self.seed, index))
                for index in range(first, first + size)
            ]
        )
        tiles = normal_tiles(self.glyphs, uniform[..., 0])
        if self.jitter is not None:
            tiles = jitter_tiles(tiles, uniform[..., 1:], self.jitter)
        return join_tiles(tiles)


def seeded_generator(seed: int, index: int, device: torch.device | str = "cpu") -> Generator:
    """A generator of its own for item ``index`` of stream ``seed`` (numpy's SeedSequence mixes the two, for torch's
    CPU generator takes no more than the lower 32 bits of what it is given)."""
    state = int(np.random.SeedSequence([seed, index]).generate_state(1, np.uint64)[0])
    return Generator(device).manual_seed(state >> 1)
