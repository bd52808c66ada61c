"""Large set: train on as many chest X-rays as CheXpert has, and measure how much memory that takes (Linux).

    python tools/large_set.py                    # 200,000 images of 128 px: 4 GB of disk, which are given back
    python tools/large_set.py --images 20000 --limit 4

The folder has CheXpert's list and layout, but its files are links to a few small ones, and the decoded images are drawn
phantoms, each shifted and marked with its number, so that no two are equal: the kit's own reader writes them into its
cache, and ``squid train chexpert`` does the rest, under a limit on memory.
"""

from __future__ import annotations

import argparse
import csv
import os
import resource
import sys
import tempfile
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import torch
from PIL import Image
from torch import Tensor

from squidlib.cli.main import main as squid
from squidlib.data.chest import cache
from squidlib.data.chest.arrays import open_images
from squidlib.data.chest.chexpert import TEST_EACH, chexpert
from squidlib.data.chest.chexpert_labels import COLUMNS, NO_FINDING
from squidlib.data.chest.phantom import draw_chests

SIZE, PHANTOMS, VIEWS = 128, 64, 20  #: pixels a side, drawn images, images of each patient
ABNORMAL_PATIENTS = TEST_EACH + 10
LINKS = 30_000  #: of one file; a file system has a bound


def write_folder(root: Path, images: int) -> None:
    """CheXpert's folder: ``images`` normal ones, and one abnormal image of each of some patients more."""
    rows = []
    patients = -(-images // VIEWS)
    source = root / "source.jpg"
    for patient in range(patients + ABNORMAL_PATIENTS):
        study = root / f"train/patient{patient:05d}/study1"
        study.mkdir(parents=True)
        normal = patient < patients
        for view in range(min(VIEWS, images - patient * VIEWS) if normal else 1):
            if len(rows) % LINKS == 0:
                source.unlink(missing_ok=True)
                Image.new("L", (8, 8)).save(source)
            os.link(source, study / f"view{view + 1}_frontal.jpg")
            path = f"CheXpert-v1.0-small/train/{study.parent.name}/study1/view{view + 1}_frontal.jpg"
            rows.append({"Path": path, "Sex": "Male", "Age": 50, "Frontal/Lateral": "Frontal", "AP/PA": "PA",
                         NO_FINDING if normal else "Pneumonia": "1.0"})  # fmt: skip
    with (root / "train.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, COLUMNS, restval="")
        table.writeheader()
        table.writerows(rows)


def fill_cache(root: Path) -> None:
    """Let the kit decode every file; what it is given in place of the file's picture is a phantom of its own."""
    drawn, made = phantoms(), iter(range(1 << 24))

    def read(*_: object) -> SimpleNamespace:
        number = next(made)
        image = drawn[number % PHANTOMS].roll(number // PHANTOMS % SIZE, dims=-1).clone()
        marks = [number & 255, number >> 8 & 255, number >> 16]
        image[0, 0, :3] = torch.tensor(marks) / 255
        return SimpleNamespace(image=image)

    with mock.patch.object(cache, "read_image_data", read):
        open_images(chexpert(root), SIZE)


def phantoms() -> Tensor:
    """(PHANTOMS, 1, SIZE, SIZE) in 0..1."""
    return draw_chests(range(PHANTOMS), range(PHANTOMS), abnormal=False, size=SIZE)


class Watch:
    """The largest resident memory of this process: all of it, and what is no file's."""

    def __enter__(self) -> Watch:
        self.peak, self.anonymous, self._over = 0.0, 0.0, threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()
        return self

    def _look(self) -> None:
        while not self._over.wait(0.05):
            lines = Path("/proc/self/status").read_text().splitlines()
            kilobytes = {line.split(":")[0]: int(line.split()[1]) for line in lines if line.endswith("kB")}
            self.peak = max(self.peak, kilobytes["VmRSS"] / 2**20)
            self.anonymous = max(self.anonymous, kilobytes["RssAnon"] / 2**20)

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()


def main() -> int:
    """Make the folder, train a few steps, print the peak."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=200_000)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--preset", default="laptop")
    parser.add_argument("--limit", type=float, default=8.0, help="GiB that the process may take (RLIMIT_DATA)")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="squid-large-") as folder:
        root, begun = Path(folder) / "CheXpert-v1.0-small", time.monotonic()
        root.mkdir()
        write_folder(root, asked.images)
        print(f"{asked.images} links and their list: {time.monotonic() - begun:.0f} s", flush=True)
        fill_cache(root)
        print(f"decoded into the cache: {time.monotonic() - begun:.0f} s", flush=True)
        bound = int(asked.limit * 2**30)
        resource.setrlimit(resource.RLIMIT_DATA, (bound, bound))
        epochs = asked.steps * 32 / asked.images
        command = ["train", "chexpert", "--data", str(root), "--preset", asked.preset, "--device", "cpu"]
        with Watch() as watch:
            code = squid([*command, "--epochs", f"{epochs:.9f}", "--out", str(Path(folder) / "run")])
        print(f"exit code {code}, {time.monotonic() - begun:.0f} s; peak {watch.peak:.2f} GiB resident, "
              f"{watch.anonymous:.2f} GiB of it in no file; limit {asked.limit:g} GiB")  # fmt: skip
        size = (Path(folder) / "run/model.safetensors").stat().st_size if code == 0 else 0
        print(f"detector: {size / 2**20:.0f} MiB")
    return code


if __name__ == "__main__":
    sys.exit(main())
