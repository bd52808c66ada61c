"""DigitAnatomy: 3x3 grids of handwritten digits that mimic anatomy, with four kinds of anomaly and pixel masks.

    >>> from digitanatomy import DigitAnatomy, mnist5000
    >>> test = DigitAnatomy(mnist5000().split().test, counts={"normal": 4, "flipped": 4})
    >>> image, label, kind, mask, wrong = test[5]

Stands alone: it knows nothing of ``squidlib``.
"""

from digitanatomy.anomalies import Altered, disorder, flipped, missing, novel
from digitanatomy.compose import Jitter, cut_tiles, join_tiles
from digitanatomy.dataset import DigitAnatomy, FreshNormals, Sample, seeded_generator
from digitanatomy.glyphs import Glyphs, GlyphSplit
from digitanatomy.info import ANOMALIES, DESCRIPTIONS, DIGIT_FLIPS, GRID, IMAGE_SIZE, INFO, KINDS, NORMAL, TILE_SIZE
from digitanatomy.sources import emnist, folder, kmnist, mnist, mnist5000, sklearn_digits

__all__ = [
    "ANOMALIES",
    "Altered",
    "DESCRIPTIONS",
    "DIGIT_FLIPS",
    "DigitAnatomy",
    "FreshNormals",
    "GRID",
    "GlyphSplit",
    "Glyphs",
    "IMAGE_SIZE",
    "INFO",
    "Jitter",
    "KINDS",
    "NORMAL",
    "Sample",
    "TILE_SIZE",
    "cut_tiles",
    "disorder",
    "emnist",
    "flipped",
    "folder",
    "join_tiles",
    "kmnist",
    "missing",
    "mnist",
    "mnist5000",
    "novel",
    "seeded_generator",
    "sklearn_digits",
]
