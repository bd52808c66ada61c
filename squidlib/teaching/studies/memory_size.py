"""Memory size: what happens to a queue and to a learned matrix when slots are taken away after training?

A third row asks the queue again without our position loss, which draws each position's features together.

Both were trained whole, as in the ablation (400 steps, three seeds). A queue keeps its newest slots; a matrix, whose
slots have no age, a random choice drawn by the run's seed. Calibration is done again at every size. Nothing is trained
again, and nothing is chosen by the results.

    python -m squidlib.teaching.studies.memory_size     # about a quarter of an hour on one CPU core
"""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import Tensor

from squidlib.detection.calibration import calibration_of, image_scores
from squidlib.detection.memory_readout import encode, newest, read_scores
from squidlib.shrinkage import topk_shrink
from squidlib.teaching.memory_sizes import sizes
from squidlib.teaching.studies.ablation import STEPS, train_variant
from squidlib.teaching.studies.command import run_study
from squidlib.teaching.studies.results import SEEDS, auc_by_kind
from squidlib.teaching.studies.variants import LearnedSlots, Variant, variants

MEMORIES = {
    "queue": "whole",
    "matrix": "learned matrix",
    "queue, no position loss": "no position loss",
}  #: name here -> row of the ablation
SHOWN = ("combined", "error", "mismatch")
METADATA = {"steps": STEPS, "seeds": list(SEEDS), "command": "python -m squidlib.teaching.studies.memory_size"}


def one_run(variant: Variant, steps: int, seed: int) -> dict[str, Any]:
    """Train, then read a smaller and smaller part of the memory: size -> score -> AUC by type, error of normals."""
    detector, data = train_variant(variant, steps, seed)
    slots = detector.squid.inpainting.memory.contents()
    if isinstance(detector.squid.inpainting.memory, LearnedSlots):
        slots = slots[:, torch.randperm(slots.shape[1], generator=torch.Generator().manual_seed(seed))]
    test = data.test_digits()
    normals, images = encode(detector, data.calibration()), encode(detector, test.images())
    found: dict[str, Any] = {}
    for size in sizes(slots.shape[1]):
        kept = newest(slots, size)
        raw = read_scores(detector, normals, kept, _five)
        scores = image_scores(read_scores(detector, images, kept, _five), calibration_of(raw))
        found[str(size)] = {name: auc_by_kind(test.kinds, scores[name]) for name in SHOWN}
        found[str(size)]["normal error"] = round(float(raw.error.mean()), 6)
    return found


def _five(weights: Tensor) -> Tensor:
    """The strongest five slots, or all where there are fewer, as in training."""
    return topk_shrink(weights, min(5, weights.shape[-1]), straight_through=False)


if __name__ == "__main__":
    run_study(
        "memory_size",
        METADATA,
        {
            f"{name}/{seed}": partial(one_run, variants()[row], STEPS, seed)
            for seed in SEEDS
            for name, row in MEMORIES.items()
        },
    )
