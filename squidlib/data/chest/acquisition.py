"""Acquisition shifts: an X-ray as another machine, another technician or another archive would have given it.

Each changes how an image was made and not what it shows, so that a detector should say of it what it said before. All
test images are changed alike, normal and abnormal ones, each by a strength of its own: what the change costs in AUC,
and how many normals it carries over the threshold, is the change's doing alone.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Generator, Tensor

from digitanatomy import seeded_generator
from squidlib.data.chest.sharpness import soften

CROP = (0.05, 0.15)  #: share of the side that is cut away
GAMMA = (-1.0, 1.0)  #: grey values are raised to 2 to the power of this
CONTRAST, BRIGHTNESS = (0.7, 1.3), (-0.1, 0.1)  #: factor about the image's mean, and what is added
BLUR = (0.6, 1.5)  #: standard deviation in pixels of an image of 224; in proportion in others
SHARPEN = (0.5, 1.5)  #: of what a blur by one such pixel takes away, so much is added
QUALITY = (25, 70)  #: of JPEG
REFERENCE_SIDE = 224  #: pixels
MEMORY, CALIBRATION = 1 << 41, 1 << 42  #: streams of random numbers beside those of the batches


def _drawn(count: int, limits: tuple[float, float], generator: Generator) -> Float[Tensor, "B 1 1 1"]:
    low, high = limits
    return low + (high - low) * torch.rand(count, 1, 1, 1, generator=generator)


def _widths(images: Tensor, widths: Tensor) -> Tensor:
    """Of blurs, in this image's pixels."""
    return (widths * images.shape[-1] / REFERENCE_SIDE).flatten()


def cropped(images: Float[Tensor, "B 1 H W"], generator: Generator) -> Float[Tensor, "B 1 H W"]:
    """A twentieth to a sixth of the side is cut away, anywhere, and the rest enlarged."""
    kept = 1 - _drawn(len(images), CROP, generator).flatten()
    away = (2 * torch.rand(len(images), 2, generator=generator) - 1) * (1 - kept)[:, None]
    matrices = torch.zeros(len(images), 2, 3)
    matrices[:, 0, 0] = matrices[:, 1, 1] = kept
    matrices[:, :, 2] = away
    grid = F.affine_grid(matrices, list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, padding_mode="border", align_corners=False).clamp(0, 1)


def re_exposed(images: Float[Tensor, "B 1 H W"], generator: Generator) -> Float[Tensor, "B 1 H W"]:
    """Another gamma: half to twice the exponent."""
    return images.clamp(0, 1) ** (2 ** _drawn(len(images), GAMMA, generator))


def re_windowed(images: Float[Tensor, "B 1 H W"], generator: Generator) -> Float[Tensor, "B 1 H W"]:
    """Another contrast and brightness; what leaves 0..1 is cut off."""
    mean = images.mean((1, 2, 3), keepdim=True)
    contrast, more = _drawn(len(images), CONTRAST, generator), _drawn(len(images), BRIGHTNESS, generator)
    return ((images - mean) * contrast + mean + more).clamp(0, 1)


def softened(images: Float[Tensor, "B 1 H W"], generator: Generator) -> Float[Tensor, "B 1 H W"]:
    """A Gaussian blur."""
    return soften(images, _widths(images, _drawn(len(images), BLUR, generator))).clamp(0, 1)


def sharpened(images: Float[Tensor, "B 1 H W"], generator: Generator) -> Float[Tensor, "B 1 H W"]:
    """An unsharp mask."""
    strength = _drawn(len(images), SHARPEN, generator)
    return (images + strength * (images - soften(images, _widths(images, torch.ones(len(images)))))).clamp(0, 1)


def recompressed(images: Float[Tensor, "B 1 H W"], generator: Generator) -> Float[Tensor, "B 1 H W"]:
    """Stored once more as a JPEG of low quality."""
    low, high = QUALITY
    qualities = torch.randint(low, high + 1, (len(images),), generator=generator).tolist()
    found = [_as_jpeg(image[0], quality) for image, quality in zip(images, qualities, strict=True)]
    return torch.stack(found)[:, None] if found else images.clone()


def _as_jpeg(image: Float[Tensor, "H W"], quality: int) -> Float[Tensor, "H W"]:
    from PIL import Image  # not before it is needed: whoever imports the readers pays for it

    stored = io.BytesIO()
    Image.fromarray((image.clamp(0, 1) * 255).round().byte().numpy()).save(stored, "JPEG", quality=quality)
    with Image.open(stored) as opened:
        return torch.from_numpy(np.asarray(opened, dtype=np.float32) / 255)


def varied(images: Float[Tensor, "B 1 H W"], generators: Sequence[Generator]) -> Float[Tensor, "B 1 H W"]:
    """Every image as one other acquisition would have given it, of a kind and a strength of its own.

    Args:
        generators: one an image, so that an image is changed in the same way whatever is beside it.
    """
    found = []
    for image, generator in zip(images, generators, strict=True):
        kind = int(torch.randint(0, len(SHIFTS), (), generator=generator))
        found.append(list(SHIFTS.values())[kind](image[None], generator)[0])
    return torch.stack(found) if found else images.clone()


Shift = Callable[[Tensor, Generator], Tensor]

#: Every shift by name: (B, 1, H, W) in 0..1 and a generator of the strengths -> the same shape and range.
SHIFTS: dict[str, Shift] = {
    "cropped": cropped,
    "re-exposed": re_exposed,
    "re-windowed": re_windowed,
    "softened": softened,
    "sharpened": sharpened,
    "recompressed": recompressed,
}


def half_varied(images: Float[Tensor, "N 1 H W"], seed: int) -> Float[Tensor, "N 1 H W"]:
    """A copy in which every second image is as another acquisition would have given it: what a memory is filled with.

    Args:
        seed: of kinds and strengths; image i is a function of (seed, i) alone.
    """
    found, rows = images.clone(), list(range(1, len(images), 2))
    found[rows] = varied(images[rows].cpu(), [seeded_generator(seed, MEMORY + row) for row in rows]).to(images)
    return found


def under_every_shift(images: Float[Tensor, "N 1 H W"]) -> list[Tensor]:
    """The images once for each of ``SHIFTS``, in that order; the same strengths at every call."""
    return [
        shift(images.cpu(), seeded_generator(0, CALIBRATION + number)).to(images)
        for number, shift in enumerate(SHIFTS.values())
    ]
