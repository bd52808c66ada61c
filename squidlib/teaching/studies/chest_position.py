"""Chest position: two facts about real X-rays that lesson 13 rests on and that drawn chests cannot show.

    python -m squidlib.teaching.studies.chest_position --data chest_xray     # ZhangLab's folders; a minute

How much the position of a tile says about its pixels (of X-rays, of the kit's drawn chests and of DigitAnatomy), and
what would happen if images were held out without regard to patients: how near a held-out image's relatives are.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from digitanatomy import seeded_generator
from squidlib.data.chest import ChestData, open_images, zhanglab
from squidlib.data.chest.phantom_folder import drawn_folder
from squidlib.data.digits import Digits
from squidlib.patches import cut
from squidlib.teaching.position import variance_by_position
from squidlib.teaching.studies.results import SEEDS, Spread, run_all

SIZE, GRID, IMAGES, HELD = 128, 4, 200, 0.15
METADATA = {
    "images": IMAGES,
    "grid": GRID,
    "size": SIZE,
    "seeds": list(SEEDS),
    "command": "python -m squidlib.teaching.studies.chest_position --data chest_xray",
}


def share_of(images: Float[Tensor, "N 1 H W"], grid: int, seed: int) -> dict[str, Any]:
    """The share of variance that position explains, of so many images drawn with the seed."""
    chosen = torch.randperm(len(images), generator=seeded_generator(seed, 0))[:IMAGES]
    return {"share": variance_by_position(cut(images[chosen], grid).flatten(2, 3))}


def relatives(images: Float[Tensor, "N 1 H W"], patients: list[str], seed: int) -> dict[str, Any]:
    """Hold out a share of the *images*: how many have a relative among the others, and how near it is.

    Returns:
        held: images held out; with_relative: of them; nearer: median share of the others that are farther than the
        nearest relative (of a stranger, one half is expected).
    """
    held = torch.rand(len(images), generator=seeded_generator(seed, 1)) < HELD
    names = {name: number for number, name in enumerate(dict.fromkeys(patients))}
    owner = torch.tensor([names[name] for name in patients])
    pixels = F.avg_pool2d(images, 4).flatten(1)
    distance = torch.cdist(pixels[held], pixels[~held])
    same = owner[held][:, None] == owner[~held]
    own = distance.masked_fill(~same, torch.inf).amin(1)
    has = same.any(1)
    nearer = (distance[has] > own[has, None]).float().mean(1)
    return {"held": int(held.sum()), "with_relative": int(has.sum()), "nearer": float(nearer.median())}


def jobs(real: Path, cache: Path) -> dict[str, Callable[[], dict[str, Any]]]:
    """ "what/seed" -> its figures."""
    files = zhanglab(real)
    data = ChestData(open_images(files, SIZE, cache))
    images = torch.cat([data.reference(), data.calibration()])
    with TemporaryDirectory() as folder:
        drawn = ChestData(open_images(zhanglab(drawn_folder(Path(folder) / "drawn")), SIZE, Path(folder))).reference()
    tested = {"X-rays": (images, GRID), "drawn chests": (drawn, GRID), "DigitAnatomy": (Digits().reference(), 3)}
    found: dict[str, Callable[[], dict[str, Any]]] = {
        f"{name}/{seed}": partial(share_of, *those, seed) for seed in SEEDS for name, those in tested.items()
    }
    owners = [file.patient for file in (*files.train, *files.calibration)]
    return found | {f"relatives/{seed}": partial(relatives, images, owners, seed) for seed in SEEDS}


def main() -> None:
    """Run what is missing and print it."""
    parser = argparse.ArgumentParser(prog="python -m squidlib.teaching.studies.chest_position")
    parser.add_argument("--data", type=Path, required=True, help="ZhangLab's folder, with train and test")
    parser.add_argument("--cache", type=Path, help="folder for decoded images; by default below --data")
    given = parser.parse_args()
    runs = run_all("chest_position", METADATA, jobs(given.data, given.cache or given.data))
    for name in dict.fromkeys(key.rpartition("/")[0] for key in runs):
        own = [run for key, run in runs.items() if key.startswith(f"{name}/")]
        for figure in sorted(own[0].keys() - {"seconds"}):
            print(f"{name:13s} {figure:14s} {Spread.of([float(run[figure]) for run in own])}")


if __name__ == "__main__":
    main()
