"""Presets: the settings that ``squid train`` offers by name, in one table.

``paper`` is the published setting (section 4.2 and the supplement; where the paper is silent, the authors'
configs/digit_best.py, zhang_best.py and chexpert_best.py), ``laptop`` is ours for two CPU cores, ``gpu`` the same in
large batches and the number format of a GPU, ``backbone`` works on the features of a network that saw ImageNet: it
knows more than the normal images, and stands apart. What ours changes and what each change gave stands in
docs/experiments.md.

>>> PRESETS["laptop"]["digitanatomy"].config.slots
350
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from digitanatomy import Jitter
from squidlib.config import LossWeights, SquidConfig
from squidlib.patches import Grid
from squidlib.training.config import TrainingConfig
from squidlib.utils.errors import UserError


class Preset(NamedTuple):
    """Network, training, loss factors, and how training digits are varied."""

    config: SquidConfig
    training: TrainingConfig
    weights: LossWeights
    jitter: Jitter
    epochs: float | None = None  #: how long to train, where that depends on the data; None: ``training.steps``
    epoch_batches: int | None = None  #: batches an epoch; None: as many as show every training image once
    acquisition: bool = False  #: X-rays are varied as other machines would have given them
    bf16: bool = False  #: as good in bf16, measured; a CPU that is clearly faster in it computes in it

    def steps_of(self, epochs: float, images: int) -> int:
        """Steps in that many epochs of a data set with so many training images."""
        batches = images / self.training.batch_size if self.epoch_batches is None else self.epoch_batches
        return max(1, round(epochs * batches))

    def planned_steps(self, epochs: float | None, images: int) -> int:
        """Steps in that many epochs of a data set with so many training images; None: as long as the preset says."""
        epochs = self.epochs if epochs is None else epochs
        return self.training.steps if epochs is None else self.steps_of(epochs, images)


NO_JITTER = Jitter(0.0, 0.0, 0.0, 0.0, 0.0)  # X-rays and images of your own are not varied as digits are

# Ours, for DigitAnatomy on two CPU cores in about three minutes; measured in docs/experiments.md.
_LAPTOP = Preset(
    SquidConfig(
        fold=4, width=32, levels=1, residual_convs=1, code_channels=16, slots=350, cosine_memory=True, skips=0,
        joined_levels=0, directions=8,
    ),
    TrainingConfig(
        steps=1200, schedule_steps=1200, learning_rate=2e-3, final_learning_rate=0.0, warmup_steps=50, beta1=0.9,
        epsilon=1e-8, discriminator_every=4, refill_memory=True, channels_last=True,
    ),
    LossWeights(position=0.3),  # the paper's, and features that must find their own position's memory
    Jitter(warp=1.7, stroke=1.0, soft=1.0, ink=0.3, together=1.0),
    bf16=True,
)  # fmt: skip
# As on DigitAnatomy, chosen there, but for the size of the image (the same tiles of 32 px, 4x4 of them in 128 px) and
# for what digits by other pens asked for later (directions of edges, three times the position loss); held-out normal
# images choose the score.
_LAPTOP_CHEST = Preset(
    replace(_LAPTOP.config, image_size=128, grid=4, directions=0),
    replace(_LAPTOP.training, choose_score=True),
    LossWeights(position=0.1),
    NO_JITTER,
)
# The same on X-rays, where another hospital's shall be judged, too: every second image that is learned from and
# remembered is varied as another machine would have given it, and the threshold is that of the worst machine.
_LAPTOP_XRAYS = _LAPTOP_CHEST._replace(acquisition=True)
# Published for DigitAnatomy: 96 px, 3x3, D = 1024, 200 epochs of a cosine over 300. A rescaling of each digit by ±20 %
# stands for the authors' random resized crop.
_PAPER = Preset(
    SquidConfig(),
    TrainingConfig(),
    LossWeights(),
    Jitter(scale=0.2, stretch=0.0, degrees=0.0, shear=0.0, shift=0.0),
)
# Published for ZhangLab: 128 px, 2x2, D = 2048, 200 epochs.
_PAPER_CHEST = Preset(
    SquidConfig(image_size=128, grid=2, levels=4, code_channels=128, skip_windows=2, joined_levels=2),
    TrainingConfig(generator_every=2),
    LossWeights(reconstruction=10.0),
    NO_JITTER,
    epochs=200.0,
)

# Ours, on features of a frozen network that saw ImageNet: a patch is one place of its map of 14 x 14. What is learned
# is the in-painting and the decoders; the memory holds every training image, as it is and once varied.
_BACKBONE = Preset(
    SquidConfig(
        image_size=224, grid=14, width=7, levels=4, residual_convs=1, code_channels=112, slots=200, cosine_memory=True,
        skips=0, joined_levels=4, backbone="EfficientNet-Lite0", memory_reach=1,
    ),
    replace(_LAPTOP.training, steps=120, schedule_steps=120, warmup_steps=10, batch_size=8, choose_score=True),
    LossWeights(),
    NO_JITTER,
    acquisition=True,
)  # fmt: skip


def _for_gpu(preset: Preset) -> Preset:
    """As many images in batches four times as large, twice the rates (the square root of the batch's factor, usual for
    Adam); bf16, channels-last, compiled. No GPU was at hand: speed and AUC are not known."""
    plain = preset.training
    training = replace(
        plain, steps=plain.steps // 4, schedule_steps=plain.schedule_steps // 4, warmup_steps=plain.warmup_steps // 4,
        batch_size=plain.batch_size * 4, learning_rate=plain.learning_rate * 2,
        discriminator_learning_rate=plain.discriminator_learning_rate * 2, precision="bf16-mixed", channels_last=True,
        compile=True,
    )  # fmt: skip
    return preset._replace(training=training)


#: ``PRESETS[preset][data set]``. Images of your own ("folder") have the chest's settings; their size comes from them.
PRESETS: dict[str, dict[str, Preset]] = {
    "laptop": {
        "digitanatomy": _LAPTOP,
        "zhanglab": _LAPTOP_XRAYS,
        "chexpert": _LAPTOP_XRAYS,
        "covidx": _LAPTOP_XRAYS,
        "pneumoniamnist": _LAPTOP_XRAYS,
        "folder": _LAPTOP_CHEST,
    },
    "paper": {
        "digitanatomy": _PAPER,
        "zhanglab": _PAPER_CHEST,
        # As for ZhangLab, but an epoch is 84 batches, whatever the number of images.
        "chexpert": _PAPER_CHEST._replace(epoch_batches=84),
        "covidx": _PAPER_CHEST,
        "pneumoniamnist": _PAPER_CHEST,
        "folder": _PAPER_CHEST,
    },
    "backbone": {
        "zhanglab": _BACKBONE,
        "chexpert": _BACKBONE,
        "covidx": _BACKBONE,
        "pneumoniamnist": _BACKBONE,
        "folder": _BACKBONE,
    },
    "gpu": {
        "digitanatomy": _for_gpu(_LAPTOP),
        "zhanglab": _for_gpu(_LAPTOP_XRAYS),
        "chexpert": _for_gpu(_LAPTOP_XRAYS),
        "covidx": _for_gpu(_LAPTOP_XRAYS),
        "pneumoniamnist": _for_gpu(_LAPTOP_XRAYS),
        "folder": _for_gpu(_LAPTOP_CHEST),
    },
}


def fit_to(preset: Preset, image_shape: tuple[int, int, int], grid: Grid | None = None) -> Preset:
    """The preset for images of another shape, in tiles as near to the preset's as the sides allow, two a side at least.

    Args:
        image_shape: channels, height and width.
        grid: tiles a side, or (rows, columns), that were asked for.

    Raises:
        UserError: where the sides cannot be cut into such tiles.
    """
    config, (channels, *sides) = preset.config, image_shape
    if grid is None:
        if image_shape == config.image_shape:
            return preset
        grid = _tiles(sides[0], config, 0), _tiles(sides[1], config, 1)
    return preset._replace(config=replace(config, image_size=(sides[0], sides[1]), grid=grid, in_channels=channels))


def _tiles(side: int, config: SquidConfig, axis: int) -> int:
    """Into how many tiles a side is cut: at least two, each of which the network can halve and about the preset's."""
    tile, unit = config.patch_shape[axis], config.fold * 2**config.levels
    fitting = [n for n in range(2, side // unit + 1) if side % (n * unit) == 0 and tile / 2 <= side / n <= 2 * tile]
    if not fitting:
        raise UserError(
            f"{side} pixels a side cannot be cut into tiles of about {tile} pixels; give multiples of {tile} as --size"
        )
    return min(fitting, key=lambda n: max(side / n / tile, tile * n / side))


def preset_for(preset: str, dataset: str) -> Preset:
    """The preset of that name for a data set; one that is not in the table has the settings of a folder.

    Raises:
        UserError: where the preset is for photographs and X-rays, and the data set is of digits.
    """
    column = PRESETS[preset]
    if preset == "backbone" and dataset == "digitanatomy":
        raise UserError("--preset backbone is for X-rays and photographs; on digits ImageNet's features say nothing")
    return column.get(dataset, column["folder"])
