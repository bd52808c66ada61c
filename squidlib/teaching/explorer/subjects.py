"""Subjects: the images that can be looked at, and what each of their tiles shows."""

from __future__ import annotations

import hashlib
import io
from collections import OrderedDict
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

from torch import Tensor

from digitanatomy import HAND_ANOMALIES, NORMAL, DigitAnatomy, cut_tiles
from squidlib.data.images import read_image_data
from squidlib.teaching.explorer.edits import Origin
from squidlib.teaching.explorer.setting import TILES
from squidlib.utils.errors import UserError

OFFERED = 20  #: images of each kind
UPLOADS = 4  #: uploaded images that are kept
LARGEST = 4 * 2**20  #: bytes of an uploaded file
UPLOAD = "upload"


class Subject(NamedTuple):
    """An image before any edit: tiles (9, 32, 32) in 0..1, what each shows, and the image's kind."""

    tiles: Tensor
    origins: tuple[Origin, ...]
    kind: str


class Subjects:
    """Images by name: "normal-0" ... "lesion-19" of a fixed set, as any hand would have written it, and "upload-NAME".

    Args:
        by_hand: how far an image is written by one hand, 0..1 -> the set; the first images of each kind are offered.
        size: pixels a side that an upload is scaled to.
    """

    def __init__(self, by_hand: Callable[[float], DigitAnatomy], size: int) -> None:
        self._size = size
        self._by_hand = lru_cache(8)(by_hand)
        self._uploads: OrderedDict[str, Tensor] = OrderedDict()

    def uploads(self) -> list[str]:
        """The names of all uploads, the oldest first."""
        return list(self._uploads)

    def at(self, name: str, hand: float) -> Subject:
        """The image of that name, as far by one hand as ``hand`` says; an upload is as it is.

        Raises:
            UserError: where there is none, or its anomaly needs a hand.
        """
        if name in self._uploads:
            return Subject(self._uploads[name], (Origin(known=False),) * TILES, UPLOAD)
        kind, _, number = name.rpartition("-")
        if kind in HAND_ANOMALIES and not hand:
            raise UserError(
                f"{kind} is an anomaly of images that are written by one hand; move the slider One hand above 0"
            )
        test = self._by_hand(hand)
        if kind in test.kinds and number in map(str, range(OFFERED)):
            sample = test[test.kinds.index(kind) + int(number)]
            digits = tuple(
                Origin(tile + 1) if not wrong else Origin(known=False, wrong=True)
                for tile, wrong in enumerate(sample.wrong.tolist())
            )
            return Subject(cut_tiles(sample.image), digits, sample.kind)
        if name.startswith(f"{UPLOAD}-"):
            raise UserError("the link was made with an uploaded image, which no link holds; upload the file again")
        raise UserError(f"images are {NORMAL}-0 to {NORMAL}-{OFFERED - 1} and so on; got {name[:40]!r}")

    def upload(self, content: bytes, file_name: str) -> str:
        """Keep an image file's content; returns the image's name. The oldest of more than a few is forgotten.

        Raises:
            UserError: where it is too large, no image, damaged, too small or far from square.
        """
        if len(content) > LARGEST:
            raise UserError(
                f"{file_name[:60]}: at most {LARGEST // 2**20} MiB expected, got {len(content) / 2**20:.1f} MiB; "
                "scale the image down first"
            )
        image = read_image_data(io.BytesIO(content), file_name[:60], self._size).image
        name = f"{UPLOAD}-{hashlib.sha256(content).hexdigest()[:8]}"
        self._uploads[name] = cut_tiles(image)
        self._uploads.move_to_end(name)
        while len(self._uploads) > UPLOADS:
            self._uploads.popitem(last=False)
        return name


def tile_name(tile: int) -> str:
    """How a tile is called in texts: its number and place."""
    return f"tile {tile + 1} (row {tile // 3 + 1}, column {tile % 3 + 1})"
