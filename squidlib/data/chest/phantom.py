"""Drawn chests: pictures of a chest made of formulas. They are no X-rays and show no patient.

No radiograph comes with the kit, so lesson 13 and tests that need something like one draw it: a trunk, two dark lungs,
ribs, collar bones, spine, heart and diaphragm. Patients differ in these and in exposure, images of
one patient in pose and grain, and a little in exposure. Abnormal ones have one to three hazy places in the lungs.

Real pneumonia images are also *softer* than the normal ones of the same set, which has nothing to do with the disease.
``softer`` draws this shortcut in on purpose, so that a lesson can find it, and 0 leaves it out. Of these pictures one
knows what is shortcut and what is haze; figures measured on them say nothing about real images.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import pi

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from digitanatomy import seeded_generator
from squidlib.data.chest.sharpness import soften

SOFTER = 0.5  #: pixels of 128 by which abnormal images are blurred more, on average
TEXTURE = 20  #: cells a side of each patient's own texture
TISSUE, LUNG = 0.6, 0.24  #: grey of the trunk and of air
HAZES = 3  #: at most
_IMAGES, _TEXTURES = 1_000_000, 2_000_000  #: seeds of images and of textures are kept apart from those of patients


def draw_chests(
    patients: Sequence[int],
    images: Sequence[int],
    abnormal: bool,
    seed: int = 0,
    size: int = 128,
    softer: float = SOFTER,
) -> Float[Tensor, "N 1 S S"]:
    """One picture for each pair of a patient's and an image's number, in 0..1; a function of these and the seed.

    Args:
        patients: whose anatomy; two pictures of one patient are of one chest.
        images: pose, exposure, grain and haze; a number for each picture.
        abnormal: with haze.
        softer: how much wider abnormal pictures are blurred, in pixels of 128, on average.

    Raises:
        ValueError: where the two numbers differ in count, or a picture is too small to hold a rib.
    """
    if len(patients) != len(images):
        raise ValueError(f"a patient for each image expected, got {len(patients)} and {len(images)}")
    if size < 32:
        raise ValueError(f"at least 32 pixels a side expected, got {size}")
    if not patients:
        return torch.zeros(0, 1, size, size)
    body = _uniform([(seed, patient) for patient in patients], 14)
    numbers = [(seed, _IMAGES + image) for image in images]
    shot = _uniform(numbers, 8 + 4 * HAZES)
    right, down = _places(shot[:, :4], size)
    lungs, bright = _anatomy(body, right, down)
    bright = bright + lungs * _textures(seed, patients, size)
    grey = TISSUE - (TISSUE - LUNG) * lungs
    if abnormal:
        haze = _haze(shot[:, 8:], right, down) * lungs
        grey, bright = grey + haze * (TISSUE + 0.06 - grey), bright * (1 - 0.75 * haze)
    grey = (grey + bright) * _trunk(body, right, down)
    contrast = _between(body[:, 12], 0.85, 1.2) + _between(shot[:, 4], -0.04, 0.04)
    gain = _between(body[:, 13], 0.94, 1.1) + _between(shot[:, 5], -0.02, 0.02)
    grain = torch.stack([torch.randn(size, size, generator=seeded_generator(*number)) for number in numbers])
    grey = gain * grey.clamp(min=1e-4) ** contrast + 0.012 * grain
    width = _between(shot[:, 6], 0.4, 1.1) + (softer * 2 * shot[:, 7] if abnormal else 0)
    return soften(grey[:, None].clamp(0, 1), width[:, 0, 0] * size / 128).clamp(0, 1)


def _uniform(seeds: list[tuple[int, int]], count: int) -> Float[Tensor, "N count 1 1"]:
    drawn = [torch.rand(count, generator=seeded_generator(*numbers)) for numbers in seeds]
    return torch.stack(drawn)[:, :, None, None]


def _between(uniform: Tensor, low: float, high: float) -> Tensor:
    return low + (high - low) * uniform


def _places(pose: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """Where each pixel lies in the chest, (N, S, S) each: right in -.5...5 from the spine, down in 0..1."""
    steps = (torch.arange(size) + 0.5) / size
    down, right = torch.meshgrid(steps, steps - 0.5, indexing="ij")
    angle, scale = _between(pose[:, 0], -0.04, 0.04), _between(pose[:, 1], 0.96, 1.04)
    right, down = right - _between(pose[:, 2], -0.02, 0.02), down - 0.5 - _between(pose[:, 3], -0.02, 0.02)
    turned = scale * (right * angle.cos() + down * angle.sin()), scale * (down * angle.cos() - right * angle.sin())
    return turned[0], turned[1] + 0.5


def _trunk(body: Tensor, right: Tensor, down: Tensor) -> Tensor:
    """1 inside, 0 outside: neck, shoulders, sides."""
    half = 0.11 + (_between(body[:, 0], 0.38, 0.44) - 0.11) * torch.sigmoid((down - 0.1) / 0.02)
    return torch.sigmoid((half - right.abs()) / 0.008)


def _anatomy(body: Tensor, right: Tensor, down: Tensor) -> tuple[Tensor, Tensor]:
    """How much air each pixel shows, 0..1, and the bones' additional grey; (N, S, S) each."""
    side = right.abs()
    wide, high = _between(body[:, 1], 0.125, 0.15), _between(body[:, 2], 0.3, 0.36)
    centre = _between(body[:, 3], 0.185, 0.205) + 0.09 * (down - 0.5)  # lungs lean outwards
    radius = ((side - centre) / wide) ** 2 + ((down - 0.48) / high).abs() ** 2.5
    dome = _between(body[:, 4], 0.68, 0.75) + 0.03 * torch.sign(right) + 1.6 * (side - 0.18) ** 2
    heart = ((right - 0.06) / _between(body[:, 5], 0.12, 0.16)) ** 2 + ((down - 0.6) / 0.17) ** 2
    lungs = torch.sigmoid(9 * (1 - radius)) * torch.sigmoid((dome - down) / 0.012)
    lungs = lungs * (1 - 0.9 * torch.sigmoid(8 * (1 - heart)))

    turns = _between(body[:, 6], 8.5, 10.5) * (down + 1.5 * (side - 0.08) ** 2 - 0.25 * side) + body[:, 7]
    cage = torch.sigmoid((side - 0.05) / 0.015) * torch.sigmoid((0.36 - side) / 0.02)
    cage = cage * torch.sigmoid((down - 0.12) / 0.02) * torch.sigmoid((0.86 - down) / 0.02)
    ribs = _between(body[:, 8], 0.1, 0.17) * cage * torch.exp(-((torch.sin(pi * turns) / 0.34) ** 2))
    collar = 0.17 * torch.exp(-(((down - _between(body[:, 9], 0.14, 0.18) + 0.12 * (side - 0.2)) / 0.011) ** 2))
    collar = collar * torch.sigmoid((side - 0.04) / 0.01) * torch.sigmoid((0.36 - side) / 0.02)
    vertebrae = 0.05 * torch.sin(2 * pi * (_between(body[:, 10], 15.0, 18.0) * down + body[:, 11]))
    spine = (0.17 + vertebrae) * torch.sigmoid((0.035 - side) / 0.006)
    return lungs, ribs + collar + spine


