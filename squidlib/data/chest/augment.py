"""Augmentation of training images: small shifts and scales.

Paper: section 4.1, "random translation within [-5%, +5%] and random scaling of [0.95, 1.05]"; authors' file:
dataloader/dataloader_zhang.py (torchvision's RandomAffine, without rotation).

Differs from the original: shifts of fractions of a pixel and bilinear sampling, where theirs are whole pixels and the
nearest; and the numbers come in as an argument, so that every image can be seeded by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

NUMBERS = 3  #: uniform numbers that one image consumes: scale, right, down


@dataclass(frozen=True)
class Augmentation:
    """The largest changes; both 0 changes nothing. ``outside``: what comes in is black, or repeats the edge."""

    shift: float = 0.05  #: of the image's side
    scale: float = 0.05  #: relative, of both axes together
    outside: Literal["zeros", "border"] = "zeros"

    def __post_init__(self) -> None:
        if not (0 <= self.shift < 1 and 0 <= self.scale < 1):
            raise ValueError(f"shift and scale lie in 0..1 (below 1), got {self.shift} and {self.scale}")


def augment(
    images: Float[Tensor, "B C H W"], uniform: Float[Tensor, "B 3"], augmentation: Augmentation
) -> Float[Tensor, "B C H W"]:
    """Scale every image about its centre and shift it.

    Args:
        images: in 0..1.
        uniform: in 0..1 each; .5 changes nothing. Shifts go right and down.
    """
    scale, right, down = (2 * uniform - 1).unbind(dim=1)
    scale = 1 + augmentation.scale * scale
    zero = torch.zeros_like(scale)
    right, down = 2 * augmentation.shift * right, 2 * augmentation.shift * down  # affine_grid counts from -1 to 1
    matrices = torch.stack(
        [torch.stack([1 / scale, zero, -right / scale], dim=1), torch.stack([zero, 1 / scale, -down / scale], dim=1)],
        dim=1,
    )
    grid = F.affine_grid(matrices, list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, mode="bilinear", padding_mode=augmentation.outside, align_corners=False).clamp(
        0, 1
    )
