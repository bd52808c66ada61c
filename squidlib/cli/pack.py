"""``squid pack``: everything for a room without a network in one folder, for a USB stick."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from tyro.conf import Positional

from squidlib.cli.choices import Folder


@dataclass(frozen=True)
class Pack:
    """Gather the kit, its packages for this system and Python, and scripts that install them without a network."""

    folder: Positional[Folder]
    """The folder to fill, new or empty: on the stick, or to be copied there."""
    torch: Literal["default", "cpu", "none"] = "default"
    """default: torch as the package index has it (with CUDA on Linux); cpu: its CPU build, from --torch-index; none:
    leave torch out, for machines that have it."""
    torch_index: str = ""
    """With --torch cpu: the address of PyTorch's own CPU index, as pytorch.org names it under "Get Started"."""
    wheel: Path | None = None
    """The kit's own wheel. Without it, one is built from the repository."""
    yes: bool = False
    """Do not ask before downloading."""

    def run(self) -> int:
        """Say what comes and how large it is, ask, download, write the scripts."""
        from squidlib.teaching.course.folder import course_folder
        from squidlib.utils.errors import UserError
        from squidlib.utils.packing import check_empty, downloads, fetch, kit_wheel, write_scripts
        from squidlib.utils.safetensors_io import check_writable

        if (self.torch == "cpu") != bool(self.torch_index):
            raise UserError("--torch cpu and --torch-index ADDRESS belong together; pytorch.org names the address")
        if not self.yes and not sys.stdin.isatty():
            raise UserError("nobody can be asked here whether to download; give --yes to allow it")
        check_empty(self.folder)
        check_writable(self.folder)
        root = course_folder()
        with TemporaryDirectory() as aside:
            wheel = kit_wheel(self.wheel, root, Path(aside))
            files = downloads(wheel, root / "constraints.txt", self.torch, self.torch_index)
            self._say(files)
            if not self.yes and input(f"Download them to {self.folder}? [y/N] ").strip().lower() not in ("y", "yes"):
                print("nothing was downloaded")
                return 0
            fetch([wheel.as_uri(), *(address for address, _ in files)], self.folder / "wheels")
        write_scripts(self.folder, root, self.torch)
        print(f"{self.folder}: ready. In the room, on a machine of this system and Python: bash install.sh "
              f"(Windows: install.ps1); see README.md there")  # fmt: skip
        return 0

    def _say(self, files: list[tuple[str, int | None]]) -> None:
        known, unknown = sum(size or 0 for _, size in files), sum(size is None for _, size in files)
        print(
            f"{len(files)} packages, {known / 1e9:.2f} GB" + (f"; {unknown} do not tell their size" if unknown else "")
        )
        for address, size in sorted(files, key=lambda file: -(file[1] or 0))[:5]:
            name = address.partition("#")[0].rpartition("/")[2]
            print(f"  {'?' if size is None else f'{size / 1e6:.0f} MB':>8s}  {name}")
