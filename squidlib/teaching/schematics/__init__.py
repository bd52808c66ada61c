"""Schematics: what a teacher would draw on the board, as SVG that reads on light and dark pages and on paper.

``all_schematics`` draws every one, with the shipped detector's own numbers where numbers are shown:

    python tools/schematics.py       # writes notebooks/schematics/*.svg, which lessons and README show
"""

from __future__ import annotations

import squidlib
from digitanatomy import DigitAnatomy, cut_tiles
from squidlib.config import LossWeights
from squidlib.data.digits import Digits
from squidlib.teaching.schematics.canvas import Canvas
from squidlib.teaching.schematics.data_flow import data_flow
from squidlib.teaching.schematics.inpainting_spaces import ASKED, inpainting_spaces
from squidlib.teaching.schematics.loss_map import loss_map
from squidlib.teaching.schematics.memory_queue import memory_queue
from squidlib.teaching.schematics.memory_read import memory_read
from squidlib.teaching.schematics.method_families import method_families
from squidlib.teaching.schematics.window_slides import window_slides

__all__ = ["HERE", "all_schematics"]

#: The data flow at the top of a lesson: its file -> what is shown at full strength.
HERE = {
    "here_input": ("input",),
    "here_autoencoder": ("input", "encoder", "student", "reconstruction"),
    "here_memory": ("memory",),
    "here_inpainting": ("neighbours", "shortcut"),
    "here_score": ("score",),
    "here_memory_and_score": ("memory", "score"),
}
READ = 4  #: the position whose memory is shown being read: the middle one, digit 5
EXAMPLE_SEED = 1  #: of the normal image that all of them show


def all_schematics() -> dict[str, Canvas]:
    """File name without ending -> schematic."""
    detector, data = squidlib.load("digitanatomy", device="cpu"), Digits()
    squid = detector.squid
    image = DigitAnatomy(data.glyphs.test, {"normal": 1}, EXAMPLE_SEED).images()
    pictures = image[0], detector.reconstruct(image)[0]
    remembered = cut_tiles(data.reference())
    recalled = squid.inpainting.recall(squid.query(image))[0][0].detach()
    flows = {"data_flow": data_flow(pictures)} | {name: data_flow(pictures, parts) for name, parts in HERE.items()}
    return flows | {
        "memory_read": memory_read(squid, image[0], remembered[:, READ], READ),
        "memory_queue": memory_queue(),
        "inpainting_spaces": inpainting_spaces(cut_tiles(image[0]), recalled, remembered[:, ASKED].mean(0)),
        "window_slides": window_slides(cut_tiles(image[0])),
        "loss_map": loss_map(LossWeights()),
        "method_families": method_families(),
    }
