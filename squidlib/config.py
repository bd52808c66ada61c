"""The numbers of a SQUID and the factors of its losses: the published settings, and ours for a laptop.

Paper: section 4.2 and the supplement; where the paper is silent, the authors' configs/digit_best.py,
zhang_best.py and chexpert_best.py.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

from squidlib.utils.errors import UserError


@dataclass(frozen=True)
class SquidConfig:
    """The shape of the network. Sizes in pixels, channels or slots; defaults are the paper's for DigitAnatomy."""

    image_size: int = 96  #: pixels a side of the square input
    grid: int = 3  #: P, patches a side; R = P^2 positions
    fold: int = 1  #: pixels a side that the first layer folds into channels (1: none)
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

    def __post_init__(self) -> None:
        for field in fields(self):
            least = 0 if field.name in ("skips", "joined_levels", "mask_probability", "residual_convs") else 1
            value = getattr(self, field.name)
            if not isinstance(value, bool) and value < least:
                raise UserError(f"{field.name} must be at least {least}, got {value}")
        unit = self.grid * self.fold * 2**self.levels
        if self.image_size % unit:
            raise UserError(
                f"image_size must be a multiple of grid * fold * 2^levels = {unit}, got {self.image_size}; "
                "change the grid or scale the image"
            )
        if self.topk > self.slots:
            raise UserError(f"topk must be at most the number of slots ({self.slots}), got {self.topk}")
        if self.mask_probability > 1:
            raise UserError(f"mask_probability lies in 0..1, got {self.mask_probability}")
        if self.features % self.heads:
            raise UserError(f"heads must divide the feature length {self.features}, got {self.heads}")
        if self.skips + self.joined_levels > self.levels:
            raise UserError(
                f"skips ({self.skips}) belong to levels of patches: with joined_levels ({self.joined_levels}) "
                f"they must be at most levels ({self.levels})"
            )

    @property
    def positions(self) -> int:
        """R, patches an image."""
        return self.grid**2

    @property
    def patch_size(self) -> int:
        """Pixels a side of one patch."""
        return self.image_size // self.grid

    @property
    def code_size(self) -> int:
        """Places a side of one patch's code at the bottleneck."""
        return self.patch_size // (self.fold * 2**self.levels)

    @property
    def features(self) -> int:
        """D, the length of one patch's memory feature."""
        return self.code_channels * self.code_size**2

    def channels(self, level: int) -> int:
        """Channels of encoder level 0..levels."""
        return self.width * 2**level

    @classmethod
    def paper_digitanatomy(cls) -> SquidConfig:
        """Published setting for DigitAnatomy: 96 px, 3x3, D = 1024."""
        return cls()

    @classmethod
    def paper_zhanglab(cls) -> SquidConfig:
        """Published setting for ZhangLab: 128 px, 2x2, D = 2048."""
        return cls(image_size=128, grid=2, levels=4, code_channels=128, skip_windows=2, joined_levels=2)

    @classmethod
    def paper_chexpert(cls) -> SquidConfig:
        """Published setting for CheXpert; the network is ZhangLab's."""
        return cls.paper_zhanglab()

    @classmethod
    def laptop(cls) -> SquidConfig:
        """Ours, for DigitAnatomy on two CPU cores in minutes; measured in docs/experiments.md."""
        return cls(
            fold=4,
            width=32,
            levels=1,
            residual_convs=1,
            code_channels=16,
            slots=350,
            cosine_memory=True,
            skips=0,
            joined_levels=0,
        )

    @classmethod
    def laptop_chest(cls) -> SquidConfig:
        """Ours, for chest X-rays on two CPU cores: the laptop's tiles of 32 px, 4x4 of them in 128 px."""
        return replace(cls.laptop(), image_size=128, grid=4)


@dataclass(frozen=True)
class LossWeights:
    """The factors of the generator's terms and of the discriminator's loss (paper eq. 3-5)."""

    reconstruction: float = 1.0  #: lambda_s
    teacher: float = 0.01  #: lambda_t
    distillation: float = 0.001  #: lambda_d
    adversarial: float = 0.005  #: lambda_g
    discriminator: float = 0.005  #: lambda_D
    position: float = 0.0  #: ours, not the paper's: see ``losses.position_loss``

    @classmethod
    def paper_digitanatomy(cls) -> LossWeights:
        """Published factors for DigitAnatomy."""
        return cls()

    @classmethod
    def paper_chest(cls) -> LossWeights:
        """Published factors for ZhangLab and CheXpert."""
        return cls(reconstruction=10.0)

    @classmethod
    def laptop(cls) -> LossWeights:
        """Ours: the paper's, and features that must find their own position's memory."""
        return cls(position=0.1)


def as_plain(config: Any) -> dict[str, Any]:
    """A flat dataclass as a dictionary of its fields."""
    return {field.name: getattr(config, field.name) for field in fields(config)}
