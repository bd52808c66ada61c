"""The 3x3 window slides over the grid: which neighbours a patch asks, position by position (paper, section 3.3)."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from squidlib.patches import neighbours
from squidlib.teaching.schematics.canvas import Canvas, Number, Point
from squidlib.utils.palette import MEMORY, NEIGHBOURS, PLAIN

TITLE = "The window slides over the grid: nine positions, nine sets of neighbours"
DESCRIPTION = (
    "Left, a grid of three by three digits with a border of zeros around it. A window of three by three cells slides "
    "from position to position; its middle is left out. Right, the same as nine key frames: at a corner four cells "
    "of the window lie in the grid, at the middle of an edge six, in the middle all nine; one of them is always the "
    "position itself, so that a patch has three, five or eight neighbours, and zeros for the rest."
)
STEP, SMALL = 84.0, 17.0  #: sides of a cell in the moving picture and in a key frame
ORIGIN: Point = (124.0, 150.0)  #: of the grid; a cell of zeros lies around it
SECONDS = 1.2  #: at each position
SHOWN = 4  #: the position where the window is drawn if nothing moves


def window_slides(tiles: Float[Tensor, "9 h w"]) -> Canvas:
    """The schematic, of the tiles of one image in 0..1."""
    canvas = Canvas(1060, 500, TITLE, DESCRIPTION, _motion())
    canvas.text((250, 34), "the window slides", 19, bold=True)
    canvas.text((790, 34), "its nine positions", 19, bold=True)
    for row in range(-1, 4):
        for column in range(-1, 4):
            corner = ORIGIN[0] + STEP * column, ORIGIN[1] + STEP * row
            if 0 <= row < 3 and 0 <= column < 3:
                canvas.tile(corner, STEP - 6, tiles[3 * row + column], MEMORY)
            else:
                canvas.frame(corner, (STEP - 6, STEP - 6), PLAIN, fill=0.06, dashed=True)
                canvas.text((corner[0] + STEP / 2 - 3, corner[1] + STEP / 2 - 3), "0", 18)
    x, y = _corner(SHOWN)
    canvas.add('<g class="window">')
    canvas.frame((x - STEP - 3, y - STEP - 3), (3 * STEP, 3 * STEP), NEIGHBOURS, fill=0.18)
    canvas.add(
        f'<rect class="paper" x="{x + 14:g}" y="{y + 14:g}" width="{STEP - 34:g}" height="{STEP - 34:g}" rx="8"/>'
    )
    canvas.text((x + STEP / 2 - 3, y + STEP / 2 - 3), "?", 30, bold=True)
    canvas.add("</g>")
    for position in range(9):
        _key_frame(canvas, (596.0 + 136 * (position % 3), 64.0 + 142 * (position // 3)), position)
    return canvas


def _corner(position: int) -> tuple[float, float]:
    return ORIGIN[0] + STEP * (position % 3), ORIGIN[1] + STEP * (position // 3)


def neighbours_of(position: int) -> list[int]:
    """Positions of the 3x3 grid that the in-painting block asks for one, as ``squidlib.patches`` gathers them."""
    numbered = torch.arange(1.0, 10.0)[None, :, None]  # 0 is what stands outside of the grid
    return [int(number) - 1 for number in neighbours(numbered, 3)[0, position, :, 0] if number > 0]


def _key_frame(canvas: Canvas, origin: Point, position: int) -> None:
    """A small grid: the position with a question mark, its neighbours filled, and how many there are."""
    asked = neighbours_of(position)
    left, top = origin
    for cell in range(9):
        corner = left + SMALL * 1.25 * (1 + cell % 3), top + SMALL * 1.25 * (1 + cell // 3)
        colour: str = NEIGHBOURS if cell in asked else PLAIN
        canvas.frame(corner, (SMALL, SMALL), colour, fill=0.6 if cell in asked else 0.05)
        if cell == position:
            canvas.text((corner[0] + SMALL / 2, corner[1] + SMALL / 2), "?", 14, bold=True)
    side: Number = 3 * 1.25 * SMALL
    row, column = divmod(position, 3)
    at = left + 1.25 * SMALL * column - 2, top + 1.25 * SMALL * row - 2
    canvas.frame(at, (side, side), NEIGHBOURS, dashed=True)
    canvas.text((left + 2.5 * 1.25 * SMALL, top + 5.6 * 1.25 * SMALL), f"{len(asked)} neighbours", 14)


def _motion() -> str:
    """The window steps to the next position and stays; after the last it begins again."""
    home = _corner(SHOWN)
    places = []
    for position in range(9):
        x, y = _corner(position)
        move = f"transform: translate({x - home[0]:g}px, {y - home[1]:g}px);"
        begin, end = 100 * position / 9, 100 * (position + 1) / 9 - 2
        places.append(f"{begin:.1f}%, {end:.1f}% {{ {move} }}")
    return f"@keyframes slide {{ {' '.join(places)} }} .window {{ animation: slide {9 * SECONDS:g}s infinite; }}"
