"""Chest source: the X-rays that a lesson works on. Nothing is downloaded; where there are none, chests are drawn.

Looked for in this order: the folder that is named in the call or by ``KIT_CHEST_DATA`` (ZhangLab's public layout; set
but empty: drawn chests); ``data/chest_xray`` in this folder or in one of the two above it; PneumoniaMNIST's file in
``data``, which ``squid fetch pneumoniamnist`` puts there; else chests are drawn into a folder that is removed when
Python ends. ``KIT_CHEST_CACHE`` is a folder for decoded images (by default one below the data, which ``squid train``
uses too).
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path
from typing import NamedTuple

from squidlib.data.chest import ChestData, ChestImages, open_images, zhanglab
from squidlib.data.chest.phantom_folder import NOTICE, drawn_folder
from squidlib.data.chest.pneumoniamnist import file_of, pneumoniamnist

DATA, CACHE = "KIT_CHEST_DATA", "KIT_CHEST_CACHE"
PUBLIC = "chest_xray"  #: the folder's name in ZhangLab's public download


class ChestSource(NamedTuple):
    """Where the images are.

    folder: in ZhangLab's layout. cache: for decoded images; None: below ``folder``. drawn: is it a drawn folder?
    single: the folder of PneumoniaMNIST's file, whose images keep no names; then ``folder`` is a drawn one.
    """

    folder: Path
    cache: Path | None
    drawn: bool
    single: Path | None = None

    @property
    def what(self) -> str:
        """What the images are, for titles and sentences."""
        if self.single is not None:
            return "chest X-rays (PneumoniaMNIST)"
        return "synthetic phantoms (no X-rays)" if self.drawn else "chest X-rays"

    def open(self, size: int) -> Chests:
        """The images at so many pixels a side.

        Raises:
            UserError: where the folder or file cannot be used.
        """
        files = zhanglab(self.folder)
        named = ChestData(open_images(files, size, self.cache))
        return Chests(files, named, named if self.single is None else ChestData(pneumoniamnist(self.single, size)))


class Chests(NamedTuple):
    """files: whose names tell the patient; named: their images; data: what the lesson works on otherwise."""

    files: ChestImages
    named: ChestData
    data: ChestData


def chest_source(folder: str | Path | None = None, size: int = 128) -> ChestSource:
    """The first of the sources above that is there.

    What a named folder holds is looked at when it is read (``squidlib.data.chest.zhanglab`` says what is wrong with
    it).

    Args:
        folder: None looks for one.
        size: of the images of PneumoniaMNIST that would do.
    """
    named, single = str(folder or os.environ.get(DATA, "")), None
    if not named and DATA not in os.environ:
        places = [here / "data" for here in (Path.cwd(), *Path.cwd().parents[:2])]
        named = next((str(place / PUBLIC) for place in places if (place / PUBLIC / "train").is_dir()), "")
        single = next((place for place in places if not named and file_of(place, size).is_file()), None)
    if not named:
        made = Path(tempfile.mkdtemp(prefix="squid-drawn-"))
        atexit.register(shutil.rmtree, made, ignore_errors=True)
        return ChestSource(drawn_folder(made / PUBLIC), made / "cache", True, single)
    cache = os.environ.get(CACHE, "")
    root = Path(named).expanduser()
    return ChestSource(root, Path(cache).expanduser() if cache else None, (root / NOTICE).is_file())
