"""Edits: what a student does to the tiles of an image, one letter and the tiles' numbers each.

    b5      empty tile 5
    h5, v5  mirror tile 5 left-right, upside down
    s15     exchange tiles 1 and 5
    d53     put a digit 3 into tile 5

Tiles are numbered 1..9 in reading order; edits are joined by commas and done one after the other.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from torch import Tensor

from digitanatomy import DIGIT_FLIPS, Glyphs
from squidlib.utils.errors import UserError

MOST = 200  #: edits of one image
_EDIT = re.compile(r"[bhv][1-9]|s[1-9][1-9]|d[1-9][0-9]")
TURNED_ALIKE = (0, 1, 2, 5, 8)  #: digits that look the same upside down *and* mirrored


@dataclass(frozen=True)
class Origin:
    """What a tile shows. ``digit`` None: empty; ``known`` False: nobody knows (an upload, an anomaly of the set)."""

    digit: int | None = None
    mirrored: bool = False
    upside_down: bool = False
    known: bool = True
    wrong: bool = False  #: where it is not known

    def belongs(self, tile: int) -> bool:
        """Whether a normal image may show this at ``tile`` (0..8)."""
        if not self.known:
            return not self.wrong
        if self.digit != tile + 1:
            return False
        if self.mirrored and self.upside_down:
            return self.digit in TURNED_ALIKE
        flips = DIGIT_FLIPS.get(self.digit, ())
        return not (self.mirrored and "horizontal" in flips) and not (self.upside_down and "vertical" in flips)


class Edited(NamedTuple):
    """tiles (9, 32, 32) in 0..1 after all edits; what each of them shows."""

    tiles: Tensor
    origins: tuple[Origin, ...]

    @property
    def wrong(self) -> Tensor:
        """(9,) bool: tiles that no normal image may show there."""
        return torch.tensor([not origin.belongs(tile) for tile, origin in enumerate(self.origins)])


def check_edits(edits: str) -> list[str]:
    """The single edits of a text.

    Raises:
        UserError: where one of them is none, or there are too many.
    """
    found = [edit for edit in edits.split(",") if edit]
    for edit in found:
        if not _EDIT.fullmatch(edit):
            raise UserError(
                f"edits look like b5, h5, v5, s15 or d53, tiles 1 to 9, joined by commas; got {edit[:20]!r}"
            )
    if len(found) > MOST:
        raise UserError(f"at most {MOST} edits of one image, got {len(found)}; start over")
    return found


def apply_edits(tiles: Tensor, origins: tuple[Origin, ...], edits: str, glyphs: Glyphs) -> Edited:
    """Do the edits, one after the other.

    Args:
        tiles: (9, 32, 32) in 0..1, not changed in place.
        origins: what each of them shows.
        glyphs: a new digit is its first sample of these.
    """
    now, shown = tiles.clone(), list(origins)
    for edit in check_edits(edits):
        tile = int(edit[1]) - 1
        match edit[0]:
            case "b":
                now[tile], shown[tile] = 0, Origin()
            case "h":
                now[tile] = now[tile].flip(-1)
                shown[tile] = replace(shown[tile], mirrored=not shown[tile].mirrored)
            case "v":
                now[tile] = now[tile].flip(-2)
                shown[tile] = replace(shown[tile], upside_down=not shown[tile].upside_down)
            case "s":
                other = int(edit[2]) - 1
                now[[tile, other]] = now[[other, tile]]
                shown[tile], shown[other] = shown[other], shown[tile]
            case _:
                digit = int(edit[2])
                now[tile] = glyphs.tiles[glyphs.indices(digit)[0]]
                shown[tile] = Origin(digit)
    return Edited(now, tuple(shown))
