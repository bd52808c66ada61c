"""Cleaning: how much of what contamination costs comes back when the memory is cleaned without labels?

SQUID is trained on a contaminated set exactly as in ``contamination``; then the most isolated tenth of every
position's slots is dropped (``squidlib.detection.memory_pruning``). "both clean" is no result but a bound: memory and
calibration of normal images only.

    python -m squidlib.teaching.studies.cleaning     # about ten minutes on one CPU core
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from functools import partial
from typing import Any

from squidlib.detection.calibration import calibrate
from squidlib.detection.detector import Detector
from squidlib.detection.memory_pruning import DROPPED, cleaned
from squidlib.squid import fill_memory
from squidlib.teaching.studies.command import run_study
from squidlib.teaching.studies.contamination import STEPS, ContaminatedDigits
from squidlib.teaching.studies.results import SEEDS, auc_by_kind
from squidlib.teaching.studies.variants import STUDIED
from squidlib.training.loop import start, train
from squidlib.training.trainer import finish

SHARES = (60,)
METADATA = {
    "steps": STEPS["SQUID"],
    "dropped": DROPPED,
    "seeds": list(SEEDS),
    "command": "python -m squidlib.teaching.studies.cleaning",
}


def one_run(share: int, seed: int, steps: int = STEPS["SQUID"], images: int = 1600) -> dict[str, Any]:
    """Train on a contaminated set; AUC by type as it is, cleaned, and with normal images in memory and calibration."""
    data, clean = ContaminatedDigits(share, images, seed), ContaminatedDigits(100, images, seed)
    preset = STUDIED
    training = replace(preset.training, steps=steps, schedule_steps=steps, seed=seed)
    state = start(preset.config, training, "cpu")
    for _ in train(state, data, training, preset.weights):
        pass
    contaminated = finish(state, data, {})
    squid = deepcopy(contaminated.squid)
    fill_memory(squid, clean.reference())
    bound = Detector(
        squid, contaminated.discriminator, calibrate(squid, contaminated.discriminator, clean.calibration()), {}
    )
    test = data.test_digits()
    tried = {"as it is": contaminated, "cleaned": cleaned(contaminated, data.calibration()), "both clean": bound}
    return {name: auc_by_kind(test.kinds, detector.score(test.images())) for name, detector in tried.items()}


if __name__ == "__main__":
    run_study(
        "cleaning",
        METADATA,
        {f"SQUID {share}/{seed}": partial(one_run, share, seed) for seed in SEEDS for share in SHARES},
    )
