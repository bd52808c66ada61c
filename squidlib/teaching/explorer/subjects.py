"""Subjects: the images that can be looked at, and what each of their tiles shows."""

from __future__ import annotations

import hashlib
import io
from collections import OrderedDict
from typing import NamedTuple

from torch import Tensor

from digitanatomy import ALL_KINDS, NORMAL, DigitAnatomy, cut_tiles
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
    """Images by name: "normal-0" ... "flipped-19" of a fixed set (of a hand's, to "lesion-19"), and "upload-NAME".

    Args:
        test: the set; the first images of each kind are offered.
        size: pixels a side that an upload is scaled to.
    """

    def __init__(self, test: DigitAnatomy, size: int) -> None:
        self._size = size
        self._places = {
            f"{kind}-{number}": index
            for kind in ALL_KINDS
            for number, index in enumerate([i for i, name in enumerate(test.kinds) if name == kind][:OFFERED])
        }
        self._test = test
        self._uploads: OrderedDict[str, Tensor] = OrderedDict()

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kinds of image that are offered."""
        return tuple(dict.fromkeys(self._test.kinds))

    def names(self, kind: str) -> list[str]:
        """Every image of a kind, or the uploads."""
        known = self._uploads if kind == UPLOAD else self._places
        return [name for name in known if name.startswith(f"{kind}-")]

    def __getitem__(self, name: str) -> Subject:
        if name in self._uploads:
            return Subject(self._uploads[name], (Origin(known=False),) * TILES, UPLOAD)
        if name in self._places:
            sample = self._test[self._places[name]]
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
