"""From glyphs to images: draw a sample for every tile, vary it, join the tiles.

Shapes: B images, T = 9 tiles of 32 x 32 pixels in reading order, images (B, 1, 96, 96); values in 0..1.
Randomness enters as uniform numbers, so that a batch can be made of images that were seeded one by one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor

from digitanatomy.glyphs import Glyphs
from digitanatomy.info import GRID, TILES
from digitanatomy.pen import BENDS, INKS, bends, vary_ink

JITTERS = 6  #: uniform numbers that one tile's affine map consumes


@dataclass(frozen=True)
class Jitter:
    """How far a training tile may be moved, turned, stretched and written again; every number is the largest deviation.

    Differs from the authors' code, which only rescales (random resized crop .6-1.3): shifts, turns and shears are
    what handwriting does too, and with 350 samples a digit they keep a long training from memorising.
    """

    scale: float = 0.25  #: relative, of both axes together
    stretch: float = 0.15  #: relative, of one axis against the other
    degrees: float = 15.0
    shear: float = 0.25
    shift: float = 2.5  #: pixels
    warp: float = 0.0  #: pixels, of a smooth bend; this and what follows: see ``digitanatomy.pen``
    stroke: float = 0.0  #: 1: a pixel wider on each side
    soft: float = 0.0  #: 1: as the mean of 3 x 3 pixels
    ink: float = 0.0  #: logarithm of the exponent of greys
    together: float = 0.0  #: where one hand writes an image: how much of all this its tiles are given in common, 0 to 1

    @property
    def numbers(self) -> int:
        """Uniform numbers that one tile consumes: more where another pen is asked for."""
        return JITTERS + (BENDS + INKS if self.warp or self.stroke or self.soft or self.ink else 0)

    def times(self, factor: float) -> Jitter:
        """So many times as much of everything; what is given in common stays."""
        amounts = {each.name: factor * getattr(self, each.name) for each in fields(self)}
        return Jitter(**amounts | {"together": self.together})


def normal_samples(glyphs: Glyphs, uniform: Tensor) -> Tensor:
    """Pick a sample of digit i + 1 for tile i. (B, T) uniform numbers in [0, 1) -> their indices (B, T)."""
    columns = []
    for tile in range(TILES):
        own = glyphs.indices(tile + 1)
        columns.append(own[(uniform[:, tile] * len(own)).long().clamp(max=len(own) - 1)])
    return torch.stack(columns, dim=1)


def normal_tiles(glyphs: Glyphs, uniform: Tensor) -> Tensor:
    """The tiles of ``normal_samples``. (B, T) uniform numbers in [0, 1) -> (B, T, 32, 32)."""
    return glyphs.tiles[normal_samples(glyphs, uniform)]


def jitter_tiles(tiles: Tensor, uniform: Tensor, jitter: Jitter) -> Tensor:
    """Vary every tile by a random affine map, and by another pen where ``jitter`` asks for one.

    (B, T, 32, 32) and (B, T, ``jitter.numbers``) uniform -> (B, T, 32, 32).
    """
    batch, count, size, _ = tiles.shape
    uniform = uniform.reshape(batch * count, jitter.numbers)
    scale, stretch, turn, shear, right, down = (2 * uniform[:, :JITTERS] - 1).unbind(dim=1)
    scale, stretch = 1 + jitter.scale * scale, 1 + jitter.stretch * stretch
    turn, shear = turn * math.radians(jitter.degrees), jitter.shear * shear
    cos, sin = turn.cos() / scale, turn.sin() / scale
    pixel = 2 * jitter.shift / size  # affine_grid counts the tile from -1 to 1
    matrices = torch.stack(
        [
            torch.stack([cos * stretch, (cos * shear - sin) * stretch, pixel * right], dim=1),
            torch.stack([sin / stretch, (sin * shear + cos) / stretch, pixel * down], dim=1),
        ],
        dim=1,
    )
    grid = F.affine_grid(matrices, [len(matrices), 1, size, size], align_corners=False)
    other_pen = uniform.shape[1] > JITTERS
    if other_pen:
        grid = grid + bends(uniform[:, JITTERS : JITTERS + BENDS], jitter.warp, size)
    moved = F.grid_sample(tiles.reshape(-1, 1, size, size), grid, mode="bilinear", align_corners=False)
    if other_pen:
        moved = vary_ink(moved, uniform[:, JITTERS + BENDS :], jitter.stroke, jitter.soft, jitter.ink)
    return moved.reshape(batch, count, size, size)


def join_tiles(tiles: Tensor) -> Tensor:
    """(..., T, 32, 32) -> (..., 1, 96, 96)."""
    return rearrange(tiles, "... (i j) h w -> ... 1 (i h) (j w)", i=GRID, j=GRID)


def cut_tiles(images: Tensor) -> Tensor:
    """(..., 1, 96, 96) -> (..., T, 32, 32), the inverse of ``join_tiles``."""
    return rearrange(images, "... 1 (i h) (j w) -> ... (i j) h w", i=GRID, j=GRID)
