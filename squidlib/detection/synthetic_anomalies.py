"""Pretended anomalies: normal images with a soft-edged area that was changed, to choose between scores without labels.

Which score should a detector report where nobody has labels? Held-out *normal* images and copies of them with a
foreign, hazy, blurred or bent area answer without a single abnormal image. The idea is that of self-supervised
detection: Tan et al., "Detecting Outliers with Foreign Patch Interpolation", MELBA 2022; Li et al., "CutPaste", 2021.

What it cannot say is how well real anomalies are found: it ranks scores by what they do with changes we thought of.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Generator, Tensor

from squidlib.patches import Grid, cut, join

SMALLEST, LARGEST = 0.10, 0.25  #: half axes of the changed area, in sides of the image


def soft_areas(images: Float[Tensor, "B C H W"], generator: Generator) -> Float[Tensor, "B 1 H W"]:
    """Ellipses of random place and shape in the image's middle half, 1 inside, falling smoothly to 0; (B, 1, H, W)."""
    count, _, height, width = images.shape
    middle = 0.25 + 0.5 * torch.rand(count, 2, 1, 1, generator=generator)
    axes = SMALLEST + (LARGEST - SMALLEST) * torch.rand(count, 2, 1, 1, generator=generator)
    down = ((torch.arange(height) + 0.5) / height)[None, :, None]
    right = ((torch.arange(width) + 0.5) / width)[None, None, :]
    radius = ((down - middle[:, 0]) / axes[:, 0]) ** 2 + ((right - middle[:, 1]) / axes[:, 1]) ** 2
    return torch.sigmoid(6 * (1 - radius))[:, None]


def hazy(images: Float[Tensor, "B C H W"], generator: Generator) -> Float[Tensor, "B C H W"]:
    """An area is drawn a tenth to four tenths of the way to white."""
    strength = 0.1 + 0.3 * torch.rand(len(images), 1, 1, 1, generator=generator)
    return images + strength * soft_areas(images, generator) * (1 - images)


def foreign(images: Float[Tensor, "B C H W"], generator: Generator) -> Float[Tensor, "B C H W"]:
    """An area shows half to wholly what another image has elsewhere."""
    others = images.roll(1, 0)
    size = min(images.shape[-2:])
    away = torch.randint(size // 4, 3 * size // 4, (len(images), 2), generator=generator).tolist()
    moved = torch.stack([image.roll(shift, (1, 2)) for image, shift in zip(others, away, strict=True)])
    strength = 0.5 + 0.5 * torch.rand(len(images), 1, 1, 1, generator=generator)
    return images + strength * soft_areas(images, generator) * (moved - images)


def transplanted(images: Float[Tensor, "B C H W"], generator: Generator, grid: Grid) -> Float[Tensor, "B C H W"]:
    """One patch is another image's, from the same position: normal by itself, wrong among its neighbours."""
    patches, others = cut(images, grid).clone(), cut(images.roll(1, 0), grid)
    chosen = torch.randint(patches.shape[1], (len(images),), generator=generator)
    rows = torch.arange(len(images))
    patches[rows, chosen] = others[rows, chosen]
    return join(patches, grid)


def blurred(images: Float[Tensor, "B C H W"], generator: Generator) -> Float[Tensor, "B C H W"]:
    """An area has lost what is finer than a sixteenth of the side."""
    side = images.shape[-1] // 16 * 2 + 1
    smooth = F.avg_pool2d(images, side, 1, side // 2, count_include_pad=False)
    return images + soft_areas(images, generator) * (smooth - images)


def bent(images: Float[Tensor, "B C H W"], generator: Generator) -> Float[Tensor, "B C H W"]:
    """What an area shows is displaced by up to a tenth of the side."""
    strength = 0.2 * (2 * torch.rand(len(images), 2, 1, 1, generator=generator) - 1)
    identity = torch.eye(2, 3).expand(len(images), 2, 3)
    grid = F.affine_grid(identity, list(images.shape), align_corners=False)
    bend = (soft_areas(images, generator) * strength).movedim(1, -1)
    return F.grid_sample(images, grid + bend, padding_mode="border", align_corners=False)


#: Every way to make one: (B, C, H, W) in 0..1 and a generator -> the same shape and range.
SYNTHETIC_ANOMALIES: dict[str, Callable[[Tensor, Generator], Tensor]] = {
    "hazy": hazy,
    "foreign": foreign,
    "blurred": blurred,
    "bent": bent,
}
