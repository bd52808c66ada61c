"""Drawing: small pictures as PNG, and charts as SVG in the colours of the page, fast enough to follow a slider.

Every function returns HTML with a text for readers who do not see it. What is saved to a file is drawn by
matplotlib, see ``pictures``.
"""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from squidlib.utils.plotting import ABNORMAL_COLOUR, MAP_COLOURS, NORMAL_COLOUR

_PIXELS = 192  #: a side of a picture of 96; shown at whatever width there is


def png_of(image: Tensor, brightest: float | None = None, side: int = _PIXELS) -> bytes:
    """(H, W) -> a PNG of ``side`` pixels: grey in 0..1, or in colour up to ``brightest`` where that is given."""
    from PIL import Image

    values = image.detach().cpu().numpy()
    if brightest is None:
        picture = Image.fromarray((values.clip(0, 1) * 255).round().astype(np.uint8))
    else:
        shares = (values / max(brightest, 1e-9)).clip(0, 1) ** 0.5  # the root keeps faint findings visible
        picture = Image.fromarray(_colours()[(shares * 255).round().astype(np.uint8)])
    buffer = io.BytesIO()
    picture.resize((side, side), Image.Resampling.NEAREST).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


@cache
def _colours() -> NDArray[np.uint8]:
    from matplotlib import colormaps

    return np.asarray(colormaps[MAP_COLOURS](np.arange(256), bytes=True))[:, :3]


def address(content: bytes) -> str:
    """A PNG as an address that a page can show."""
    return "data:image/png;base64," + base64.b64encode(content).decode()


def figure(content: bytes, caption: str, alt: str) -> str:
    """A picture with its caption."""
    return (
        f'<figure class="squid-figure"><img decoding="sync" alt="{html.escape(alt)}" src="{address(content)}">'
        f"<figcaption>{caption}</figcaption></figure>"
    )


def histogram(normal: Tensor, score: float, threshold: float, abnormal: bool) -> str:
    """Scores of normal images as grey bars, the threshold dotted, this image's score as a coloured line."""
    values = normal.numpy()
    low, high = min(float(values.min()), score), max(float(values.max()), score, threshold)
    margin = 0.04 * (high - low) or 1.0
    low, high = low - margin, high + margin
    counts, _ = np.histogram(values, bins=40, range=(low, high))
    width, height = 400.0, 130.0
    step, tallest = width / 40, max(int(counts.max()), 1)
    bars = "".join(
        f'<rect x="{index * step:.1f}" y="{height - 110 * count / tallest:.1f}" width="{step - 0.6:.1f}" '
        f'height="{110 * count / tallest:.1f}" fill="#999"/>'
        for index, count in enumerate(counts.tolist())
        if count
    )

    def line(value: float, colour: str, dash: str, stroke: float) -> str:
        x = (value - low) / (high - low) * width
        return (
            f'<line x1="{x:.1f}" x2="{x:.1f}" y1="4" y2="{height}" stroke="{colour}" {dash} stroke-width="{stroke}"/>'
        )

    colour = ABNORMAL_COLOUR if abnormal else NORMAL_COLOUR
    marks = line(threshold, "currentColor", 'stroke-dasharray="2 4"', 2.0) + line(score, colour, "", 4.0)
    ends = (
        f'<text x="2" y="{height + 16}">{low:.3g}</text>'
        f'<text x="{width - 2}" y="{height + 16}" text-anchor="end">{high:.3g}</text>'
    )
    alt = f"Histogram of {len(values)} normal scores; threshold {threshold:.3g}; this image {score:.3g}"
    return _svg(bars + marks + ends, width, height + 20, alt)


def attention_bars(weights: Tensor) -> str:
    """One bar a slot, the oldest at the left: how much each of them speaks."""
    values = weights.numpy()
    width, height = 400.0, 70.0
    step, most = width / len(values), max(float(values.max()), 1e-12)
    thick = max(step - 0.5, 1.2)
    bars = "".join(
        f'<rect x="{index * step:.2f}" y="{height - 60 * value / most:.2f}" width="{thick:.2f}" '
        f'height="{60 * value / most:.2f}" fill="{NORMAL_COLOUR}"/>'
        for index, value in enumerate(values.tolist())
        if value > 0
    )
    base = f'<line x1="0" x2="{width}" y1="{height}" y2="{height}" stroke="currentColor"/>'
    ends = (
        f'<text x="2" y="{height + 16}">oldest slot</text>'
        f'<text x="{width - 2}" y="{height + 16}" text-anchor="end">newest</text>'
        f'<text x="2" y="12">{float(values.max()):.1%} at most</text>'
    )
    spoken = int((values > 0).sum())
    return _svg(bars + base + ends, width, height + 20, f"{spoken} of {len(values)} slots have a weight above zero")


def _svg(inside: str, width: float, height: float, alt: str) -> str:
    return (
        f'<svg class="squid-chart" viewBox="0 0 {width:g} {height:g}" role="img" aria-label="{html.escape(alt)}" '
        f'font-size="12" fill="currentColor">{inside}</svg>'
    )


def heat_map(
    rows: Sequence[tuple[str, Sequence[float | None]]],
    columns: Sequence[str],
    marked: tuple[int, int] | None,
    head: str,
) -> str:
    """A table of AUCs, 0.5 dark to 1 bright, the present setting outlined; – where there is no such reading.

    Args:
        rows: name -> a value for each column.
        marked: (row, column) of the present setting.
        head: what rows and columns are.
    """
    top = "".join(f'<th scope="col">{column}</th>' for column in columns)
    lines = []
    for place, (name, values) in enumerate(rows):
        cells = "".join(_cell(value, (place, column) == marked) for column, value in enumerate(values))
        lines.append(f'<tr><th scope="row">{name}</th>{cells}</tr>')
    return (
        f'<div class="squid-scroll" tabindex="0" role="region" aria-label="{html.escape(head)}">'
        f'<table class="squid-heat"><thead><tr><th>{html.escape(head)}</th>{top}</tr></thead>'
        f"<tbody>{''.join(lines)}</tbody></table></div>"
    )


def _cell(value: float | None, marked: bool) -> str:
    if value is None:
        return "<td>–</td>"
    here = ' class="squid-here" aria-current="true"' if marked else ""
    return f'<td{here} style="background:{_shade(value)};color:{"#000" if value > 0.8 else "#fff"}">{value:.3f}</td>'


def _shade(value: float) -> str:
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    return to_hex(colormaps["cividis"](float(np.clip((value - 0.5) / 0.5, 0, 1))))


def download(content: bytes, name: str) -> str:
    """A link that saves a PNG, and the picture itself for where links cannot (VS Code: save it with a right click)."""
    source = address(content)
    return (
        f'<p><a download="{html.escape(name)}" href="{source}">Download {html.escape(name)}</a></p>'
        f'<img class="squid-saved" alt="Everything of this view in one picture" src="{source}">'
    )
