"""In-painting in pixels and in features: the 3x3 window, its missing centre, and zeros outside (paper, section 3.3)."""

from __future__ import annotations

from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor

from squidlib.teaching.schematics.canvas import Canvas, Point
from squidlib.utils.palette import MEMORY, NEIGHBOURS, NETWORK, PLAIN

TITLE = "In-painting: a patch from its eight neighbours, in pixels and in features"
DESCRIPTION = (
    "Left, in pixels: one tile is cut out, a window of three by three tiles stands around it, and a predictor has "
    "to paint the tile from the others; what comes out is a blurred mean. Right, in features: every tile is a "
    "vector; the window holds what the memory recalled for the eight neighbours, zeros where the grid ends, and "
    "not the centre. The patch's own feature asks, the neighbours answer, and the answer is added to what the "
    "memory recalled for the centre."
)
SIDE, STEP = 92.0, 100.0
ASKED = 2  #: the tile in the upper right corner, whose window reaches beyond the grid
BARS = 7  #: numbers of a feature that are drawn


def inpainting_spaces(
    tiles: Float[Tensor, "9 h w"], features: Float[Tensor, "9 D"], mean: Float[Tensor, "h w"]
) -> Canvas:
    """The schematic.

    Args:
        tiles: of one image, in 0..1.
        features: what the memory recalled for each of them.
        mean: the mean normal tile at ``ASKED``.
    """
    canvas = Canvas(1310, 570, TITLE, DESCRIPTION)
    canvas.text((270, 40), "in pixels", 19, bold=True)
    canvas.text((850, 40), "in features, as SQUID does", 19, bold=True)
    _window(canvas, (70, 176))
    _window(canvas, (650, 176))
    for place in range(9):
        corner, other = _corner((70, 176), place), _corner((650, 176), place)
        if place == ASKED:
            canvas.text((corner[0] + SIDE / 2, corner[1] + SIDE / 2), "?", 40, bold=True)
            canvas.text((other[0] + SIDE / 2, other[1] + SIDE / 2), "left out", 15)
            for at in (corner, other):
                canvas.frame(at, (SIDE, SIDE), PLAIN, dashed=True)
        else:
            canvas.tile(corner, SIDE, tiles[place])
            _feature(canvas, other, features[place].tolist())
    _answers(canvas, mean, features[ASKED].tolist())
    return canvas


def _corner(origin: Point, place: int) -> Point:
    return origin[0] + STEP * (place % 3), origin[1] + STEP * (place // 3)


def _window(canvas: Canvas, origin: Point) -> None:
    """The window around ``ASKED``, and zeros where it reaches beyond the grid."""
    left, top = _corner(origin, ASKED)
    for row in (-1, 0, 1):
        for column in (-1, 0, 1):
            if row < 0 or column > 0:  # beyond the grid, of a tile in its upper right corner
                at = left + STEP * column, top + STEP * row
                canvas.frame(at, (SIDE, SIDE), PLAIN, fill=0.08, dashed=True)
                canvas.text((at[0] + SIDE / 2, at[1] + SIDE / 2), "0", 22)
    canvas.frame((left - STEP - 5, top - STEP - 5), (3 * STEP + 2, 3 * STEP + 2), NEIGHBOURS)


def _feature(canvas: Canvas, corner: Point, numbers: Sequence[float]) -> None:
    """A vector as a few columns in the memory's colour."""
    shown = numbers[:: max(1, len(numbers) // BARS)][:BARS]
    canvas.frame(corner, (SIDE, SIDE), MEMORY, fill=0.08)
    most = max(max(shown), 1e-6)
    canvas.bars((corner[0] + 8, corner[1] + 12), (SIDE - 16, SIDE - 24), shown, [MEMORY] * len(shown), most)


def _answers(canvas: Canvas, mean: Tensor, recalled: Sequence[float]) -> None:
    """What comes of either, below the grids."""
    canvas.text((70, 520), "a predictor paints it from the window", 15, anchor="start")
    canvas.tile((470, 394), SIDE, mean)
    canvas.text((470 + SIDE / 2, 508), "a mean digit", 15)
    canvas.arrow([(375, 440), (464, 440)])
    canvas.box((1084, 250), (196, 74), ("Query", "the patch's own feature"), NETWORK)
    canvas.box((1084, 350), (196, 74), ("Attention", "neighbours answer"), NEIGHBOURS)
    canvas.arrow([(1182, 324), (1182, 350)])
    canvas.arrow([(1050, 387), (1084, 387)])
    canvas.arrow([(1182, 424), (1182, 484)])
    canvas.text((1182, 504), "+", 30, bold=True)
    canvas.arrow([(1112, 506), (1162, 506)])
    canvas.arrow([(1202, 506), (1252, 506)])
    canvas.text((1252, 540), "in-painted", 15)
    _feature(canvas, (1016, 462), recalled)
    canvas.text((1004, 496), "what the memory recalled", 15, anchor="end")
    canvas.text((1004, 518), "for the patch itself", 15, anchor="end")
