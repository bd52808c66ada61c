"""``squid fetch``: the public chest X-rays that come as a single file; it says what they are and asks first."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tyro.conf import Positional

from squidlib.utils.errors import UserError


@dataclass(frozen=True)
class Fetch:
    """Download public chest X-rays to a folder where lesson 13 and squid train find them."""

    dataset: Positional[Literal["pneumoniamnist"]]
    """PneumoniaMNIST: children's chest X-rays, normal and with pneumonia, in one file."""
    size: int = 128
    """Pixels a side: 28, 64, 128 (the lesson's) or 224."""
    data: Path = Path("data")
    """The folder to put it into."""
    yes: bool = False
    """Do not ask before downloading."""

    def run(self) -> int:
        """Say what would come, ask, download, check."""
        from squidlib.data.chest.info import PNEUMONIAMNIST, PNEUMONIAMNIST_MD5
        from squidlib.data.chest.pneumoniamnist import address_of, check_size, file_of, is_published
        from squidlib.utils.downloading import download, size_of
        from squidlib.utils.safetensors_io import check_writable

        check_size(self.size)
        path = file_of(self.data, self.size)
        if path.is_file():
            if not is_published(path, self.size):
                raise UserError(f"{path} is there and not the published file; remove it and fetch it again")
            print(f"{path} is there already, and it is the published file")
            return 0
        if not self.yes and not sys.stdin.isatty():
            raise UserError("nobody can be asked here whether to download; give --yes to allow it")
        check_writable(self.data)
        address, checksum = address_of(self.size), PNEUMONIAMNIST_MD5[self.size]
        told = size_of(address)
        print(f"{PNEUMONIAMNIST['name']}: {PNEUMONIAMNIST['image']}; here {self.size} pixels")
        print(f"from      {address}")
        print(f"size      {'not told by the server' if told is None else f'{told / 1e6:.1f} MB'}")
        print(f"checksum  MD5 {checksum}, looked at before the file is kept")
        print(f"licence   {PNEUMONIAMNIST['licence']}; {PNEUMONIAMNIST['source']}")
        print(f"use       {PNEUMONIAMNIST['use']}")
        print(f"to        {path}")
        if not self.yes and input("Download it? [y/N] ").strip().lower() not in ("y", "yes"):
            print("nothing was downloaded")
            return 0
        download(address, path, checksum)
        print(f"{path}: whole, and the published file. Lesson 13 finds it; or: squid train pneumoniamnist --data "
              f"{self.data} --size {self.size} --out runs/pneumonia")  # fmt: skip
        return 0
