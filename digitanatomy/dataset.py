"""The data sets: ``DigitAnatomy`` to evaluate on (all anomaly types, fixed) and ``FreshNormals`` to train on (endless).

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
from digitanatomy.compose import JITTERS, Jitter, jitter_tiles, join_tiles, normal_samples, normal_tiles
from digitanatomy.glyphs import Glyphs
from digitanatomy.hand import NUMBERS, check_hand, styles, write
from digitanatomy.hand_anomalies import drift, stranger
from digitanatomy.info import ALL_KINDS, DIGIT_FLIPS, HAND_ANOMALIES, NORMAL, TILES
from digitanatomy.lesion import Lesion, lesion

WRITTEN_ZEROS = 9  #: samples of the digit 0 that one image's hand writes for ``novel`` to choose from


class Sample(NamedTuple):
    """One image with all that is known of it."""

    image: Tensor  #: (1, 96, 96) float in 0..1
    label: int  #: 0 normal, 1 abnormal
    kind: str  #: one of ``ALL_KINDS``
    mask: Tensor  #: (1, 96, 96) bool: pixels that differ from the normal image this one was made of
    wrong: Tensor  #: (9,) bool: tiles that are not what they should be


class DigitAnatomy(Dataset[Sample]):
    """A fixed set of images of chosen kinds.

    Args:
        glyphs: the samples to compose of; for an honest test, those of ``glyphs.split().test``.
        counts: images of each kind, in this order.
        seed: another seed gives other images.
        severity: tiles that become wrong, and of drift and lesion how far it goes, in 0..1; None is each anomaly's own
            default (a swap for disorder, else one; drift 1; lesion .5).
        flips: which flips change a glyph, see ``anomalies.flipped``.
        hand: how far the digits of an image are written by one hand, 0 (each by its own) to 1; see
            ``digitanatomy.hand``.
        mirrored: the right column is written the other way round, where ``hand`` is above 0.

    Raises:
        ValueError: where a kind is unknown, needs a hand that is not given, or a count is negative.
    """

    def __init__(
        self,
        glyphs: Glyphs,
        counts: Mapping[str, int],
        seed: int = 0,
        severity: int | float | None = None,
        flips: Mapping[int, tuple[str, ...]] = DIGIT_FLIPS,
        hand: int | float = 0.0,
        mirrored: bool = False,
    ) -> None:
        check_hand(hand)
        for kind, count in counts.items():
            if kind not in ALL_KINDS:
                raise ValueError(f"kinds are {', '.join(ALL_KINDS)}; got {kind!r}")
            if kind in HAND_ANOMALIES and count and not hand:
                raise ValueError(
                    f"{kind} is an anomaly of images that are written by one hand; give hand, above 0 and up to 1"
                )
            if count < 0:
                raise ValueError(f"a count of images cannot be negative, got {count} of kind {kind!r}")
        self.glyphs, self.seed, self.severity = glyphs, seed, severity
        self.hand, self.mirrored = hand, mirrored
        self.flips = dict(flips)  # a MappingProxyType could not be pickled for DataLoader's workers
        self.kinds = [kind for kind, count in counts.items() for _ in range(count)]

    def __len__(self) -> int:
        return len(self.kinds)

    def __getitem__(self, index: int) -> Sample:
        if not 0 <= index < len(self):
            raise IndexError(f"image {index} of {len(self)}")
        kind, generator = self.kinds[index], seeded_generator(self.seed, index)
        samples = normal_samples(self.glyphs, torch.rand(1, TILES, generator=generator))[0]
        if self.hand:
            before, altered = self._by_hand(kind, samples, generator)
        else:
            before = self.glyphs.tiles[samples]
            zeros = self.glyphs.tiles[self.glyphs.indices(0)] if kind == "novel" else before[:0]
            altered = self._alter(kind, before, generator, zeros)
        seen = (altered.tiles - before).abs() > anomalies.VISIBLE
        mask = altered.mask if isinstance(altered, Lesion) else seen
        return Sample(join_tiles(altered.tiles), int(kind != NORMAL), kind, join_tiles(mask), altered.wrong)

    def _by_hand(self, kind: str, samples: Tensor, generator: Generator) -> tuple[Tensor, anomalies.Altered | Lesion]:
        """The tiles as one hand writes them, and with the anomaly: one of styles, or of what is written."""
        numbers = torch.rand(2, NUMBERS, generator=generator)
        own, other = styles(numbers, self.hand, self.mirrored)
        outlines = self.glyphs.outlines.at(samples)
        before = write(outlines, own, self.hand)
        if kind not in HAND_ANOMALIES:
            zeros = self._zeros(own, generator) if kind == "novel" else before[:0]
            return before, self._alter(kind, before, generator, zeros)
        if kind == "stranger":
            restyled = stranger(own, generator, other=other, **self._whole())
        else:
            restyled = drift(own, generator, other=other, **self._share())
        return before, anomalies.Altered(write(outlines, restyled.styles, self.hand), restyled.wrong)

    def _whole(self) -> dict[str, int]:
        """The severity of an anomaly that counts tiles, where one was asked for."""
        if self.severity is None:
            return {}
        if self.severity != int(self.severity):
            raise ValueError(f"severity counts tiles, except for drift and lesion; got {self.severity}")
        return {"severity": int(self.severity)}

    def _share(self) -> dict[str, float]:
        return {} if self.severity is None else {"severity": float(self.severity)}

    def _zeros(self, style: Tensor, generator: Generator) -> Tensor:
        """Some samples of the digit 0, written for every place: (N, 9, 32, 32)."""
        known = self.glyphs.indices(0)
        samples = known[torch.randint(len(known), (WRITTEN_ZEROS, 1), generator=generator)].expand(-1, TILES)
        return write(self.glyphs.outlines.at(samples), style.expand(WRITTEN_ZEROS, -1, -1), self.hand)

    def _alter(self, kind: str, tiles: Tensor, generator: Generator, zeros: Tensor) -> anomalies.Altered | Lesion:
        match kind:
            case "novel":
                return anomalies.novel(tiles, generator, zeros=zeros, **self._whole())
            case "disorder":
                return anomalies.disorder(tiles, generator, **self._whole())
            case "missing":
                return anomalies.missing(tiles, generator, **self._whole())
            case "flipped":
                return anomalies.flipped(tiles, generator, flips=self.flips, **self._whole())
            case "lesion":
                return lesion(tiles, generator, **self._share())
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
        jitter: how training tiles are varied; None shows the plain samples. The more the digits of an image are
            written by one hand, the less: a hand of its own for every digit would be the contrary. What is left out
            so may be given to all of them alike (``Jitter.together``).
        hand: how far the digits of an image are written by one hand, 0 to 1; see ``digitanatomy.hand``.
        mirrored: the right column is written the other way round, where ``hand`` is above 0.

    Raises:
        ValueError: where ``hand`` is out of range.
    """

    def __init__(
        self,
        glyphs: Glyphs,
        seed: int = 0,
        jitter: Jitter | None = None,
        hand: int | float = 0.0,
        mirrored: bool = False,
    ) -> None:
        check_hand(hand)
        self.glyphs, self.seed, self.jitter = glyphs, seed, jitter
        self.hand, self.mirrored = hand, mirrored

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
        generators = [seeded_generator(self.seed, index) for index in range(first, first + size)]
        uniform = torch.stack([torch.rand(TILES, 1 + JITTERS, generator=each) for each in generators])
        if not self.hand:
            tiles = normal_tiles(self.glyphs, uniform[..., 0])
        else:
            samples = normal_samples(self.glyphs, uniform[..., 0])
            numbers = torch.stack([torch.rand(NUMBERS, generator=each) for each in generators])
            tiles = write(self.glyphs.outlines.at(samples), styles(numbers, self.hand, self.mirrored), self.hand)
        if self.jitter is not None:
            jitter = self.jitter.times(1 - self.hand)
            more = [torch.rand(TILES, jitter.numbers - JITTERS, generator=each) for each in generators]
            tiles = jitter_tiles(tiles, torch.cat([uniform[..., 1:], torch.stack(more)], dim=-1), jitter)
            common = self.jitter.times(self.hand * self.jitter.together)
            if self.hand and common.together:
                shared = torch.stack([torch.rand(1, common.numbers, generator=each) for each in generators])
                tiles = jitter_tiles(tiles, shared.expand(-1, TILES, -1), common)
        return join_tiles(tiles)


def seeded_generator(seed: int, index: int, device: torch.device | str = "cpu") -> Generator:
    """A generator of its own for item ``index`` of stream ``seed`` (numpy's SeedSequence mixes the two, for torch's
    CPU generator takes no more than the lower 32 bits of what it is given)."""
    state = int(np.random.SeedSequence([seed, index]).generate_state(1, np.uint64)[0])
    return Generator(device).manual_seed(state >> 1)
