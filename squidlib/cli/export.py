"""``squid export``: a detector as an ONNX file, for programs that have no torch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tyro.conf import Positional

from squidlib.utils.errors import UserError


@dataclass(frozen=True)
class Export:
    """Write a detector as one ONNX file that runs without torch; its verdicts are those of squid score."""

    detector: Positional[str]
    """Folder of a finished run, or name of a shipped checkpoint."""
    onnx: Path
    """The file to write, such as detector.onnx."""
    rate: float = 0.05
    """Share of normal images that its threshold may call abnormal."""
    half: bool = False
    """Store the weights in 16 bits: half the size; scores change in the third decimal."""
    overwrite: bool = False
    """Replace the file."""

    def run(self) -> int:
        """Load, export, compare, write."""
        from squidlib.detection.checkpoint import load
        from squidlib.detection.onnx_file import export
        from squidlib.utils.safetensors_io import check_writable

        if not 0 < self.rate < 1:
            raise UserError(f"--rate lies between 0 and 1, got {self.rate}")
        if self.onnx.is_dir():
            raise UserError(f"--onnx {self.onnx} is a folder; the name of a file expected, such as detector.onnx")
        if self.onnx.exists() and not self.overwrite:
            raise UserError(f"{self.onnx} exists; choose another file or allow --overwrite")
        check_writable(self.onnx.parent)
        detector = load(self.detector)
        for line in detector.limitations(self.rate):
            print(f"note: {line}")
        print("translating and comparing with torch, half a minute or so ...", flush=True)
        difference = export(detector, self.onnx, self.rate, self.half)
        size = self.onnx.stat().st_size / 1e6
        print(f"{self.onnx}: {size:.1f} MB; largest difference to torch {difference:.1g}")
        return 0
