"""Contamination: true unsupervised anomaly detection, where the training set holds unlabelled abnormal images.

Paper: section 5.3 claims that SQUID is the most robust from 60 % normal images upwards. SQUID, MemAE and the
auto-encoder learn from the same images, of which a share is abnormal (the four anomaly types in equal parts); SQUID's
memory and its calibration are filled from the same contaminated set, since nobody could have cleaned it.

    python -m squidlib.teaching.studies.contamination     # about an hour on one CPU core
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import Generator, Tensor

from digitanatomy import ANOMALIES, NORMAL, DigitAnatomy, Glyphs, Sample, cut_tiles, join_tiles, seeded_generator
from digitanatomy.compose import jitter_tiles
from squidlib.baselines import AutoEncoder, MemAE
from squidlib.data.digits import Digits
from squidlib.teaching.studies.command import run_study
from squidlib.teaching.studies.results import SEEDS, auc_by_kind
from squidlib.teaching.studies.variants import STUDIED
from squidlib.training.loop import start, train
from squidlib.training.presets import Preset
from squidlib.training.trainer import finish

SHARES = (100, 90, 80, 70, 60, 50)  #: per cent of the training images that are normal
IMAGES, CALIBRATION = 1600, 256
STEPS = {"SQUID": 400, "MemAE": 400, "auto-encoder": 300}
METADATA = {
    "steps": STEPS,
    "images": IMAGES,
    "seeds": list(SEEDS),
    "command": "python -m squidlib.teaching.studies.contamination",
}


class ContaminatedDigits(Digits):
    """``Digits`` whose training, reference and calibration images are only in ``share`` per cent normal.

    Args:
        share: 1..100.
        images: size of the training set, which is drawn once.
        seed: of the images and of the order in which they are seen.
        preset: gives the variation of training tiles.
        calibration: number of held-out images.

    Attributes:
        samples: the training set in its order, with kinds and masks: to look at, never to learn from.
        images: (images, 1, 96, 96) in 0..1, theirs.

    Raises:
        ValueError: where the share is out of range.
    """

    def __init__(
        self,
        share: int,
        images: int = IMAGES,
        seed: int = 0,
        preset: Preset | None = None,
        calibration: int = CALIBRATION,
    ) -> None:
        if not 1 <= share <= 100:
            raise ValueError(f"the share of normal images lies in 1..100 per cent, got {share}")
        super().__init__(seed=seed)
        self.jitter = (STUDIED if preset is None else preset).jitter
        self.seed = seed
        self.samples = _mixed(self.glyphs.train, images, share, seed)
        self.images = _images(self.samples)
        self.held_out = _images(_mixed(self.glyphs.calibration, calibration, share, seed + 1))

    def batch(self, step: int, size: int) -> Tensor:
        """Images of the set, drawn with replacement, every tile varied as the laptop preset does."""
        generator = seeded_generator(self.seed, step)
        images = self.images[torch.randint(len(self.images), (size,), generator=generator)]
        tiles = cut_tiles(images)
        uniform = torch.rand(*tiles.shape[:2], self.jitter.numbers, generator=generator)
        return join_tiles(jitter_tiles(tiles, uniform, self.jitter))

    def reference(self) -> Tensor:
        """The first images of the set, as many as the clean reference has."""
        return self.images[: len(super().reference())]

    def calibration(self) -> Tensor:
        """Held-out images, as contaminated as the training set."""
        return self.held_out


def _mixed(glyphs: Glyphs, count: int, share: int, seed: int) -> list[Sample]:
    abnormal = round(count * (100 - share) / 100)
    each = [abnormal // len(ANOMALIES) + (index < abnormal % len(ANOMALIES)) for index in range(len(ANOMALIES))]
    counts = {NORMAL: count - abnormal, **dict(zip(ANOMALIES, each, strict=True))}
    samples = list(DigitAnatomy(glyphs, counts, seed=1000 + seed))
    order = torch.randperm(count, generator=Generator().manual_seed(seed))
    return [samples[index] for index in order.tolist()]


def _images(samples: list[Sample]) -> Tensor:
    return torch.stack([sample.image for sample in samples])


def aucs_by_share(runs: dict[str, dict[str, Any]], method: str, name: str = "mean") -> dict[int, list[float]]:
    """Share of normals -> the AUC of each seed that was run, in the seeds' order; ``name`` is a kind or "mean"."""
    found: dict[int, list[float]] = {}
    for share in SHARES:
        for seed in SEEDS:
            figures = runs.get(f"{method} {share}/{seed}")
            if figures is not None:
                found.setdefault(share, []).append(float(figures[name]))
    return found


def auc_lost(aucs: dict[int, list[float]]) -> dict[int, float]:
    """Share -> how much lower the AUC is than at 100 % normal, seed by seed, then the mean over the seeds."""
    return {
        share: sum(clean - contaminated for clean, contaminated in zip(aucs[100], values, strict=False))
        / min(len(values), len(aucs[100]))
        for share, values in aucs.items()
    }


def one_run(method: str, share: int, seed: int, steps: int, images: int = IMAGES) -> dict[str, Any]:
    """Train one method on a contaminated set; AUC by anomaly type on the clean test set."""
    data = ContaminatedDigits(share, images, seed)
    test = data.test_digits()
    if method == "SQUID":
        preset = STUDIED
        training = replace(preset.training, steps=steps, schedule_steps=steps, seed=seed)
        state = start(preset.config, training, "cpu")
        for _ in train(state, data, training, preset.weights):
            pass
        return auc_by_kind(test.kinds, finish(state, data, {}).score(test.images()))
    # The baselines see as many varied images as SQUID's endless stream would show them in one epoch.
    normals = torch.cat([data.batch(step, 100) for step in range(images // 100)])
    baseline = {"MemAE": MemAE, "auto-encoder": AutoEncoder}[method](steps=steps)
    return auc_by_kind(test.kinds, baseline.fit(normals, seed).score(test.images()))


if __name__ == "__main__":
    run_study(
        "contamination",
        METADATA,
        {
            f"{method} {share}/{seed}": partial(one_run, method, share, seed, STEPS[method])
            for seed in SEEDS
            for share in SHARES
            for method in STEPS
        },
    )
