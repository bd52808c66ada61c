"""What the lessons share: how long to run, progress that may be interrupted, figures, sentences with computed numbers.

>>> from squidlib.teaching.lesson import by_mode, image_grid, interruptible, say, show
"""

from squidlib.teaching.lesson.live import LiveFigure
from squidlib.teaching.lesson.mode import by_mode, mode
from squidlib.teaching.lesson.progress import interruptible
from squidlib.teaching.lesson.slider import slider
from squidlib.teaching.lesson.speech import say
from squidlib.utils.plotting import COLOURS, bars, curves, histograms, image_grid, panels, points, show

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
    "slider",
]
