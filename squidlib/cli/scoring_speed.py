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
from tempfile import TemporaryDirectory
from typing import NamedTuple


class ScoringFigures(NamedTuple):
    """Seconds beyond what a command for one image takes: ``start``, and ``busy_start`` beside busy processes."""

    images: int
    start: float
    one_thread: float
    alone: float
    busy_start: float
    beside: float


def scoring_figures(images: int = 1000) -> ScoringFigures:
    """Write that many images of DigitAnatomy and score them with the shipped detector.

    one_thread: with OMP_NUM_THREADS=1; alone, beside: with as many threads as torch takes by itself, beside a busy
    process on each core.
    """
    with TemporaryDirectory() as name:
        folder = Path(name)
        _write_images(folder, images)
        first = folder / "images" / "00000.png"
        start = min(_seconds(folder, first) for _ in range(2))
        one_thread = _seconds(folder, first.parent, OMP_NUM_THREADS="1") - start
        alone = _seconds(folder, first.parent) - start
        with busy_cores():
            busy_start = min(_seconds(folder, first) for _ in range(2))
            beside = _seconds(folder, first.parent) - busy_start
    return ScoringFigures(images, start, one_thread, alone, busy_start, beside)


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
    command = [sys.executable, "-m", "squidlib", "score", "digitanatomy", str(images), "--device", "cpu"]
    begun = time.perf_counter()
    subprocess.run(
        [*command, "--csv", str(folder / "scores.csv"), "--overwrite"],
        env=os.environ | variables,
        check=True,
        capture_output=True,
    )
    return time.perf_counter() - begun
