"""Chest reconstruction: what SQUID's pictures of X-rays are said to show, claim by claim, as numbers.

    squid train zhanglab --data chest_xray --preset laptop --seeds 3 --out runs/chest
    python -m squidlib.teaching.studies.chest_reconstruction runs/chest/seed_0 runs/chest/seed_1 runs/chest/seed_2

A picture beside a claim persuades whatever it shows. So: does a normal X-ray come back as itself? Does an abnormal one
come back normal? Is the difference larger where an image is abnormal? (Whether the map lies on the finding cannot be
said of ZhangLab's images: nobody marked where it is.)
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from typing import Any

from jaxtyping import Bool, Float
from torch import Tensor

from squidlib.baselines import MeanImage, Sharpness
from squidlib.data.base import require_test_set
from squidlib.data.registry import open_dataset
from squidlib.detection.checkpoint import load
from squidlib.detection.detector import Detector
from squidlib.detection.metrics import auc
from squidlib.teaching.studies.results import Spread, one_thread, run_all

RATE = 0.05  #: share of normal images that the threshold may call abnormal
METADATA = {"rate": RATE, "command": "python -m squidlib.teaching.studies.chest_reconstruction RUN..."}


def study(run: str) -> dict[str, Any]:
    """The figures of one run on its own test images."""
    detector = load(run, device="cpu")
    data = open_dataset(detector.metadata, int(detector.metadata["seed"]))
    test = require_test_set(data)
    return claims(detector, data.reference(), test.images, test.labels == 1)


def claims(
    detector: Detector,
    reference: Float[Tensor, "N C H W"],
    images: Float[Tensor, "B C H W"],
    abnormal: Bool[Tensor, "B"],
) -> dict[str, Any]:
    """Three claims as numbers.

    Returns:
        error: median squared error of a normal image's reconstruction; error_of_mean: of the mean normal image in its
        place. called: share of abnormal images that are called abnormal; called_again: of their reconstructions;
        called_normal: of the reconstructions of normal images. difference: AUC of the mean absolute difference;
        sharpness: AUC of a score that learns nothing; default: AUC of the default score.
    """
    found = detector.predict(images, RATE)
    again = detector.predict(found.reconstruction, RATE)
    errors = (images - found.reconstruction).square().mean((1, 2, 3))
    difference = (images - found.reconstruction).abs().mean((1, 2, 3))
    mean = MeanImage().fit(reference).score(images).square()
    return {
        "error": float(errors[~abnormal].median()),
        "error_of_mean": float(mean[~abnormal].median()),
        "called": _share(found.abnormal[abnormal]),
        "called_again": _share(again.abnormal[abnormal]),
        "called_normal": _share(again.abnormal[~abnormal]),
        "difference": auc(abnormal.int(), difference),
        "sharpness": auc(abnormal.int(), Sharpness().fit(reference).score(images)),
        "default": auc(abnormal.int(), found.score),
    }


def _share(called: Tensor) -> float:
    return float(called.float().mean())


def jobs(runs: list[str]) -> dict[str, Callable[[], dict[str, Any]]]:
    """ "SQUID/seed" -> its study."""
    return {f"SQUID/{load(run, device='cpu').metadata['seed']}": partial(study, run) for run in runs}


def main() -> None:
    """All runs that the study still lacks, and the mean of each number."""
    parser = argparse.ArgumentParser(prog="python -m squidlib.teaching.studies.chest_reconstruction")
    parser.add_argument("runs", nargs="+", help="folders of runs on ZhangLab's X-rays")
    found = run_all("chest_reconstruction", METADATA, jobs(parser.parse_args().runs))
    for name in sorted(next(iter(found.values())).keys() - {"seconds"}):
        print(f"{name:15s} {Spread.of([float(run[name]) for run in found.values()])}")


if __name__ == "__main__":
    one_thread()
    main()
