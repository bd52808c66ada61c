"""Presets: the settings that ``squid train`` offers by name.

``paper`` is the published setting, ``laptop`` is ours for two CPU cores, ``gpu`` the same in the large batches and the
number format of a GPU. What ours changes and what each change gave stands in docs/experiments.md.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from digitanatomy import Jitter
from squidlib.config import LossWeights, SquidConfig
from squidlib.training.config import TrainingConfig


class Preset(NamedTuple):
    """Network, training, loss factors, and how training digits are varied."""

    config: SquidConfig
    training: TrainingConfig
    weights: LossWeights
    jitter: Jitter
    epochs: float | None = None  #: how long to train, where that depends on the data; None: ``training.steps``
    epoch_batches: int | None = None  #: batches an epoch; None: as many as show every training image once

    def steps_of(self, epochs: float, images: int) -> int:
        """Steps in that many epochs of a data set with so many training images."""
        batches = images / self.training.batch_size if self.epoch_batches is None else self.epoch_batches
        return max(1, round(epochs * batches))


def laptop_digitanatomy() -> Preset:
    """Ours: minutes on two CPU cores."""
    return Preset(SquidConfig.laptop(), TrainingConfig.laptop(), LossWeights.laptop(), Jitter())


def laptop_chest() -> Preset:
    """Ours for chest X-rays: everything as on DigitAnatomy, chosen there, but for the size of the image; held-out
    normal images choose the score."""
    config, jitter = SquidConfig.laptop_chest(), Jitter(0.0, 0.0, 0.0, 0.0, 0.0)
    training = replace(TrainingConfig.laptop(), choose_score=True)
    return Preset(config, training, LossWeights.laptop(), jitter)


def gpu_digitanatomy() -> Preset:
    """Ours for a GPU: the laptop's network and as many images, in batches four times as large."""
    return laptop_digitanatomy()._replace(training=TrainingConfig.gpu())


def gpu_chest() -> Preset:
    """Ours for a GPU: the laptop's network for chest X-rays, and as many images as on DigitAnatomy."""
    return laptop_chest()._replace(training=replace(TrainingConfig.gpu(), choose_score=True))


def paper_zhanglab() -> Preset:
    """Published network and factors for ZhangLab, 200 epochs; chest X-rays are not varied as digits are."""
    training = replace(TrainingConfig.paper_digitanatomy(), generator_every=2)
    jitter = Jitter(0.0, 0.0, 0.0, 0.0, 0.0)
    return Preset(SquidConfig.paper_zhanglab(), training, LossWeights.paper_chest(), jitter, epochs=200.0)


def paper_chexpert() -> Preset:
    """Published for CheXpert: as for ZhangLab, but an epoch is 84 batches, whatever the number of images."""
    return paper_zhanglab()._replace(config=SquidConfig.paper_chexpert(), epoch_batches=84)


def paper_digitanatomy() -> Preset:
    """Published: 200 epochs. A rescaling of each digit by ±20 % stands for the authors' random resized crop."""
    rescale = Jitter(scale=0.2, stretch=0.0, degrees=0.0, shear=0.0, shift=0.0)
    return Preset(
        SquidConfig.paper_digitanatomy(),
        TrainingConfig.paper_digitanatomy(),
        LossWeights.paper_digitanatomy(),
        rescale,
    )
