"""Gradients: how much edge of which direction stands at each pixel, whatever the ink.

Idea: Dalal and Triggs, "Histograms of Oriented Gradients for Human Detection", CVPR 2005.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

FLOOR = 0.1  #: added to the length of a patch's edges, so that noise in an empty one stays small
GAIN = 10.0  #: brings a patch's edges, of unit length in all, to the scale of its pixels


def edge_maps(images: Float[Tensor, "N C H W"], directions: int) -> Iterator[Float[Tensor, "N H W"]]:
    """The gradient's length at every pixel of the channels' mean, shared between the two nearest of K directions.

    One direction after the other: all of them at once would leave a CPU's cache.
    """
    flat = F.pad(images.mean(1, keepdim=True), (1, 1, 1, 1), mode="replicate")[:, 0]
    right, down = flat[:, 1:-1, 2:] - flat[:, 1:-1, :-2], flat[:, 2:, 1:-1] - flat[:, :-2, 1:-1]
    length = torch.hypot(right, down)
    turn = torch.atan2(down, right) * (directions / (2 * math.pi))  # counted in directions
    turn = torch.where(turn < 0, turn + directions, turn)  # 0 ... K
    for direction in range(directions):
        apart = (turn - direction).abs()
        if not direction:
            apart = torch.minimum(apart, directions - turn)  # direction 0 is direction K, too
        yield (1 - apart).clamp(min=0) * length


def edge_channels(patches: Float[Tensor, "N C H W"], directions: int, cell: int) -> Float[Tensor, "N K h w"]:
    """Histograms of cells of ``cell`` pixels a side, so that thick and thin, pale and dark patches look alike."""
    cells = torch.stack([F.avg_pool2d(edges, cell) for edges in edge_maps(patches, directions)], dim=1)
    length = cells.flatten(1).norm(dim=1)[:, None, None, None]
    return GAIN * cells / (length + FLOOR)
