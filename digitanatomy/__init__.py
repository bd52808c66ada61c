"""DigitAnatomy: 3x3 grids of handwritten digits that mimic anatomy, with seven anomaly types and pixel masks.

    >>> from digitanatomy import DigitAnatomy, mnist5000
    >>> test = DigitAnatomy(mnist5000().split().test, counts={"normal": 4, "flipped": 4})
    >>> image, label, kind, mask, wrong = test[5]

Stands alone: it knows nothing of ``squidlib``.
"""

from digitanatomy.anomalies import Altered, disorder, flipped, missing, novel
from digitanatomy.compose import Jitter, cut_tiles, join_tiles
from digitanatomy.dataset import DigitAnatomy, FreshNormals, Sample, seeded_generator
from digitanatomy.glyphs import Glyphs, GlyphSplit
from digitanatomy.hand import RANGES, STYLE, styles, write
from digitanatomy.hand_anomalies import Restyled, drift, stranger
from digitanatomy.info import (
    ALL_KINDS,
    ANOMALIES,
    DESCRIPTIONS,
    DIGIT_FLIPS,
    GRID,
    HAND_ANOMALIES,
    IMAGE_SIZE,
    INFO,
    KINDS,
    NORMAL,
    SUBTLE_ANOMALIES,
    TILE_SIZE,
)
from digitanatomy.lesion import Lesion, lesion
from digitanatomy.outlines import Outlines, outlines_of
from digitanatomy.sources import emnist, folder, kmnist, mnist, mnist5000, sklearn_digits

__all__ = [
    "ALL_KINDS",
    "ANOMALIES",
    "Altered",
    "DESCRIPTIONS",
    "DIGIT_FLIPS",
    "DigitAnatomy",
    "FreshNormals",
    "GRID",
    "GlyphSplit",
    "Glyphs",
    "HAND_ANOMALIES",
    "IMAGE_SIZE",
    "INFO",
    "Jitter",
    "KINDS",
    "Lesion",
    "NORMAL",
    "Outlines",
    "RANGES",
    "Restyled",
    "STYLE",
    "SUBTLE_ANOMALIES",
    "Sample",
    "TILE_SIZE",
    "cut_tiles",
    "disorder",
    "drift",
    "emnist",
    "flipped",
    "folder",
    "join_tiles",
    "kmnist",
    "lesion",
    "missing",
    "mnist",
    "mnist5000",
    "novel",
    "outlines_of",
    "seeded_generator",
    "sklearn_digits",
    "stranger",
    "styles",
    "write",
]
