"""Decoding the X-rays of a test into its cache."""

from __future__ import annotations

from pathlib import Path

from squidlib.data.chest.cache import Decoded, decode

SIZE = 8  #: pixels a side


def decoded(paths: list[Path], size: int = SIZE, skip_bad: bool = False) -> Decoded:
    root = paths[0].parent
    return decode(paths, root, size, "part", root.parent / "cache", skip_bad)
