"""Contamination: true unsupervised anomaly detection, where the training set holds unlabelled abnormal images.

Paper: section 5.3 claims that SQUID is the most robust from 60 % normal images upwards. SQUID, MemAE and the
auto-encoder learn from the same images, of which a share is abnormal (the four kinds in equal parts); SQUID's
memory and its calibration are filled from the same dirty set, since nobody could have cleaned it.

    python -m squidlib.studies.contamination     # about an hour on one CPU core
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import Generator, Tensor

from digitanatomy import ANOMALIES, NORMAL, DigitAnatomy, cut_tiles, join_tiles
from digitanatomy.compose import JITTERS, jitter_tiles
from squidlib.baselines import AutoEncoder, MemAE
from squidlib.digits import Digits
from squidlib.pipeline import finish
from squidlib.presets import Preset, laptop_digitanatomy
from squidlib.studies.results import SEEDS, auc_by_kind, one_thread, run_all
from squidlib.training import start, train

SHARES = (100, 90, 80, 70, 60, 50)  #: per cent of the training images that are normal
IMAGES, CALIBRATION = 1600, 256
STEPS = {"SQUID": 400, "MemAE": 400, "auto-encoder": 300}


class DirtyDigits(Digits):
    """``Digits`` whose training, reference and calibration images are only in ``share`` per cent normal.

    Args:
        share: 1..100.
        images: size of the training set, which is drawn once.
        seed: of the images and of the order in which they are seen.
        preset: gives the variation of training tiles.
    """

    def __init__(self, share: int, images: int = IMAGES, seed: int = 0, preset: Preset | None = None) -> None:
        if not 1 <= share <= 100:
            raise ValueError(f"the share of normal images lies in 1..100 per cent, got {share}")
        super().__init__(seed=seed)
        self.jitter = (laptop_digitanatomy() if preset is None else preset).jitter
        self.seed = seed
        self.images = _mixed(self.glyphs.train, images, share, seed)
        self.held_out = _mixed(self.glyphs.calibration, CALIBRATION, share, seed + 1)

    def batch(self, step: int, size: int) -> Tensor:
        """Images of the set, drawn with replacement, every tile varied as the laptop preset does."""
        generator = Generator().manual_seed((self.seed << 32) + step)
        images = self.images[torch.randint(len(self.images), (size,), generator=generator)]
        tiles = cut_tiles(images)
        uniform = torch.rand(*tiles.shape[:2], JITTERS, generator=generator)
        return join_tiles(jitter_tiles(tiles, uniform, self.jitter))

    def reference(self) -> Tensor:
        """The first images of the set, as many as the clean reference has."""
        return self.images[: len(super().reference())]

    def calibration(self) -> Tensor:
        """Held-out images, as dirty as the training set."""
        return self.held_out


def _mixed(glyphs: Any, count: int, share: int, seed: int) -> Tensor:
    abnormal = round(count * (100 - share) / 100)
    each = [abnormal // len(ANOMALIES) + (index < abnormal % len(ANOMALIES)) for index in range(len(ANOMALIES))]
    counts = {NORMAL: count - abnormal, **dict(zip(ANOMALIES, each, strict=True))}
    images = DigitAnatomy(glyphs, counts, seed=1000 + seed).images()
    return images[torch.randperm(count, generator=Generator().manual_seed(seed))]


def one_run(system: str, share: int, seed: int, steps: int, images: int = IMAGES) -> dict[str, Any]:
    """Train one system on a dirty set; AUC by kind on the clean test set."""
    data = DirtyDigits(share, images, seed)
    test = data.test()
    if system == "SQUID":
        preset = laptop_digitanatomy()
        training = replace(preset.training, steps=steps, schedule_steps=steps, seed=seed)
        state = start(preset.config, training, "cpu")
        train(state, data, training, preset.weights)
        return auc_by_kind(test.kinds, finish(state, data, {}).score(test.images()))
    # The baselines see as many varied images as SQUID's endless stream would show them in one epoch.
    normals = torch.cat([data.batch(step, 100) for step in range(images // 100)])
    baseline = {"MemAE": MemAE, "auto-encoder": AutoEncoder}[system](steps=steps)
    return auc_by_kind(test.kinds, baseline.fit(normals, seed).score(test.images()))


if __name__ == "__main__":
    one_thread()
    run_all(
        "contamination",
        {
            "steps": STEPS,
            "images": IMAGES,
            "seeds": list(SEEDS),
            "command": "python -m squidlib.studies.contamination",
        },
        {
            f"{system} {share}/{seed}": (
                lambda system=system, share=share, seed=seed: one_run(system, share, seed, STEPS[system])
            )
            for seed in SEEDS
            for share in SHARES
            for system in STEPS
        },
    )
