"""``squid export``: a detector as an ONNX file for programs that have no torch, or as a page that runs in a browser."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tyro.conf import Positional

from squidlib.cli.choices import RunName
from squidlib.utils.errors import UserError


@dataclass(frozen=True)
class Export:
    """Write a detector as one ONNX file that runs without torch, or as a page that runs in a browser."""

    detector: Positional[RunName]
    """Folder of a finished run, or name of a shipped checkpoint."""
    onnx: Path | None = None
    """The file to write, such as detector.onnx; its verdicts are those of squid score."""
    page: Path | None = None
    """The folder to write: a page for any file server, in which this detector runs; a clone needs make web before."""
    rate: float = 0.05
    """Share of normal images that the threshold of the ONNX file may call abnormal."""
    half: bool = False
    """Store the weights of the ONNX file in 16 bits: half the size; scores change in the third decimal."""
    overwrite: bool = False
    """Replace the file, or the page in the folder."""

    def run(self) -> int:
        """Load, export, compare, write."""
        if (self.onnx is None) == (self.page is None):
            raise UserError("give one of --onnx FILE and --page FOLDER")
        return self._page(self.page) if self.page is not None else self._file(Path(str(self.onnx)))

    def _page(self, folder: Path) -> int:
        from squidlib.teaching.page import check_target, write_page

        check_target(folder, self.overwrite)
        print("translating and comparing with torch, half a minute or so ...", flush=True)
        difference, sizes = write_page(self.detector, folder, self.overwrite)
        print(f"{folder}: {sum(sizes.values()) / 1e6:.1f} MB of data; largest difference to torch {difference:.1g}")
        print(f"to look at it: python -m http.server --bind 127.0.0.1 --directory {folder} 8000")
        return 0

    def _file(self, path: Path) -> int:
        from squidlib.detection.checkpoint import load
        from squidlib.detection.onnx_file import export
        from squidlib.utils.safetensors_io import check_writable

        if not 0 < self.rate < 1:
            raise UserError(f"--rate lies between 0 and 1, got {self.rate}")
        if path.is_dir():
            raise UserError(f"--onnx {path} is a folder; the name of a file expected, such as detector.onnx")
        if path.exists() and not self.overwrite:
            raise UserError(f"{path} exists; choose another file or allow --overwrite")
        check_writable(path.parent)
        detector = load(self.detector)
        for line in detector.limitations(self.rate):
            print(f"note: {line}")
        print("translating and comparing with torch, half a minute or so ...", flush=True)
        difference = export(detector, path, self.rate, self.half)
        size = path.stat().st_size / 1e6
        print(f"{path}: {size:.1f} MB; largest difference to torch {difference:.1g}")
        return 0
