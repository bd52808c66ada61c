"""The numbers of a SQUID and the factors of its losses; defaults are the published ones for DigitAnatomy.

Those of the other presets stand in ``squidlib.training.presets``.

Paper: section 4.2 and the supplement; where the paper is silent, the authors' configs/digit_best.py,
zhang_best.py and chexpert_best.py.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from squidlib.patches import Grid, rows_and_columns
from squidlib.utils.errors import UserError
from squidlib.utils.numbers import check_names, check_number

MOST = 100_000  #: of any number below; more is a slip of the hand, or a file that wants all memory
MOST_LEVELS = 10  #: a halving more often leaves nothing of an image
MOST_MEMORY = 2**31  #: numbers in the memory queues, 8 GiB
MOST_WEIGHT = 1e6  #: of a loss's factor
_SIDES = ("image_size", "grid")  # one number, or two
_MAY_BE_ZERO = ("skips", "joined_levels", "residual_convs", "memory_reach", "directions")
BACKBONES = {"EfficientNet-Lite0": (112, 16)}  #: channels of the map that is taken, and its stride in pixels


@dataclass(frozen=True)
class SquidConfig:
    """The shape of the network. Sizes in pixels, channels or slots; defaults are the paper's for DigitAnatomy."""

    image_size: int | tuple[int, int] = 96  #: pixels a side of the square input, or (height, width)
    grid: Grid = 3  #: P, patches a side, or (rows, columns); R = rows * columns positions
    in_channels: int = 1  #: 1 for grey images, 3 for colour
    fold: int = 1  #: pixels a side that the first layer folds into channels (1: none)
    directions: int = 0  #: ours: of edges, which the encoder sees beside the pixels (0: none); ``squidlib.gradients``
    width: int = 32  #: channels of the first level; doubled by each further one
    levels: int = 3  #: halvings of the patch
    residual_convs: int = 2  #: convolutions on each block's residual branch
    code_channels: int = 64  #: channels left for the memory (C/4 in the paper)
    slots: int = 200  #: S, memory queue length at each position
    topk: int = 5  #: k, slots that survive shrinkage
    cosine_memory: bool = False  #: cosine with a learned temperature in place of the paper's dot product
    heads: int = 8  #: of the in-painting transformer
    mask_probability: float = 0.95  #: rho of the masked shortcut
    skips: int = 2  #: deepest levels with a skip connection
    skip_slots: int = 200  #: slots of each skip level's learned memory matrix
    skip_windows: int = (
        1  #: 1: a matrix for each patch; n > 1: n x n windows of every patch, matrices shared by patches
    )
    joined_levels: int = 1  #: last decoder levels that see the joined image instead of patches
    backbone: str = ""  #: a frozen network whose features are the encoder's, of ``BACKBONES``; "": one is learned
    memory_reach: int = 0  #: patches to every side whose memories the score "distance" looks into, too (poses shift)
    context: bool = False  #: ours: after training, learn what belongs together, see ``squidlib.context``

    def __post_init__(self) -> None:
        for name, value in _checked(as_plain(self)).items():
            object.__setattr__(self, name, value)
        for side, count, what in zip(self.image_shape[1:], self.grid_shape, ("height", "width"), strict=True):
            unit = count * self.fold * 2**self.levels
            if side % unit:
                raise UserError(
                    f"image_size must be a multiple of grid * fold * 2^levels = {unit} in {what}, got {side}; "
                    "change the grid or scale the image"
                )
        if self.topk > self.slots:
            raise UserError(f"topk must be at most the number of slots ({self.slots}), got {self.topk}")
        if self.features % self.heads:
            raise UserError(f"heads must divide the feature length {self.features}, got {self.heads}")
        if self.skips + self.joined_levels > self.levels:
            raise UserError(
                f"skips ({self.skips}) belong to levels of patches: with joined_levels ({self.joined_levels}) "
                f"they must be at most levels ({self.levels})"
            )
        if self.backbone:
            self._check_backbone()
        if self.positions * self.slots * self.features > MOST_MEMORY:
            raise UserError(
                f"a memory of {self.positions} positions x {self.slots} slots x {self.features} features is more than "
                f"{MOST_MEMORY} numbers; take fewer slots"
            )

    def _check_backbone(self) -> None:
        """One patch is one place of the frozen network's map: its channels are the code, its stride the patch."""
        channels, stride = BACKBONES[self.backbone]
        if self.patch_shape != (stride, stride) or self.code_shape != (1, 1) or self.fold != 1 or self.directions:
            raise UserError(
                f"patches of {stride} pixels with one code, and no directions, expected for {self.backbone}: "
                f"grid = sides / {stride}"
            )
        if self.channels(self.levels) != channels or self.code_channels != channels or self.skips:
            raise UserError(
                f"{channels} channels, all of them in the memory, and no skips expected for {self.backbone}"
            )

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> SquidConfig:
        """What ``as_plain`` gave, perhaps by way of JSON.

        Raises:
            UserError: where a name is unknown, or a value of another type or out of range.
        """
        return cls(**_checked(plain))

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Channels, height and width of an image, in pixels."""
        return (self.in_channels, *rows_and_columns(self.image_size))

    @property
    def grid_shape(self) -> tuple[int, int]:
        """Rows and columns of patches."""
        return rows_and_columns(self.grid)

    @property
    def positions(self) -> int:
        """R, patches an image."""
        return math.prod(self.grid_shape)

    @property
    def patch_shape(self) -> tuple[int, int]:
        """Height and width of one patch, in pixels."""
        return self.image_shape[1] // self.grid_shape[0], self.image_shape[2] // self.grid_shape[1]

    @property
    def code_shape(self) -> tuple[int, int]:
        """Height and width of one patch's code at the bottleneck."""
        height, width = self.patch_shape
        factor = self.fold * 2**self.levels
        return height // factor, width // factor

    @property
    def features(self) -> int:
        """D, the length of one patch's memory feature."""
        return self.code_channels * math.prod(self.code_shape)

    def channels(self, level: int) -> int:
        """Channels of encoder level 0..levels."""
        return self.width * 2**level


