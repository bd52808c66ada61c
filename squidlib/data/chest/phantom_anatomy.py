"""Anatomy of a drawn chest, by formulas: trunk, lungs, heart, diaphragm, ribs, spine, collar bones, vessels.

Everything is a function of where a pixel lies in the chest: ``right`` from the spine, -.5 to .5, and ``down``, 0 to 1,
(N, S, S) each; and of numbers in 0..1, (N, count, 1, 1), which make one chest differ from another.
"""

from __future__ import annotations

from math import pi
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from digitanatomy import seeded_generator

BODY = 24  #: numbers of one chest
TISSUE, LUNG, BELLY = 0.64, 0.27, 0.76  #: grey of the trunk, of air, and below the diaphragm
CELLS = (20, 42)  #: cells a side of the two scales of a chest's vessels
_TEXTURES = 2_000_000  #: seeds of vessels are kept apart from those of bodies


class Anatomy(NamedTuple):
    """grey: without bones; air: how much of it a pixel shows, 0..1; bones: what they add; (N, S, S) each."""

    grey: Tensor
    air: Tensor
    bones: Tensor


def between(uniform: Tensor, low: float, high: float) -> Tensor:
    """Numbers in 0..1 to low..high."""
    return low + (high - low) * uniform


def anatomy(body: Float[Tensor, "N B 1 1"], right: Tensor, down: Tensor) -> Anatomy:
    """A chest without vessels and haze."""
    side = right.abs()
    dome = _dome(body, right, side)
    lungs = _lungs(body, side, down) * torch.sigmoid((dome - down) / 0.01)
    heart = _heart(body, right, down)
    air = lungs * (1 - heart)
    below = torch.sigmoid((down - dome) / 0.015)
    bubble = ((right - 0.16) / 0.07) ** 2 + ((down - dome - between(body[:, 14], 0.05, 0.09)) / 0.035) ** 2
    gas = (body[:, 15] < 0.4) * torch.sigmoid(4 * (1 - bubble))
    grey = TISSUE + (BELLY - TISSUE) * below * (1 - 0.6 * gas) + 0.1 * heart
    grey = grey - (TISSUE - LUNG) * air
    return Anatomy(grey, air, _ribs(body, side, down) + _collar(body, right, side, down) + _spine(body, side, down))


def trunk(body: Float[Tensor, "N B 1 1"], right: Tensor, down: Tensor) -> Tensor:
    """1 inside, 0 outside: neck, sloping shoulders, sides."""
    sides, neck = between(body[:, 0], 0.41, 0.54), between(body[:, 16], 0.1, 0.15)
    slope = torch.sigmoid((down - between(body[:, 17], 0.04, 0.12) - 0.25 * (right.abs() - 0.25)) / 0.03)
    return torch.sigmoid((neck + (sides - neck) * slope - right.abs()) / 0.008)


def vessels(
    seeds: list[tuple[int, int]], size: int, body: Float[Tensor, "N B 1 1"], right: Tensor, down: Tensor
) -> Float[Tensor, "N S S"]:
    """Each chest's own vessels, as it were: smooth random fields of two scales, strongest at the roots of the lungs."""
    fields = []
    for seed, patient in seeds:
        generator = seeded_generator(seed, _TEXTURES + patient)
        cells = [torch.randn(1, 1, count, count, generator=generator) for count in CELLS]
        wide, fine = (F.interpolate(each, (size, size), mode="bicubic", align_corners=False) for each in cells)
        fields.append((0.03 * wide + 0.035 * fine)[0, 0])
    roots = torch.exp(-(((right.abs() - 0.12) / 0.09) ** 2) - ((down - between(body[:, 18], 0.42, 0.5)) / 0.12) ** 2)
    return torch.stack(fields) * (0.7 + 1.2 * roots) + between(body[:, 19], 0.04, 0.12) * roots


def _lungs(body: Tensor, side: Tensor, down: Tensor) -> Tensor:
    wide, high = between(body[:, 1], 0.15, 0.185), between(body[:, 2], 0.34, 0.41)
    centre = between(body[:, 3], 0.19, 0.22) + 0.1 * (down - 0.5)  # lungs lean outwards
    wide = wide * (1 + 0.55 * (down - 0.5))  # and are narrow at the top
    radius = ((side - centre) / wide).abs() ** 2.2 + ((down - 0.47) / high).abs() ** 2.4
    return torch.sigmoid(9 * (1 - radius))


def _dome(body: Tensor, right: Tensor, side: Tensor) -> Tensor:
    """How far down the diaphragm lies; higher on the right-hand side of the body, which is the left of the image."""
    top = between(body[:, 4], 0.66, 0.78) + between(body[:, 20], 0.0, 0.04) * torch.sign(right)
    return top + 1.5 * (side - 0.16) ** 2


def _heart(body: Tensor, right: Tensor, down: Tensor) -> Tensor:
    """Heart, great vessels and the middle between the lungs, 0..1: what no air is seen through."""
    width, centre = between(body[:, 5], 0.13, 0.185), between(body[:, 21], 0.03, 0.07)
    tilted = right - centre - 0.25 * (down - 0.58)
    heart = torch.sigmoid(7 * (1 - (tilted / width) ** 2 - ((down - 0.6) / 0.18) ** 2))
    knob = torch.sigmoid(7 * (1 - ((right - 0.045) / 0.05) ** 2 - ((down - 0.34) / 0.05) ** 2))
    middle = torch.sigmoid((between(body[:, 22], 0.055, 0.08) - right.abs()) / 0.012)
    return 1 - (1 - 0.92 * heart) * (1 - 0.9 * knob) * (1 - 0.95 * middle)


def _ribs(body: Tensor, side: Tensor, down: Tensor) -> Tensor:
    """Those at the back leave the spine level and fall at the side; those in front fall towards the middle, fainter."""
    cage = torch.sigmoid((side - 0.05) / 0.012) * torch.sigmoid((between(body[:, 23], 0.35, 0.4) - side) / 0.015)
    cage = cage * torch.sigmoid((down - 0.1) / 0.02) * torch.sigmoid((0.92 - down) / 0.03)
    count = between(body[:, 6], 11.0, 13.5)
    back = count * (down - 1.5 * (side - 0.09) ** 2 + 0.12 * side) + body[:, 7]
    front = count * (down + 0.6 * side) + body[:, 13]
    lines = _line(back, 0.34) + 0.5 * _line(front, 0.4) * torch.sigmoid((side - 0.13) / 0.02)
    return between(body[:, 8], 0.09, 0.16) * cage * lines * (1 - 0.5 * torch.sigmoid((down - 0.78) / 0.03))


def _line(turns: Tensor, width: float) -> Tensor:
    return torch.exp(-((torch.sin(pi * turns) / width) ** 2))


def _collar(body: Tensor, right: Tensor, side: Tensor, down: Tensor) -> Tensor:
    height = between(body[:, 9], 0.12, 0.19) - between(body[:, 12], 0.02, 0.2) * (side - 0.15) + 0.04 * right
    ends = torch.sigmoid((side - 0.035) / 0.01) * torch.sigmoid((0.36 - side) / 0.02)
    return 0.16 * torch.exp(-(((down - height) / 0.012) ** 2)) * ends


def _spine(body: Tensor, side: Tensor, down: Tensor) -> Tensor:
    vertebrae = 0.035 * torch.sin(2 * pi * (between(body[:, 10], 15.0, 18.0) * down + body[:, 11]))
    return (0.1 + vertebrae) * torch.sigmoid((0.04 - side) / 0.006)
