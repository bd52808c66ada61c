"""Digits: what the page composes its images of, and the image that it begins with, as whole numbers 0..255."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from digitanatomy import NORMAL, DigitAnatomy, Glyphs, cut_tiles, join_tiles
from digitanatomy.info import GLYPH_SIZE, TILE_SIZE, TILES
from squidlib.detection.calibration import named_patch_scores
from squidlib.detection.detector import Detector
from squidlib.teaching.explorer.setting import HANDS

MOST_SAMPLES = 100  #: of each digit
WRITTEN = {NORMAL: 10, "stranger": 6}  #: images of each step of the hand
WRITTEN_SEED = 21  #: of those
TRIED = 200  #: images, among which the first one is looked for
CLEAR = (3, 4, 6)  #: digits that anybody sees to be mirrored
_EDGE = (TILE_SIZE - GLYPH_SIZE) // 2

Bytes = NDArray[np.uint8]


class Beginning(NamedTuple):
    """samples: which sample of each digit 1..9; tile (0..8) is the one that is mirrored left-right; image: which one of
    ``written``, where the detector learned from images that one hand wrote."""

    samples: list[int]
    tile: int
    image: int


def as_bytes(tiles: Tensor) -> Bytes:
    """Grey values 0..1 as 0..255, rounded."""
    return (255 * tiles.clamp(0, 1)).round().byte().cpu().numpy()


def cropped(tiles: Tensor) -> Tensor:
    """(..., 32, 32) without the border, where no digit reaches: (..., 28, 28)."""
    return tiles[..., _EDGE : TILE_SIZE - _EDGE, _EDGE : TILE_SIZE - _EDGE]


def samples_of(glyphs: Glyphs) -> Bytes:
    """(10, n, 28, 28), the first n samples of every digit, as many as all have, ``MOST_SAMPLES`` at most."""
    count = min(MOST_SAMPLES, *(len(glyphs.indices(digit)) for digit in range(10)))
    return as_bytes(cropped(torch.stack([glyphs.tiles[glyphs.indices(digit)[:count]] for digit in range(10)])))


def written(glyphs: Glyphs) -> tuple[Bytes, list[list[int]]]:
    """The same images as further and further one hand writes them, and each one's wrong tiles.

    Returns:
        (H, N, 9, 32, 32) of every hand above 0; N lists of tiles 0..8, none for a normal image.
    """
    steps, wrong = [], []
    for hand in HANDS[1:]:
        samples = list(DigitAnatomy(glyphs, WRITTEN, WRITTEN_SEED, hand=hand))
        steps.append(torch.stack([cut_tiles(sample.image) for sample in samples]))
        wrong = [torch.nonzero(sample.wrong).flatten().tolist() for sample in samples]
    return as_bytes(torch.stack(steps)), wrong


def composed(samples: Bytes, chosen: list[int]) -> Tensor:
    """Sample ``chosen[i]`` of digit i + 1 at tile i: (9, 32, 32) in 0..1."""
    tiles = torch.zeros(TILES, TILE_SIZE, TILE_SIZE)
    cropped(tiles)[:] = torch.from_numpy(np.stack([samples[tile + 1, chosen[tile]] for tile in range(TILES)])) / 255
    return tiles


def beginning(detector: Detector, samples: Bytes, by_hand: Bytes, wrong: list[list[int]]) -> Beginning:
    """An image with one mirrored digit: of those that this detector clearly finds, the one that is most normal without.

    Images are of the kind that the detector learned from: of digits that each have a hand of their own, or ``written``,
    by_hand and wrong, by the nearest of ``HANDS``. Where it finds none, the first that was tried.
    """
    generator = torch.Generator().manual_seed(0)
    tried = []
    for _ in range(TRIED):
        chosen = torch.randint(samples.shape[1], (TILES,), generator=generator).tolist()
        tried.append(Beginning(chosen, CLEAR[int(torch.randint(len(CLEAR), (), generator=generator))] - 1, 0))
    normal = torch.stack([composed(samples, each.samples) for each in tried])
    learned = float(detector.metadata.get("hand", 0))
    hand = min(range(len(HANDS)), key=lambda step: abs(HANDS[step] - learned))
    if hand:
        right = [image for image, tiles in enumerate(wrong) if not tiles]
        tried = [Beginning(tried[0].samples, digit - 1, image) for image in right for digit in CLEAR]
        normal = torch.from_numpy(by_hand[hand - 1])[[each.image for each in tried]] / 255
    mirrored = normal.clone()
    for image, each in zip(mirrored, tried, strict=True):
        image[each.tile] = image[each.tile].flip(-1)
    images, known, score = join_tiles(mirrored), detector.calibration, detector.default_score
    before, after = (
        named_patch_scores(detector.raw_scores(each), known)[score] for each in (join_tiles(normal), images)
    )
    own = after.gather(1, torch.tensor([each.tile for each in tried])[:, None])[:, 0]
    found = (own > 2 * detector.threshold()) & ~detector.predict(images).unlike
    return tried[int(torch.where(found, before.amax(1), torch.inf).argmin())]
