"""Ablation: what does each component of SQUID give on DigitAnatomy?

Every variant of ``variants`` is trained for the same number of steps with three seeds and judged on the fixed test
set by four scores: the default sum, the two that look at the reconstruction, the two that look at the memory, and the
paper's discriminator. Nothing is chosen by the results.

    python -m squidlib.teaching.studies.ablation     # about an hour on one CPU core
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import Tensor

from squidlib.data.digits import TEST_COUNTS, Digits
from squidlib.detection.calibration import Calibration, standardised
from squidlib.detection.detector import Detector
from squidlib.detection.scores import PATCH_SCORES, RawScores
from squidlib.teaching.studies.command import run_study
from squidlib.teaching.studies.image_order import all_packed
from squidlib.teaching.studies.results import SEEDS, auc_by_kind
from squidlib.teaching.studies.variants import Variant, variants
from squidlib.training.loop import start, train
from squidlib.training.trainer import finish

STEPS = 400  #: a third of the laptop preset's
METADATA = {
    "steps": STEPS,
    "seeds": list(SEEDS),
    "images": TEST_COUNTS,
    "command": "python -m squidlib.teaching.studies.ablation",
}
SCORES = {
    "combined": ("error", "structure", "mismatch", "distance"),
    "reconstruction": ("error", "structure"),
    "memory": ("mismatch", "distance"),
}


def train_variant(variant: Variant, steps: int, seed: int, hand: float = 0.0) -> tuple[Detector, Digits]:
    """A trained and calibrated variant, and its data, whose digits are as far by one hand as ``hand`` says."""
    preset = variant.preset
    training = replace(preset.training, steps=steps, schedule_steps=steps, seed=seed)
    data = Digits(seed=seed, jitter=preset.jitter, hand=hand)
    state = start(preset.config, training, "cpu", variant.block)
    for _ in train(state, data, training, preset.weights):
        pass
    return finish(state, data, {"seed": seed}), data


def image_scores(
    raw: RawScores, calibration: Calibration, wanted: Mapping[str, Sequence[str]] = SCORES
) -> dict[str, Tensor]:
    """For each of ``wanted``, which are sums of patch scores, an image's highest patch: (B,)."""
    patches = dict(zip(PATCH_SCORES, standardised(raw, calibration)[: len(PATCH_SCORES)], strict=True))
    return {name: torch.stack([patches[part] for part in parts]).sum(0).amax(-1) for name, parts in wanted.items()}


def judge(detector: Detector, data: Digits, has_memory: bool) -> dict[str, Any]:
    """AUC by anomaly type, and the order of the images, for each of ``SCORES`` that the variant has and the
    discriminator's.
    """
    test = data.test_digits()
    raw = detector.raw_scores(test.images())
    wanted = (
        SCORES if has_memory else {"combined": SCORES["reconstruction"], "reconstruction": SCORES["reconstruction"]}
    )
    scores = image_scores(raw, detector.calibration, wanted) | {"discriminator": raw.discriminator}
    return {name: auc_by_kind(test.kinds, values) for name, values in scores.items()} | all_packed(scores)


def one_run(variant: Variant, steps: int, seed: int) -> dict[str, Any]:
    """Train a variant and judge it."""
    detector, data = train_variant(variant, steps, seed)
    return judge(detector, data, variant.has_memory)


if __name__ == "__main__":
    run_study(
        "ablation",
        METADATA,
        {
            f"{name}/{seed}": partial(one_run, variant, STEPS, seed)
            for seed in SEEDS
            for name, variant in variants().items()
        },
    )
