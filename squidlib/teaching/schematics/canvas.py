"""Canvas: boxes, arrows, bars and tiles as an SVG that reads on light and dark pages, on paper and without a network.

A schematic is data: it keeps what it wrote where, so that a test can find text that runs over its box or over other
text. Lengths are units of the SVG's own coordinates; a page may show it at any size.
"""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Sequence
from typing import NamedTuple
from xml.sax.saxutils import escape, quoteattr

from torch import Tensor

from squidlib.utils.palette import PLAIN

SIZE = 17.0  #: of text
_STYLE = """
svg { --paper: #ffffff; --ink: #1f2328; --line: #57606a; font-family: "DejaVu Sans", Verdana, Arial, sans-serif; }
@media (prefers-color-scheme: dark) { svg { --paper: #161b22; --ink: #e6edf3; --line: #9da7b3; } }
@media print { svg { --paper: #ffffff; --ink: #000000; --line: #444444; } }
.paper { fill: var(--paper); } text { fill: var(--ink); } .line { stroke: var(--line); fill: none; stroke-width: 2; }
.head { fill: var(--line); } .faded { opacity: 0.4; }
"""

Number = int | float  #: a tests' type checker takes no whole number for a float
Point = tuple[Number, Number]


class Written(NamedTuple):
    """One line of text: left, top, right and bottom as wide as DejaVu Sans makes it, and what it must stay inside."""

    text: str
    left: float
    top: float
    right: float
    bottom: float
    room: Number  #: width of its box; infinite where it has none


