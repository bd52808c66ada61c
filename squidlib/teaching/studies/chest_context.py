"""Context on X-rays: does asking the neighbours find a pneumonia?

    python -m squidlib.teaching.studies.chest_context runs/IM/seed_0 runs/NORMAL2/seed_0 ...

Each run is one of ``squid train zhanglab``, on all normals or on those of one series. What belongs together
(``squidlib.context``) is learned on the features of its encoder, which stays as it is; test images are the run's own.
Beside it stand the run's default score and the higher of the two.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor

from squidlib.benchmark.tables import markdown, over_runs
from squidlib.context import context_score
from squidlib.data.base import require_test_set
from squidlib.data.registry import open_dataset
from squidlib.detection.checkpoint import load
from squidlib.detection.metrics import auc
from squidlib.teaching.studies.results import one_thread, run_all
from squidlib.training.context import train_context

BATCH = 64  #: images that are encoded at once
WAYS = ("default score", "context", "the higher of the two")
METADATA = {"command": "python -m squidlib.teaching.studies.chest_context RUN..."}


def study(run: str) -> dict[str, Any]:
    """AUC of each of ``WAYS`` on the run's test images."""
    detector = load(run)
    seed = int(detector.metadata["seed"])
    data = open_dataset(detector.metadata, seed)
    test, normals = require_test_set(data), data.calibration()
    model, slots = train_context(detector.squid, data, seed), detector.squid.inpainting.memory.contents()

    @torch.no_grad()
    def context(images: Tensor) -> Tensor:
        parts = [context_score(model, detector.squid.query(batch), slots) for batch in images.split(BATCH)]
        return torch.cat(parts)

    usual = context(normals)
    own, new = (((context(images) - usual.mean(0)) / usual.std(0)).amax(1) for images in (normals, test.images))
    before, after = detector.normal_scores(), detector.score(test.images)
    both = torch.maximum((after - before.mean()) / before.std(), (new - own.mean()) / own.std())
    labels = test.labels.numpy()
    return {way: round(auc(labels, each.numpy()), 4) for way, each in zip(WAYS, (after, new, both), strict=True)}


def jobs(runs: list[str]) -> dict[str, Callable[[], dict[str, Any]]]:
    """ "trained on/seed" -> its study."""
    found: dict[str, Callable[[], dict[str, Any]]] = {}
    for run in runs:
        metadata = load(run).metadata
        found[f"{metadata.get('series', 'all normals')}/{metadata['seed']}"] = partial(study, run)
    return found


def cells_of(found: Mapping[str, Mapping[str, Any]]) -> list[list[str]]:
    """Header and a row for what was trained on: over all runs."""
    cells = [["trained on", "runs", *(f"AUC of {way}" for way in WAYS)]]
    for trained_on in dict.fromkeys(key.rpartition("/")[0] for key in found):
        own = [run for key, run in found.items() if key.rpartition("/")[0] == trained_on]
        cells.append([trained_on, str(len(own)), *(over_runs([run[way] for run in own]) for way in WAYS)])
    return cells


def main() -> None:
    """All runs that the study still lacks, and a table of means."""
    parser = argparse.ArgumentParser(prog="python -m squidlib.teaching.studies.chest_context")
    parser.add_argument("runs", nargs="+", help="folders of runs on ZhangLab's X-rays")
    print(markdown(cells_of(run_all("chest_context", METADATA, jobs(parser.parse_args().runs)))))


if __name__ == "__main__":
    one_thread()
    main()