@dataclass(frozen=True)
class LossWeights:
    """The factors of the generator's terms and of the discriminator's loss (paper eq. 3-5)."""

    reconstruction: float = 1.0  #: lambda_s
    teacher: float = 0.01  #: lambda_t
    distillation: float = 0.001  #: lambda_d
    adversarial: float = 0.005  #: lambda_g
    discriminator: float = 0.005  #: lambda_D
    position: float = 0.0  #: ours, not the paper's: see ``losses.position_loss``

    def __post_init__(self) -> None:
        _check_weights(as_plain(self))

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> LossWeights:
        """What ``as_plain`` gave, perhaps by way of JSON; factors that are missing are the defaults.

        Raises:
            UserError: where a name is unknown, or a factor no number or out of range.
        """
        check_names("loss's factors", plain, [field.name for field in fields(cls)])
        _check_weights(plain)
        return cls(**plain)


def as_plain(config: Any) -> dict[str, Any]:
    """A flat dataclass as a dictionary of its fields."""
    return {field.name: getattr(config, field.name) for field in fields(config)}


def _check_weights(values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        check_number(name, value, 0, MOST_WEIGHT)


def _check(name: str, value: object, default: object) -> None:
    """Raise a UserError where a number has another type than its default, or is out of range."""
    if isinstance(default, bool):
        if not isinstance(value, bool):
            raise UserError(f"{name} is true or false, got {value!r}")
    elif isinstance(default, str):
        if value != default and value not in BACKBONES:
            raise UserError(f"{name} is empty or one of {', '.join(BACKBONES)}, got {value!r}")
    elif isinstance(default, float):
        check_number(name, value, 0, 1)
    else:
        most = MOST_LEVELS if name == "levels" else MOST
        check_number(name, value, 0 if name in _MAY_BE_ZERO else 1, most, whole=True)


def _checked(plain: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a ``SquidConfig`` with what they may be; two equal sides become one number."""
    known = {field.name: field.default for field in fields(SquidConfig)}
    check_names("SQUID", plain, known)
    found = {name: _sides(name, plain[name]) if name in _SIDES else plain[name] for name in plain}
    for name, value in found.items():
        if name not in _SIDES:
            _check(name, value, known[name])
    return found


def _sides(name: str, value: object) -> int | tuple[int, int]:
    """One number for a square; two, which JSON gives as a list, for height and width or rows and columns."""
    sides = tuple(value) if isinstance(value, tuple | list) else (value, value)
    if len(sides) != 2:
        raise UserError(f"{name} is one number or two, got {value!r}")
    for side in sides:
        _check(name, side, 1)
    return sides[0] if sides[0] == sides[1] else sides
