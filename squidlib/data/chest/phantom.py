"""Drawn chests: pictures of a chest made of formulas. They are no X-rays and show no patient.

No radiograph comes with the kit, so lesson 13 and tests that need something like one draw it (``phantom_anatomy``).
Patients differ in anatomy and exposure, images of one patient in pose, crop, grain, and a little in exposure. Most
carry a marker at their edge, as films do. Abnormal ones have one to three hazy areas in the lungs.

Real pneumonia images are also *softer* than the normal ones of the same set, which has nothing to do with the disease.
``softer`` draws this shortcut in on purpose, so that a lesson can find it, and 0 leaves it out. Of these pictures one
knows what is shortcut and what is haze; figures measured on them say nothing about real images.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from digitanatomy import seeded_generator
from squidlib.data.chest.phantom_anatomy import BODY, TISSUE, anatomy, between, trunk, vessels
from squidlib.data.chest.sharpness import soften

SOFTER = 0.5  #: pixels of 128 by which abnormal images are blurred more, on average
HAZES = 3  #: at most
SHOT = 20  #: numbers of one image beside those of its haze
MARKER = ("11110", "10001", "10001", "11110", "10100", "10010", "10001")  #: the letter R, as on many films
_IMAGES = 1_000_000  #: seeds of images are kept apart from those of patients


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
    seeds, numbers = [(seed, patient) for patient in patients], [(seed, _IMAGES + image) for image in images]
    body, shot = _uniform(seeds, BODY), _uniform(numbers, SHOT + 4 * HAZES)
    right, down = _places(shot[:, :4], size)
    grey, air, bones = anatomy(body, right, down)
    bright = bones + air * vessels(seeds, size, body, right, down)
    if abnormal:
        haze = _haze(shot[:, SHOT:], right, down) * air
        grey, bright = grey + haze * (TISSUE + 0.06 - grey), bright * (1 - 0.75 * haze)
    grey = (grey + bright) * trunk(body, right, down)
    contrast = between(body[:, 12], 0.85, 1.3) + between(shot[:, 4], -0.05, 0.05)
    gain = between(body[:, 13], 0.9, 1.12) + between(shot[:, 5], -0.03, 0.03)
    grain = torch.stack([torch.randn(size, size, generator=seeded_generator(*number)) for number in numbers])
    grey = _marked(gain * grey.clamp(min=1e-4) ** contrast + 0.014 * grain, shot[:, 8:13])
    grey = grey * _cropped(shot[:, 13:17], size)
    width = between(shot[:, 6], 0.3, 0.9) + (softer * 2 * shot[:, 7] if abnormal else 0)
    return soften(grey[:, None].clamp(0, 1), width[:, 0, 0] * size / 128).clamp(0, 1)


def _uniform(seeds: list[tuple[int, int]], count: int) -> Float[Tensor, "N count 1 1"]:
    drawn = [torch.rand(count, generator=seeded_generator(*numbers)) for numbers in seeds]
    return torch.stack(drawn)[:, :, None, None]


def _places(pose: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """Where each pixel lies in the chest, (N, S, S) each: right in -.5...5 from the spine, down in 0..1."""
    steps = (torch.arange(size) + 0.5) / size
    down, right = torch.meshgrid(steps, steps - 0.5, indexing="ij")
    angle, scale = between(pose[:, 0], -0.06, 0.06), between(pose[:, 1], 0.9, 1.04)
    right, down = right - between(pose[:, 2], -0.03, 0.03), down - 0.5 - between(pose[:, 3], -0.03, 0.03)
    turned = scale * (right * angle.cos() + down * angle.sin()), scale * (down * angle.cos() - right * angle.sin())
    return turned[0], turned[1] + 0.5


def _marked(grey: Tensor, numbers: Tensor) -> Tensor:
    """With a letter at the left edge of two images in three."""
    size = grey.shape[-1]
    letter = torch.tensor([[int(cell) for cell in row] for row in MARKER]).float()
    marked = grey.clone()
    for image, (there, across, along, large, bright) in enumerate(numbers.flatten(1).tolist()):
        if there < 1 / 3:
            continue
        height = max(5, round(size * (0.05 + 0.05 * large)))
        drawn = F.interpolate(letter[None, None], (height, max(4, height * 5 // 7)), mode="area")[0, 0]
        top, left = int(size * (0.05 + 0.5 * along)), int(size * (0.01 + 0.06 * across))
        area = marked[image, top : top + height, left : left + drawn.shape[1]]
        area.copy_(torch.maximum(area, (0.6 + 0.4 * bright) * drawn))
    return marked


def _cropped(numbers: Tensor, size: int) -> Tensor:
    """0 on the dark edges that some images have left and right, 1 elsewhere: (N, S, S)."""
    across = ((torch.arange(size) + 0.5) / size).expand(len(numbers), size, size)
    left, right = ((between(numbers[:, n], -0.12, 0.06)).clamp(min=0) for n in (0, 1))
    return ((across >= left) & (across <= 1 - right)).float()


def _haze(numbers: Tensor, right: Tensor, down: Tensor) -> Tensor:
    """Soft places in the lungs, 0..1 each; the first is always there, of the others every second."""
    clear = torch.ones_like(right)
    for index in range(HAZES):
        across, along, radius, strength = numbers[:, 4 * index : 4 * index + 4].unbind(1)
        x = torch.where(across < 0.5, -1, 1) * between((2 * across) % 1, 0.15, 0.25)
        distance = ((right - x) ** 2 + (down - between(along, 0.32, 0.66)) ** 2) / between(radius, 0.07, 0.13) ** 2
        there = 1.0 if index == 0 else (radius > 0.5).float()
        clear = clear * (1 - there * between(strength, 0.45, 0.9) * torch.exp(-distance))
    return 1 - clear
