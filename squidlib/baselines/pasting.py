"""Pasting: a rectangle of an image is copied to another place of it, whole or as a thin turned scar.

Li et al., "CutPaste: Self-Supervised Learning for Anomaly Detection and Localization", CVPR 2021, section 2: patches of
.02-.15 of the image's area, sides 1:3.3 to 3.3:1; scars of 2-16 x 10-25 px at 256 px, turned by up to 45 degrees.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Generator, Tensor

AREA, ASPECT = (0.02, 0.15), (0.3, 1 / 0.3)  #: of a patch: share of the image; height / width
SCAR_WIDTH, SCAR_LENGTH, TURN = (2 / 256, 16 / 256), (10 / 256, 25 / 256), 45.0  #: shares of a side; degrees


class Cut(NamedTuple):
    """Rectangles, as shares of the image's side, with their two centres and their turn at the target."""

    sizes: Float[Tensor, "B 2"]  #: height, width
    sources: Float[Tensor, "B 2"]  #: row, column
    targets: Float[Tensor, "B 2"]
    angles: Float[Tensor, "B"]  #: radians


def uniform(count: int, bounds: tuple[float, float], generator: Generator) -> Float[Tensor, "count"]:
    """Evenly between two bounds."""
    return bounds[0] + (bounds[1] - bounds[0]) * torch.rand(count, generator=generator)


def placed(sizes: Float[Tensor, "B 2"], angles: Float[Tensor, "B"], generator: Generator) -> Cut:
    """Rectangles at random places that lie wholly inside the image, at source and target."""
    cos, sin = angles.cos().abs(), angles.sin().abs()
    turned = torch.stack([sizes[:, 0] * cos + sizes[:, 1] * sin, sizes[:, 0] * sin + sizes[:, 1] * cos], dim=1)
    sources, targets = (box / 2 + (1 - box) * torch.rand(box.shape, generator=generator) for box in (sizes, turned))
    return Cut(sizes, sources, targets, angles)


def patches(count: int, generator: Generator) -> Cut:
    """Large upright rectangles."""
    area = uniform(count, AREA, generator)
    aspect = uniform(count, (math.log(ASPECT[0]), math.log(ASPECT[1])), generator).exp()
    return placed(torch.stack([(area * aspect).sqrt(), (area / aspect).sqrt()], dim=1), torch.zeros(count), generator)


def scars(count: int, generator: Generator) -> Cut:
    """Long thin rectangles, turned."""
    sizes = torch.stack([uniform(count, SCAR_LENGTH, generator), uniform(count, SCAR_WIDTH, generator)], dim=1)
    return placed(sizes, torch.deg2rad(uniform(count, (-TURN, TURN), generator)), generator)


def paste(
    images: Float[Tensor, "B 1 H W"], cut: Cut, brightness: Float[Tensor, "B"]
) -> tuple[Float[Tensor, "B 1 H W"], Bool[Tensor, "B 1 H W"]]:
    """Every image with its rectangle copied from source to target, and the mask of the pixels written."""
    height, width = images.shape[2:]
    sizes, sources, targets, angles, brightness = (part.to(images.device) for part in (*cut, brightness))
    rows = (torch.arange(height, device=images.device) + 0.5) / height
    columns = (torch.arange(width, device=images.device) + 0.5) / width
    down = (rows[:, None] - targets[:, 0, None, None]).expand(-1, -1, width)
    right = (columns - targets[:, 1, None, None]).expand(-1, height, -1)
    cos, sin = angles.cos()[:, None, None], angles.sin()[:, None, None]
    offsets = torch.stack([cos * down + sin * right, cos * right - sin * down], dim=-1)  # in the rectangle's own axes
    mask = (offsets.abs() <= sizes[:, None, None] / 2).all(-1)[:, None]
    grid = 2 * (sources[:, None, None] + offsets).flip(-1) - 1  # grid_sample: x first, the image from -1 to 1
    pasted = F.grid_sample(images, grid, mode="nearest", padding_mode="border", align_corners=False)
    return torch.where(mask, (pasted * brightness.view(-1, 1, 1, 1)).clamp(0, 1), images), mask
