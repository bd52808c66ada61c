"""Slider: a picture that is drawn again for the value a reader chooses; a stored notebook keeps the cell without it.

The lesson shows the same as a figure at a few values first, so that nothing is lost on paper or without a kernel.
"""

from __future__ import annotations

import base64
import html
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from squidlib.utils.plotting import png

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def slider(draw: Callable[[Any], Figure], name: str, values: Sequence[float], start: float, alt: str) -> None:
    """Display a slider over ``values`` and, below it, what ``draw`` draws for the chosen one.

    Args:
        draw: value -> figure; quick, for it runs at every move.
        name: what the value is, at the slider's left.
        values: in order; arrow keys step through them.
        start: one of them.
        alt: what the picture shows, for readers who do not see it.

    Raises:
        ValueError: where ``start`` is none of the values.
    """
    from IPython.display import display
    from ipywidgets import HTML, Layout, SelectionSlider, VBox

    if start not in values:
        raise ValueError(f"start is one of the values {', '.join(f'{value:g}' for value in values)}; got {start:g}")

    def picture(value: float) -> str:
        data = base64.b64encode(png(draw(value))).decode()
        return f'<img alt="{html.escape(f"{alt}; {name} {value:g}")}" src="data:image/png;base64,{data}">'

    shown = HTML(picture(start))
    control = SelectionSlider(
        options=[(f"{value:.3g}", value) for value in values],
        value=start,
        description=name,
        continuous_update=False,
        style={"description_width": "initial"},
        layout=Layout(width="32em"),
    )
    control.observe(lambda change: setattr(shown, "value", picture(change["new"])), "value")
    display(VBox([control, shown]))
