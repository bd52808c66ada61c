"""Live figure: one picture in a notebook that grows while a cell runs; no widget and no extension is needed."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from squidlib.utils.plotting import png

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class LiveFigure:
    """A place in the output that is drawn again and again.

    Args:
        alt: what is to be seen, for readers who do not see it.
        every: least seconds between two pictures, so that drawing does not eat the training's time.
    """

    def __init__(self, alt: str, every: float = 3.0) -> None:
        self.alt, self.every = alt, every
        self._handle: Any = None
        self._drawn = float("-inf")

    def due(self) -> bool:
        """Whether the last picture is old enough for another one."""
        return time.monotonic() - self._drawn >= self.every

    def update(self, draw: Callable[[], Figure], force: bool = False) -> None:
        """Draw again if a picture is due, or ``force`` says so (after the last step)."""
        from IPython.display import display

        if not (force or self.due()):
            return
        bundle = {"image/png": base64.b64encode(png(draw(), dpi=80)).decode(), "text/plain": self.alt}
        metadata = {"image/png": {"alt": self.alt}}
        if self._handle is None:
            self._handle = display(bundle, metadata=metadata, raw=True, display_id=True)
        else:
            self._handle.update(bundle, metadata=metadata, raw=True)
        self._drawn = time.monotonic()
