"""``squid score``: judge image files of one's own."""

from __future__ import annotations

import csv
import io
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tyro.conf import Positional

from squidlib.utils.errors import UserError

if TYPE_CHECKING:
    from torch import Tensor

    from squidlib.detection.detector import Detector

NAME_LENGTH = 60  #: characters of an image's name that its map keeps; file systems allow 255 bytes


@dataclass(frozen=True)
class Score:
    """Score image files or folders of them; goes on past bad files, names them, and then exits with 1."""

    detector: Positional[str]
    """Folder of a finished run, or name of a shipped checkpoint."""
    paths: Positional[tuple[Path, ...]]
    """Image files, or folders whose images are all scored."""
    csv: Path
    """The table to write: path, verdict, threshold and every score."""
    maps: Path | None = None
    """Folder for anomaly maps, one PNG an image."""
    rate: float = 0.05
    """Share of normal images that the threshold may call abnormal."""
    device: str = "auto"
    """auto (a CUDA GPU where there is one), cpu, cuda or mps."""
    overwrite: bool = False
    """Replace the CSV file and maps that are there."""

    def run(self) -> int:
        """Score, write, report."""
        import torch
        from tqdm.auto import tqdm

        from squidlib.cli.device import check_device
        from squidlib.data.images import list_images, read_image
        from squidlib.detection.checkpoint import load
        from squidlib.training.loop import resolve_device
        from squidlib.utils.safetensors_io import check_writable

        if not 0 < self.rate < 1:
            raise UserError(f"--rate lies between 0 and 1, got {self.rate}")
        if not self.paths:
            raise UserError("name at least one image file or folder")
        self._check_outputs()
        check_device(self.device)
        detector = load(self.detector, resolve_device(self.device))
        files, bad = list_images(list(self.paths)), 0
        rows: list[dict[str, str]] = []
        check_writable(self.csv.parent)
        if self.maps is not None:
            check_writable(self.maps)
        for path in tqdm(files, desc="scoring", unit="image", disable=None):
            try:
                image = read_image(path, detector.config.image_size)
            except UserError as error:
                if len(files) == 1:
                    raise
                print(f"squid: {error}", file=sys.stderr)
                bad += 1
                continue
            rows.append(self._row(detector, path, torch.unsqueeze(image, 0), len(rows)))
        if not rows:
            raise UserError(f"none of the {len(files)} files could be scored; nothing was written")
        self._write(rows)
        print(f"{len(rows)} images scored, {bad} could not be read: {self.csv}")
        return 1 if bad else 0

    def _check_outputs(self) -> None:
        if self.csv.is_dir():
            raise UserError(f"--csv {self.csv} is a folder; a file name was expected")
        if self.csv.exists() and not self.overwrite:
            raise UserError(f"{self.csv} exists; replace it with --overwrite or choose another name")
        if self.maps is not None and self.maps.exists():
            if not self.maps.is_dir():
                raise UserError(f"--maps {self.maps} is a file; a folder was expected")
            if any(self.maps.iterdir()) and not self.overwrite:
                raise UserError(f"{self.maps} is not empty; choose another folder or allow --overwrite")

    def _row(self, detector: Detector, path: Path, image: Tensor, index: int) -> dict[str, str]:
        scores = {name: float(value[0]) for name, value in detector.scores(image).items()}
        threshold = detector.threshold(self.rate)
        verdict = "abnormal" if scores["combined"] > threshold else "normal"
        row = {"path": str(path), "verdict": verdict, "threshold": f"{threshold:.4f}"}
        row |= {name: f"{value:.4f}" for name, value in scores.items()}
        if self.maps is not None:
            row["map"] = self._write_map(detector, path, image, index)
        return row

    def _write_map(self, detector: Detector, path: Path, image: Tensor, index: int) -> str:
        from matplotlib import colormaps
        from PIL import Image

        from squidlib.utils.plotting import MAP_COLOURS
        from squidlib.utils.safetensors_io import write_atomically

        assert self.maps is not None
        anomaly = detector.anomaly_map(image)[0, 0].clamp(0, 1).numpy()
        buffer = io.BytesIO()
        Image.fromarray((colormaps[MAP_COLOURS](anomaly)[..., :3] * 255).round().astype("uint8")).save(buffer, "PNG")
        target = self.maps / f"{index:05d}_{path.stem[:NAME_LENGTH]}.png"
        write_atomically(target, buffer.getvalue())
        return str(target)

    def _write(self, rows: list[dict[str, str]]) -> None:
        from squidlib.utils.safetensors_io import write_atomically

        text = io.StringIO()
        writer = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        write_atomically(self.csv, text.getvalue().encode("utf-8", "surrogateescape"))
