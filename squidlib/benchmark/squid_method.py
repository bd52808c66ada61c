"""SQUID as one method among others: trained on what they are trained on, for as long as they are.

Paper: sections 3 and 4.2. Authors' file: main.py.

Differs from the original: as the laptop preset does (docs/experiments.md); training images are drawn from a given set,
and the learning rate's cosine ends with the steps, however many there are.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor

from digitanatomy import seeded_generator
from squidlib.baselines.base import Progress, check_count
from squidlib.detection.calibration import calibrate
from squidlib.detection.detector import Detector
from squidlib.detection.score_selection import choose_score
from squidlib.training.loop import start, train, unwrapped
from squidlib.training.presets import Preset


class DrawnNormals:
    """``NormalData`` of images that are there already.

    Args:
        normals: as they are, for the memory.
        augmented: to train on; batches are drawn with replacement.
        seed: of the order.
    """

    def __init__(self, normals: Float[Tensor, "N C H W"], augmented: Float[Tensor, "M C H W"], seed: int) -> None:
        self.normals, self.augmented, self.seed = normals, augmented, seed

    def batch(self, step: int, size: int) -> Float[Tensor, "B C H W"]:
        generator = seeded_generator(self.seed, step)
        return self.augmented[
            torch.randint(len(self.augmented), (size,), generator=generator).to(self.augmented.device)
        ]

    def reference(self) -> Float[Tensor, "N C H W"]:
        return self.normals

    def calibration(self) -> Float[Tensor, "N C H W"]:
        """There are none here: the benchmark gives them to ``calibrate``."""
        return self.normals[:0]


class SquidMethod:
    """Score: the detector's default, in standard deviations of held-out normal images.

    Args:
        preset: of the data set.
        steps: of the training; None is the preset's number.
    """

    name = "SQUID"

    def __init__(self, preset: Preset, steps: int | None = None) -> None:
        self.preset, self.steps = preset, preset.training.steps if steps is None else steps

    def fit(
        self,
        normals: Float[Tensor, "N C H W"],
        seed: int = 0,
        progress: Progress = range,
        augmented: Float[Tensor, "M C H W"] | None = None,
    ) -> SquidMethod:
        """Train on ``augmented``, then fill the memory with ``normals``; ``calibrate`` has to follow.

        Raises:
            UserError: where there is no image.
        """
        check_count(normals, 1)
        training = replace(
            self.preset.training,
            steps=self.steps,
            schedule_steps=self.steps,
            warmup_steps=min(self.preset.training.warmup_steps, self.steps // 4),
            seed=seed,
        )
        data = DrawnNormals(normals, normals if augmented is None else augmented, seed)
        state = start(self.preset.config, training, normals.device.type)
        trained = train(state, data, replace(training, refill_memory=False), self.preset.weights)
        for _ in zip(progress(self.steps), trained, strict=False):  # the clock outside sees, and may stop, each step
            pass
        for _ in train(state, data, replace(training, steps=max(1, state.step)), self.preset.weights):
            pass  # no further step: it fills the memory
        self.squid, self.discriminator = unwrapped(state.squid), unwrapped(state.discriminator)
        return self

    def calibrate(self, normals: Float[Tensor, "N C H W"]) -> SquidMethod:
        """What held-out normal images score is the unit of every score; they choose it, where the preset asks."""
        networks = self.squid.eval(), self.discriminator.eval()
        chosen = {"score": choose_score(*networks, normals).best} if self.preset.training.choose_score else {}
        self.detector = Detector(*networks, calibrate(*networks, normals), chosen)
        return self

    def score(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B"]:
        """In standard deviations of normal images."""
        return self.detector.score(images)

    def reconstruct(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C H W"]:
        """In 0..1."""
        return self.detector.reconstruct(images).clamp(0, 1)

    def anomaly_map(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B 1 H W"]:
        """>= 0, about 1 where a normal image is at its worst."""
        return self.detector.anomaly_map(images)
