"""Other pens: the same digits as other people's pens, scanners and data sets would have given them.

To test with, not to train with (``digitanatomy.pen`` varies what is trained with, in a way of its own). Each way is a
function of glyphs; labels and order stay.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from digitanatomy.glyphs import Glyphs
from digitanatomy.info import GLYPH_SIZE, TILE_SIZE

SHIFT = 2  #: pixels that an ill-centred glyph is off, at most
COARSE = 14  #: pixels a side of a coarse scan, of ``GLYPH_SIZE``
BOX = 24  #: pixels of a glyph's longer side where its bounding box is scaled, as EMNIST does
SEED = 21


def thick(tiles: Tensor) -> Tensor:
    """A pixel wider on each side."""
    return F.max_pool2d(tiles, 3, 1, 1)


def thin(tiles: Tensor) -> Tensor:
    """Six tenths of the way to a pixel thinner on each side."""
    return tiles + 0.6 * (-F.max_pool2d(-tiles, 3, 1, 1) - tiles)


def coarse(tiles: Tensor) -> Tensor:
    """Scanned at half the resolution, bilinearly, and enlarged again."""
    size = (TILE_SIZE * COARSE // GLYPH_SIZE,) * 2
    small = F.interpolate(tiles, size, mode="bilinear", antialias=True, align_corners=False)
    return F.interpolate(small, (TILE_SIZE, TILE_SIZE), mode="bilinear", align_corners=False)


def coarse_by_area(tiles: Tensor) -> Tensor:
    """The same by means of 2 x 2 pixels."""
    return F.interpolate(F.avg_pool2d(tiles, 2), (TILE_SIZE, TILE_SIZE), mode="bilinear", align_corners=False)


def off_centre(tiles: Tensor) -> Tensor:
    """Each moved by up to ``SHIFT`` pixels down and right, or up and left."""
    generator = torch.Generator().manual_seed(SEED)
    moves = torch.randint(-SHIFT, SHIFT + 1, (len(tiles), 2), generator=generator).tolist()
    return torch.stack([tile.roll(move, (-2, -1)) for tile, move in zip(tiles, moves, strict=True)])


def boxed(tiles: Tensor) -> Tensor:
    """Smoothed, its bounding box scaled to ``BOX`` pixels and centred: EMNIST's way (Cohen et al., 2017), in spirit."""
    return torch.stack([_boxed(tile) for tile in tiles])


def _boxed(tile: Tensor) -> Tensor:
    rows, columns = torch.nonzero(tile[0] > 0.05, as_tuple=True)
    if not len(rows):
        return tile
    cut = tile[:, rows.min() : rows.max() + 1, columns.min() : columns.max() + 1][None]
    scale = BOX / max(cut.shape[-2:])
    size = [max(1, round(side * scale)) for side in cut.shape[-2:]]
    scaled = F.interpolate(cut, size, mode="bicubic", antialias=True, align_corners=False)[0]
    down, right = TILE_SIZE - size[0], TILE_SIZE - size[1]
    padded = F.pad(scaled, (right // 2, right - right // 2, down // 2, down - down // 2)).clamp(0, 1)
    soft = F.avg_pool2d(padded, 3, 1, 1)
    return soft / soft.max()


#: Every way by name: (N, 1, 32, 32) in 0..1 -> the same.
WAYS: dict[str, Callable[[Tensor], Tensor]] = {
    "thicker strokes": thick,
    "thinner strokes": thin,
    "coarse scan": coarse,
    "coarse scan, by area": coarse_by_area,
    "off centre": off_centre,
    "boxed and smoothed": boxed,
}


def rewritten(glyphs: Glyphs, way: str) -> Glyphs:
    """The same glyphs in one of ``WAYS``.

    Raises:
        ValueError: where the way is unknown.
    """
    if way not in WAYS:
        raise ValueError(f"ways are {', '.join(WAYS)}; got {way!r}")
    tiles = WAYS[way](glyphs.tiles[:, None])[:, 0].clamp(0, 1)
    return glyphs.with_tiles(tiles, f"{glyphs.name}, {way}")
