"""What the lessons share: how long to run, progress that may be interrupted, figures, sentences with computed numbers.

>>> from squidlib.lesson import by_mode, image_grid, interruptible, say, show
"""

from squidlib.lesson.figures import COLOURS, bars, curves, histograms, image_grid, panels, points
from squidlib.lesson.live import LiveFigure
from squidlib.lesson.mode import by_mode, mode
from squidlib.lesson.progress import interruptible
from squidlib.lesson.speech import say
from squidlib.plots import show

__all__ = [
    "COLOURS",
    "LiveFigure",
    "bars",
    "by_mode",
    "curves",
    "histograms",
    "image_grid",
    "interruptible",
    "mode",
    "panels",
    "points",
    "say",
    "show",
]
