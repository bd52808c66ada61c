"""``squid adapt``: another site's normal images into a detector's memory, without training."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tyro.conf import Positional

from squidlib.cli.choices import RunName
from squidlib.utils.command import command
from squidlib.utils.errors import UserError
from squidlib.utils.text import printable

if TYPE_CHECKING:
    from torch import Tensor

    from squidlib.detection.detector import Detector


@dataclass(frozen=True)
class Adapt:
    """Let a detector remember another site's normal images and calibrate it on them, in seconds, without training."""

    run_name: Positional[RunName]
    """The run's folder, a .safetensors file, or the name of a shipped checkpoint."""
    normals: Path
    """A folder of the new site's normal images; ten help, a hundred are better. Nobody else's labels are needed."""
    out: Path
    """The folder of the adapted run; it can be given wherever a run can."""
    keep_memory: bool = False
    """Calibrate alone: the images set the threshold, and the memory stays as it is."""
    overwrite: bool = False
    """Replace an adapted run in --out."""
    device: str = "auto"
    """auto (a CUDA GPU where there is one), cpu, cuda or mps."""

    def run(self) -> int:
        """Read, adapt, write."""
        from squidlib.cli.device import check_device
        from squidlib.detection.adaptation import adapted, recalibrated
        from squidlib.detection.checkpoint import MODEL_FILE, load, save
        from squidlib.training.devices import resolve_device
        from squidlib.utils.safetensors_io import check_writable

        check_device(self.device)
        if self.out.is_file():
            raise UserError(f"--out {self.out} is a file; a folder was expected")
        if (self.out / MODEL_FILE).exists() and not self.overwrite:
            raise UserError(f"{self.out} holds a run; choose another folder or allow --overwrite")
        check_writable(self.out.parent)
        detector = load(self.run_name, resolve_device(self.device))
        images = self._images(detector)
        before = detector.threshold()
        new = (recalibrated if self.keep_memory else adapted)(detector, images)
        self.out.mkdir(parents=True, exist_ok=True)
        save(new, self.out / MODEL_FILE)
        for line in new.limitations(0.05):
            print(f"note: {printable(line)}")
        told = "set its calibration" if self.keep_memory else "are in its memory now"
        print(
            f"{len(images)} normal images {told}; the threshold of 5 % was {before:.3g}, and is "
            f"{new.threshold():.3g}: {self.out / MODEL_FILE}\n"
            f"Judge the site's images with: {command('score', self.out, 'IMAGES', '--csv', 'scores.csv')}"
        )
        return 0

    def _images(self, detector: Detector) -> Tensor:
        """All images of the folder that can be read; the others are named."""
        import torch

        from squidlib.cli.score_images import Notes, read_batches
        from squidlib.data.images import find_images

        found, notes = find_images([self.normals]), Notes()
        images, bad = list[torch.Tensor](), 0
        for batch, failed in read_batches(detector, found.files, notes, alone=len(found.files) == 1):
            images += [image for _, image in batch]
            bad += failed
        for line in (*found.passed_over, *notes.lines()):
            print(f"note: {printable(line)}")
        if bad:
            print(f"note: {bad} of {len(found.files)} files could not be read and are left out")
        if not images:
            raise UserError(f"none of the {len(found.files)} files in {self.normals} could be read")
        return torch.stack(images)
