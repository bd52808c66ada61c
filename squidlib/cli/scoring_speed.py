"""How fast ``squid score`` is, alone and beside another busy process.

Measured are the commands themselves, in processes of their own. A class works on machines on which other things run,
too. Threads that spin while they wait once made scoring fifteen times slower there.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import NamedTuple

RUNS = 3  #: of each command; the median counts


class ScoringFigures(NamedTuple):
    """Seconds that the command takes for one image (``start``) and for all of them; ``busy``: beside busy processes."""

    images: int
    start: float
    one_thread: float
    alone: float
    busy_start: float
    busy: float


def scoring_figures(images: int = 1000) -> ScoringFigures:
    """Write that many images of DigitAnatomy and score them with the shipped detector.

    one_thread: with OMP_NUM_THREADS=1; alone, busy: with as many threads as torch takes by itself, without and with a
    busy process on each core.
    """
    with TemporaryDirectory() as name:
        folder = Path(name)
        _write_images(folder, images)
        first = folder / "images" / "00000.png"
        start, alone = _seconds(folder, first), _seconds(folder, first.parent)
        one_thread = _seconds(folder, first.parent, OMP_NUM_THREADS="1")
        with busy_cores():
            return ScoringFigures(
                images, start, one_thread, alone, _seconds(folder, first), _seconds(folder, first.parent)
            )


@contextmanager
def busy_cores() -> Iterator[list[subprocess.Popen[bytes]]]:
    """Other processes that compute all the time, one for each core of this machine."""
    processes = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(os.cpu_count() or 1)]
    try:
        yield processes
    finally:
        for process in processes:
            process.kill()
            process.wait()


def _write_images(folder: Path, count: int) -> None:
    from PIL import Image

    from digitanatomy import DigitAnatomy, mnist5000

    (folder / "images").mkdir()
    for index, sample in enumerate(DigitAnatomy(mnist5000().split().test, {"normal": count}, seed=0)):
        pixels = (sample.image[0] * 255).round().byte().numpy()
        Image.fromarray(pixels).save(folder / "images" / f"{index:05d}.png")


def _seconds(folder: Path, images: Path, **variables: str) -> float:
    """Of the whole command: the median of ``RUNS``."""
    command = [sys.executable, "-m", "squidlib", "score", "digitanatomy", str(images), "--device", "cpu"]
    command += ["--csv", str(folder / "scores.csv"), "--overwrite"]
    taken = []
    for _ in range(RUNS):
        begun = time.perf_counter()
        subprocess.run(command, env=os.environ | variables, check=True, capture_output=True)
        taken.append(time.perf_counter() - begun)
    return median(taken)
