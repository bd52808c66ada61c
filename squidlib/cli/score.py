"""``squid score``: judge image files of one's own."""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tyro.conf import Positional

from squidlib.cli.choices import Paths, RunName
from squidlib.cli.score_dicom import check_pydicom
from squidlib.cli.score_images import Notes, read_batches, write_maps
from squidlib.cli.score_report import ReportFacts, check_report, write_report
from squidlib.cli.score_table import ScoreTable, remove_maps
from squidlib.utils.command import command
from squidlib.utils.errors import UserError
from squidlib.utils.text import cell, printable

if TYPE_CHECKING:
    from torch import Tensor

    from squidlib.detection.detector import Detector


@dataclass(frozen=True)
class Score:
    """Score image files or folders of them; bad files are named and passed over, and the exit code is then 1.

    Rows are written as they come. Where it was interrupted, the same command continues its table.
    """

    detector: Positional[RunName]
    """Folder of a finished run, or name of a shipped checkpoint."""
    paths: Positional[Paths]
    """Image files, or folders whose images are all scored."""
    csv: Path
    """The table to write: path, verdict, score, threshold, the score's name, and every score."""
    maps: Path | None = None
    """Folder for anomaly maps, one PNG an image."""
    dicom_maps: bool = False
    """Write each map as a DICOM file, too (Secondary Capture), without anything of the patient; needs [dicom]."""
    report: Path | None = None
    """HTML file of the most abnormal images: picture, map, verdict, score among those of normal images."""
    rate: float = 0.05
    """Share of normal images that the threshold may call abnormal."""
    device: str = "auto"
    """auto (a CUDA GPU where there is one), cpu, cuda or mps."""
    overwrite: bool = False
    """Replace the CSV file and the report, and remove the maps that an earlier run wrote."""

    def run(self) -> int:
        """Score, write, report."""
        from squidlib.cli.device import check_device
        from squidlib.detection.checkpoint import find, load
        from squidlib.training.loop import resolve_device

        if not 0 < self.rate < 1:
            raise UserError(f"--rate lies between 0 and 1, got {self.rate}")
        if not self.paths:
            raise UserError(
                f"name at least one image file or folder after the detector, which is here {self.detector!r}; as in: "
                f"{command('score', 'digitanatomy', 'IMAGES', '--csv', 'scores.csv')}"
            )
        self._check_outputs()
        check_device(self.device)
        model = find(self.detector)
        detector = load(model, resolve_device(self.device))
        with self._table(model, detector) as table:
            self._check_maps(table)
            if self.report is not None:
                check_report(self.report, table, self.overwrite)
            files = self._files()
            for line in detector.limitations(self.rate):
                print(f"note: {line}")
            return self._score(detector, table, files)

    def _check_outputs(self) -> None:
        from squidlib.utils.safetensors_io import check_writable

        if self.csv.is_dir():
            raise UserError(f"--csv {self.csv} is a folder; a file name was expected")
        check_writable(self.csv.parent)
        if self.dicom_maps:
            if self.maps is None:
                raise UserError("--dicom-maps are written beside the PNG files of --maps; name that folder, too")
            check_pydicom()
        if self.maps is not None:
            if self.maps.exists() and not self.maps.is_dir():
                raise UserError(f"--maps {self.maps} is a file; a folder was expected")
            check_writable(self.maps)

    def _table(self, model: Path, detector: Detector) -> ScoreTable:
        import hashlib

        columns = ["path", "verdict", "score", "threshold", "score_name", *detector.score_names]
        columns += [] if self.maps is None else ["map"]
        made_by = {
            "detector": hashlib.sha256(model.read_bytes()).hexdigest(),
            "rate": self.rate,
            "maps": None if self.maps is None else str(self.maps),
            "dicom-maps": True if self.dicom_maps else None,
        }
        return ScoreTable(self.csv, columns, made_by, self.overwrite)

    def _check_maps(self, table: ScoreTable) -> None:
        if self.maps is None or self.overwrite or table.kept:
            return
        if self.maps.is_dir() and any(self.maps.iterdir()):
            raise UserError(f"{self.maps} is not empty; choose another folder or allow --overwrite")

    def _files(self) -> list[Path]:
        """The images to score; what is passed over, such as masks and maps of this or an earlier run, is said."""
        from squidlib.data.images import find_images

        outputs = [path for path in (self.maps, self.report) if path is not None]
        found = find_images(list(self.paths), outputs)
        for line in found.passed_over:
            print(f"note: {printable(line)}")
        return found.files

    def _score(self, detector: Detector, table: ScoreTable, files: list[Path]) -> int:
        from tqdm.auto import tqdm

        left = _not_in(table, files)
        if table.kept:
            print(f"going on with {self.csv}: {table.kept} images are in it already")
            table.begin()
        bad, verdicts, notes = 0, Counter[str](), Notes()
        try:
            with tqdm(total=len(left), desc="scoring", unit="image", disable=None) as bar:
                for batch, failed in read_batches(detector, left, notes, alone=len(files) == 1):
                    bad += failed
                    if batch:
                        verdicts.update(self._write(detector, table, batch))
                    bar.update(len(batch) + failed)
        except KeyboardInterrupt:
            count = table.kept + verdicts.total()
            if count:
                said = f"{count} of {len(files)} images are in {self.csv}; the same command goes on from there"
                print(f"squid: {said}", file=sys.stderr)
            raise
        count = table.kept + verdicts.total()
        if not count:
            raise UserError(f"none of the {len(files)} files could be scored; nothing was written")
        if self.report is not None:
            facts = ReportFacts(self.detector, self.rate, bad)
            write_report(self.report, table, detector, {cell(str(path)): path for path in files}, facts)
        table.finish()
        for line in notes.lines():
            print(f"note: {printable(line)}")
        found = ", ".join(f"{number} {verdict}" for verdict, number in sorted(verdicts.items()))
        images = "image" if count == 1 else "images"
        print(f"{count} {images} scored, {bad} could not be read: {self.csv}" + (f" ({found})" if found else ""))
        if self.report is not None:
            print(f"report: {self.report}")
        return 1 if bad else 0

    def _write(self, detector: Detector, table: ScoreTable, batch: list[tuple[Path, Tensor]]) -> list[str]:
        """Judge one batch and write its maps, then its rows; returns the verdicts."""
        import torch

        from squidlib.detection.prediction import NotFiniteError

        try:
            found = detector.predict(torch.stack([image for _, image in batch]), self.rate)
        except NotFiniteError as error:
            raise UserError(f"{batch[error.image][0]}: {error}") from error
        if not table.begun:
            table.begin()
            if self.overwrite:
                remove_maps(table, self.maps)
        paths = [path for path, _ in batch]
        maps = (
            [] if self.maps is None else write_maps(found.anomaly_map, paths, self.maps, table.count, self.dicom_maps)
        )
        verdicts, rows = found.verdicts, []
        for index, (path, _) in enumerate(batch):
            rows.append(
                {
                    "path": cell(str(path)),
                    "verdict": verdicts[index],
                    "score": f"{float(found.score[index]):.4f}",
                    "threshold": f"{found.threshold:.4f}",
                    "score_name": found.score_name,
                    **{name: f"{float(values[index]):.4f}" for name, values in found.scores.items()},
                    "map": cell(maps[index]) if maps else "",
                }
            )
        table.add(rows)
        return verdicts


def _not_in(table: ScoreTable, files: list[Path]) -> list[Path]:
    """The files that have no row yet; a file that is named twice has two rows."""
    done, left = table.done.copy(), []
    for path in files:
        if done[cell(str(path))]:
            done[cell(str(path))] -= 1
        else:
            left.append(path)
    return left