def _haze(numbers: Tensor, right: Tensor, down: Tensor) -> Tensor:
    """Soft places in the lungs, 0..1 each; the first is always there, of the others every second."""
    clear = torch.ones_like(right)
    for index in range(HAZES):
        across, along, radius, strength = numbers[:, 4 * index : 4 * index + 4].unbind(1)
        x = torch.where(across < 0.5, -1, 1) * _between((2 * across) % 1, 0.13, 0.25)
        distance = ((right - x) ** 2 + (down - _between(along, 0.32, 0.66)) ** 2) / _between(radius, 0.07, 0.13) ** 2
        there = 1.0 if index == 0 else (radius > 0.5).float()
        clear = clear * (1 - there * _between(strength, 0.45, 0.9) * torch.exp(-distance))
    return 1 - clear


def _textures(seed: int, patients: Sequence[int], size: int) -> Tensor:
    """Each patient's own vessels, as it were: a smooth random field, (N, S, S), about 0."""
    generators = [seeded_generator(seed, _TEXTURES + patient) for patient in patients]
    cells = [torch.randn(1, TEXTURE, TEXTURE, generator=generator) for generator in generators]
    return 0.045 * F.interpolate(torch.stack(cells), size=(size, size), mode="bicubic", align_corners=False)[:, 0]