class Canvas:
    """An SVG that is being drawn. ``svg`` gives its text.

    Args:
        title: what a screen reader says first.
        description: what it says then: all that the picture tells.
        motion: rules of CSS that move what is drawn; readers who want no motion, and paper, show it as it is drawn.
    """

    def __init__(self, width: Number, height: Number, title: str, description: str, motion: str = "") -> None:
        self.width, self.height = width, height
        self.title, self.description, self.motion = title, description, motion
        self.written: list[Written] = []
        self._parts: list[str] = []
        self._faded = False

    def fade(self, faded: bool) -> None:
        """Whether what is drawn from here on is shown pale."""
        self._faded = faded

    def box(self, corner: Point, size: Point, lines: Sequence[str], colour: str = PLAIN, dashed: bool = False) -> None:
        """A rounded box with centred lines, the first one bold; dashed: it works while training only."""
        (x, y), (width, height) = corner, size
        dash = ' stroke-dasharray="7 5"' if dashed else ""
        self.add(
            f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="9" fill="{colour}" '
            f'fill-opacity="0.2" stroke="{colour}" stroke-width="2"{dash}/>'
        )
        top = y + height / 2 - (len(lines) - 1) * 0.62 * SIZE
        for number, line in enumerate(lines):
            middle = top + number * 1.24 * SIZE
            size_of = SIZE if number == 0 else 0.85 * SIZE
            self.text((x + width / 2, middle), line, size_of, bold=number == 0, room=width - 8)

    def text(
        self,
        place: Point,
        text: str,
        size: Number = SIZE,
        anchor: str = "middle",
        bold: bool = False,
        room: Number = math.inf,
    ) -> None:
        """One line, its middle height at ``place``; anchor "start", "middle" or "end" says which end stands there."""
        x, y = place
        wide = _width(text, size, bold)
        left = x - {"start": 0.0, "middle": wide / 2, "end": wide}[anchor]
        self.written.append(Written(text, left, y - 0.5 * size, left + wide, y + 0.5 * size, room))
        weight = ' font-weight="600"' if bold else ""
        self.add(
            f'<text x="{x:g}" y="{y + 0.35 * size:g}" font-size="{size:g}" text-anchor="{anchor}"{weight}>'
            f"{escape(text)}</text>"
        )

    def arrow(self, points: Sequence[Point], dashed: bool = False, colour: str = "", head: bool = True) -> None:
        """A line through all points with a head at the last; dashed: no gradient comes back along it."""
        path = " ".join(f"{x:g},{y:g}" for x, y in points)
        dash = ' stroke-dasharray="7 5"' if dashed else ""
        stroke = f' style="stroke: {colour}"' if colour else ""
        self.add(f'<polyline class="line" points="{path}"{dash}{stroke}/>')
        if head:
            (x0, y0), (x1, y1) = points[-2:]
            angle = math.atan2(y1 - y0, x1 - x0)
            corners = [(x1, y1)] + [
                (x1 - 12 * math.cos(angle + turn), y1 - 12 * math.sin(angle + turn)) for turn in (0.42, -0.42)
            ]
            fill = f' style="fill: {colour}"' if colour else ""
            self.add(f'<polygon class="head" points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in corners)}"{fill}/>')

    def bars(self, corner: Point, size: Point, values: Sequence[Number], colours: Sequence[str], most: Number) -> None:
        """Columns that stand on the lower edge; ``most`` is as high as the room."""
        (x, y), (width, height) = corner, size
        step = width / len(values)
        self.add(f'<line class="line" x1="{x:g}" y1="{y + height:g}" x2="{x + width:g}" y2="{y + height:g}"/>')
        for number, (value, colour) in enumerate(zip(values, colours, strict=True)):
            high = max(0.0, min(1.0, value / most)) * height
            self.add(
                f'<rect x="{x + (number + 0.15) * step:.1f}" y="{y + height - high:.1f}" width="{0.7 * step:.1f}" '
                f'height="{high:.1f}" fill="{colour}"/>'
            )

    def tile(self, corner: Point, side: Number, image: Tensor, colour: str = PLAIN) -> None:
        """An image (1, H, W) or (H, W) in 0..1, enlarged without smoothing, with a frame."""
        from PIL import Image

        buffer = io.BytesIO()
        grey = (255 * image.detach().squeeze().clamp(0, 1)).round().byte().cpu().numpy()
        Image.fromarray(grey).save(buffer, "PNG", optimize=True)
        data = base64.b64encode(buffer.getvalue()).decode()
        x, y = corner
        self.add(
            f'<image x="{x:g}" y="{y:g}" width="{side:g}" height="{side:g}" style="image-rendering: pixelated" '
            f'href="data:image/png;base64,{data}"/>'
        )
        self.frame(corner, (side, side), colour)

    def frame(self, corner: Point, size: Point, colour: str = PLAIN, fill: Number = 0.0, dashed: bool = False) -> None:
        """A rectangle; ``fill`` is the opacity of its inside."""
        (x, y), (width, height) = corner, size
        dash = ' stroke-dasharray="5 4"' if dashed else ""
        self.add(
            f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" fill="{colour}" fill-opacity="{fill:g}" '
            f'stroke="{colour}" stroke-width="2"{dash}/>'
        )

    def svg(self) -> str:
        """The whole picture as the text of an SVG file."""
        moving = (
            f"@media screen and (prefers-reduced-motion: no-preference) {{ {self.motion} }}\n" if self.motion else ""
        )
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width:g} {self.height:g}" '
            f'width="{self.width:g}" height="{self.height:g}" role="img" aria-label={quoteattr(self.title)}>\n'
            f"<title>{escape(self.title)}</title>\n<desc>{escape(self.description)}</desc>\n<style>{_STYLE}{moving}</style>\n"
            f'<rect class="paper" width="{self.width:g}" height="{self.height:g}" rx="12"/>\n'
            + "\n".join(self._parts)
            + "\n</svg>\n"
        )

    def add(self, element: str) -> None:
        """An SVG element; other modules add those that no method here draws."""
        self._parts.append(f'<g class="faded">{element}</g>' if self._faded else element)


def _width(text: str, size: Number, bold: bool) -> float:
    """In DejaVu Sans, which is wider than most: what fits there fits with any reader's font."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextPath

    font = FontProperties(family="DejaVu Sans", weight="bold" if bold else "normal")
    return float(TextPath((0, 0), text or " ", size=size, prop=font).get_extents().width)
