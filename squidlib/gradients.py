"""Gradients: how much edge of which direction stands at each pixel, whatever the ink.

Idea: Dalal and Triggs, "Histograms of Oriented Gradients for Human Detection", CVPR 2005.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

FLOOR = 0.1  #: added to the length of a patch's edges, so that noise in an empty one stays small
GAIN = 10.0  #: brings a patch's edges, of unit length in all, to the scale of its pixels


def oriented_edges(images: Float[Tensor, "N C H W"], directions: int) -> Float[Tensor, "N K H W"]:
    """The gradient's length at every pixel of the channels' mean, shared between the two nearest of K directions."""
    flat = F.pad(images.mean(1, keepdim=True), (1, 1, 1, 1), mode="replicate")
    right, down = flat[..., 1:-1, 2:] - flat[..., 1:-1, :-2], flat[..., 2:, 1:-1] - flat[..., :-2, 1:-1]
    turn = torch.atan2(down, right) * (directions / (2 * math.pi))  # counted in directions
    turn = torch.where(turn < 0, turn + directions, turn)  # 0 ... K
    apart = (turn - torch.arange(directions, device=images.device, dtype=images.dtype)[:, None, None]).abs()
    apart[:, :1] = torch.minimum(apart[:, :1], directions - turn)  # direction 0 is direction K, too
    return (1 - apart).clamp(min=0) * torch.hypot(right, down)


def edge_channels(patches: Float[Tensor, "N C H W"], directions: int, cell: int) -> Float[Tensor, "N K h w"]:
    """Histograms of cells of ``cell`` pixels a side, so that thick and thin, pale and dark patches look alike."""
    cells = F.avg_pool2d(oriented_edges(patches, directions), cell)
    length = cells.flatten(1).norm(dim=1)[:, None, None, None]
    return GAIN * cells / (length + FLOOR)
