"""Chest source: the folder of X-rays that a lesson works on. Nothing is downloaded; by default it is drawn.

``KIT_CHEST_DATA`` names the folder of the real images in ZhangLab's public layout, ``KIT_CHEST_CACHE`` a folder for
decoded ones (by default one below the data, which ``squid train`` uses too).
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path
from typing import NamedTuple

from squidlib.data.chest.phantom_folder import NOTICE, drawn_folder

DATA, CACHE = "KIT_CHEST_DATA", "KIT_CHEST_CACHE"


class ChestSource(NamedTuple):
    """Where the images are, where decoded ones go (None: below ``folder``), and whether they are drawn."""

    folder: Path
    cache: Path | None
    drawn: bool

    @property
    def what(self) -> str:
        """What the images are, for titles and sentences."""
        return "synthetic phantoms (no X-rays)" if self.drawn else "chest X-rays"


def chest_source(folder: str | Path | None = None) -> ChestSource:
    """The folder that is named here or by KIT_CHEST_DATA, else a drawn one that is removed when Python ends.

    What a named folder holds is looked at when it is read (``squidlib.data.chest.zhanglab`` says what is wrong with
    it).
    """
    named = str(folder or os.environ.get(DATA, ""))
    if not named:
        made = Path(tempfile.mkdtemp(prefix="squid-drawn-"))
        atexit.register(shutil.rmtree, made, ignore_errors=True)
        return ChestSource(drawn_folder(made / "chest_xray"), made / "cache", True)
    cache = os.environ.get(CACHE, "")
    root = Path(named).expanduser()
    return ChestSource(root, Path(cache).expanduser() if cache else None, (root / NOTICE).is_file())
