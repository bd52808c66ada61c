"""Outlines: every glyph as a distance field, with its slant, size, width and stroke measured.

A distance field says of every point how far inside (positive) or outside (negative) of the ink it is. It can be
slanted, stretched and warped like a picture, and the stroke made thicker or thinner by adding a number to it: so one
glyph can be written by any hand (``digitanatomy.hand``).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

FINER = 2  #: points of a distance field a pixel of the tile, along each axis
SMOOTH = 0.8  #: points by which a distance field is blurred, lest the steps of the pixels show in a large digit
INK = 0.5  #: grey value from which a point counts as inked


class Outlines(NamedTuple):
    """Distance fields of N glyphs and what was measured of each; lengths in pixels of the tile.

    distance (N, 64, 64): to the edge of the ink, positive inside. slant (N,): pixels to the left a pixel down, of the
    ink's long axis. Once it is taken out: height, width (N,) of the ink's box, and centre (N, 2) of the box, right and
    down from the tile's centre. stroke (N,): mean width of the pen's line. usual_width (N,): the mean of ``width /
    height`` over the glyphs of the same digit.
    """

    distance: Tensor
    centre: Tensor
    slant: Tensor
    height: Tensor
    width: Tensor
    stroke: Tensor
    usual_width: Tensor

    def at(self, indices: Tensor) -> Outlines:
        """Those of the glyphs at ``indices``; shapes (..., ) become that of ``indices`` and the rest."""
        return Outlines(*(part[indices] for part in self))


def outlines_of(tiles: Tensor, labels: Tensor) -> Outlines:
    """Measure glyphs: tiles (N, 32, 32) in 0..1 and labels (N,). An empty tile has a box of no size.

    >>> tiles = torch.zeros(1, 32, 32)
    >>> tiles[0, 6:26, 14:18] = 1.0                        # a bar: 20 pixels high, 4 wide
    >>> found = outlines_of(tiles, torch.tensor([1]))
    >>> [round(float(part), 1) for part in (found.height, found.width, found.slant.abs(), found.stroke)]
    [20.0, 4.0, 0.0, 3.6]
    """
    size = tiles.shape[-1]
    fine = F.interpolate(tiles[:, None], scale_factor=FINER, mode="bilinear", align_corners=False)[:, 0]
    inside = (fine > INK).numpy()
    distance = np.stack([_signed(each) for each in inside]) if len(inside) else np.zeros(fine.shape)
    points = (torch.arange(FINER * size) + 0.5) / FINER - size / 2
    ink = torch.from_numpy(inside).float()
    mass = ink.sum((1, 2)).clamp(min=1)
    mean_x, mean_y = (ink * points).sum((1, 2)) / mass, (ink * points[:, None]).sum((1, 2)) / mass
    right, down = points - mean_x[:, None, None], points[:, None] - mean_y[:, None, None]
    slant = -(ink * right * down).sum((1, 2)) / (ink * down**2).sum((1, 2)).clamp(min=1e-6)
    upright = points + slant[:, None, None] * points[:, None]  # where a point stands once the slant is taken out
    left, wide = _extent(upright.expand_as(ink), ink)
    top, high = _extent(points[:, None].expand_as(ink), ink)
    # across a line the distance to its edge rises and falls between 0 and half the width: a quarter of it on average
    stroke = 4 * (ink * torch.from_numpy(distance)).sum((1, 2)) / mass
    ratio = wide / high.clamp(min=1)
    usual = torch.stack([ratio[labels == label].mean() for label in labels.unique()])
    return Outlines(
        torch.from_numpy(distance).float(),
        torch.stack([left + wide / 2, top + high / 2], dim=1),
        slant,
        high,
        wide,
        stroke.float(),
        usual[torch.searchsorted(labels.unique(), labels)],
    )


def _signed(inside: np.ndarray) -> np.ndarray:
    """Distance to the edge in pixels of the tile, positive inside; far outside where there is no ink."""
    from scipy.ndimage import distance_transform_edt, gaussian_filter  # heavy, and only images by one hand need it

    if not inside.any():
        return np.full(inside.shape, -float(len(inside)))
    half = np.where(inside, 0.5, -0.5)  # a point stands for the square around it
    whole = distance_transform_edt(inside) - distance_transform_edt(~inside) - half
    return gaussian_filter(whole, SMOOTH) / FINER


def _extent(values: Tensor, ink: Tensor) -> tuple[Tensor, Tensor]:
    """Least value (N,) under the ink less half a point, and how far it is to the largest and half a point more."""
    least = values.masked_fill(ink == 0, float("inf")).amin((1, 2)) - 0.5 / FINER
    most = values.masked_fill(ink == 0, float("-inf")).amax((1, 2)) + 0.5 / FINER
    some = ink.amax((1, 2)) > 0
    return torch.where(some, least, torch.zeros_like(least)), torch.where(some, most - least, torch.zeros_like(least))
