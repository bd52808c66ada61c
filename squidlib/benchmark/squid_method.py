"""SQUID as one method among others: trained on what they are trained on, for as long as they are.

Paper: sections 3 and 4.2. Authors' file: main.py.

Differs from the original: as the laptop preset does, or the preset on the features of a network that saw ImageNet
(docs/experiments.md); training images are drawn from a given set, and the learning rate's cosine ends with the steps,
however many there are. Of X-rays, half of what the memory holds is varied as other machines would have given it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from digitanatomy import seeded_generator
from squidlib.baselines.base import Progress, check_count
from squidlib.data.chest.acquisition import half_varied, under_every_shift
from squidlib.detection.calibration import calibrate
from squidlib.detection.detector import Detector
from squidlib.detection.score_selection import choose_score
from squidlib.detection.scores import BOTH, score_batches
from squidlib.training.context import train_context
from squidlib.training.loop import start, train, unwrapped
from squidlib.training.presets import Preset, fit_to, preset_for


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


class InOrder(DrawnNormals):
    """The same images one after the other, each as often as any other."""

    def batch(self, step: int, size: int) -> Float[Tensor, "B C H W"]:
        places = torch.arange(step * size, (step + 1) * size) % len(self.augmented)
        return self.augmented[places.to(self.augmented.device)]


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

        Where the preset asks for it, what belongs together is learned last, from ``augmented``: not to be varied then.

        Raises:
            UserError: where there is no image.
        """
        check_count(normals, 1)
        normals, augmented = self._sized(normals), None if augmented is None else self._sized(augmented)
        training = replace(
            self.preset.training,
            steps=self.steps,
            schedule_steps=self.steps,
            warmup_steps=min(self.preset.training.warmup_steps, self.steps // 4),
            seed=seed,
        )
        remembered = half_varied(normals, seed) if self.preset.acquisition else normals
        data = DrawnNormals(remembered, normals if augmented is None else augmented, seed)
        state = start(self.preset.config, training, normals.device.type)
        trained = train(state, data, replace(training, refill_memory=False), self.preset.weights)
        for _ in zip(progress(self.steps), trained, strict=False):  # the clock outside sees, and may stop, each step
            pass
        for _ in train(state, data, replace(training, steps=max(1, state.step)), self.preset.weights):
            pass  # no further step: it fills the memory
        self.squid, self.discriminator = unwrapped(state.squid), unwrapped(state.discriminator)
        if self.squid.config.context:
            self.squid.context = train_context(self.squid, InOrder(normals, data.augmented, seed), seed)
        return self

    def calibrate(self, normals: Float[Tensor, "N C H W"]) -> SquidMethod:
        """What held-out normal images score is the unit of every score; they choose it, where the preset asks."""
        normals = self._sized(normals)
        networks = self.squid.eval(), self.discriminator.eval()
        shifted = under_every_shift(normals) if self.preset.acquisition else []
        scored = [score_batches(*networks, images) for images in (normals, *shifted)]
        chosen = {"score": BOTH} if self.squid.config.context else {}
        if self.preset.training.choose_score:
            chosen = {"score": choose_score(*networks, normals, shifted=shifted, scored=scored).best}
        self.detector = Detector(*networks, calibrate(*networks, normals, shifted, scored), chosen)
        return self

    def score(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B"]:
        """In standard deviations of normal images."""
        return self.detector.score(self._sized(images))

    def reconstruct(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C H W"]:
        """In 0..1."""
        return _resized(self.detector.reconstruct(self._sized(images)), images.shape[-2:]).clamp(0, 1)

    def anomaly_map(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B 1 H W"]:
        """>= 0, about 1 where a normal image is at its worst."""
        return _resized(self.detector.anomaly_map(self._sized(images)), images.shape[-2:])

    def _sized(self, images: Tensor) -> Tensor:
        """As the network takes them."""
        return images


class SquidOnFeatures(SquidMethod):
    """SQUID on the features of EfficientNet-Lite0 that saw ImageNet: the preset ``backbone``, on images made 224 px.

    Args:
        preset: of the data set; says whether images are varied as other machines would have given them.
        steps: of the training; None is the preset's number.
        frozen: of the network and its training; None is the preset ``backbone``.

    Raises:
        UserError: where the network is not installed, when the first image comes.
    """

    def __init__(self, preset: Preset, steps: int | None = None, frozen: Preset | None = None) -> None:
        frozen = preset_for("backbone", "folder") if frozen is None else frozen
        side = min(frozen.config.image_shape[1:])
        shape = (preset.config.in_channels, side, side)
        super().__init__(fit_to(frozen, shape)._replace(acquisition=preset.acquisition), steps)
        self.name = f"SQUID ({frozen.config.backbone}, ImageNet)"

    def _sized(self, images: Tensor) -> Tensor:
        return _resized(images, self.preset.config.image_shape[1:])


def _resized(images: Tensor, size: Sequence[int]) -> Tensor:
    if tuple(images.shape[-2:]) == tuple(size):
        return images
    return F.interpolate(images, size=tuple(size), mode="bilinear", antialias=True)
