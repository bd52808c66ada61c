"""The radial power spectrum: how strong an image is at each fineness, whatever the direction; and making images alike.

Sharpness is one number of it. A detector, or one line of code, may tell images apart by any other: by noise, by the
filter that a machine puts over them, by how far they were enlarged. ``match_spectrum`` takes all of that away and
leaves where things are (the phase).
"""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor

LEAST_POWER = 1e-24  #: of a ring; an image of one grey has none


def rings(height: int, width: int) -> Int[Tensor, "H F"]:
    """Of each frequency of ``torch.fft.rfft2`` its ring: the rounded radius, in cycles an image's longer side."""
    down = torch.fft.fftfreq(height)[:, None]
    right = torch.fft.rfftfreq(width)[None]
    return ((down**2 + right**2).sqrt() * max(height, width)).round().long()


def radial_spectrum(images: Float[Tensor, "B 1 H W"]) -> Float[Tensor, "B K"]:
    """Mean power |F|^2 / (H W)^2 in each ring, from the image's mean (ring 0) to the finest; each image by itself."""
    height, width = images.shape[-2:]
    ring = rings(height, width)
    power = torch.fft.rfft2(images[:, 0]).abs().square() / (height * width) ** 2
    # rfft2 leaves out one of each pair of frequencies that a real image has alike; the middle columns count twice
    twice = torch.full((width // 2 + 1,), 2.0)
    twice[0] = 1.0
    if width % 2 == 0:
        twice[-1] = 1.0
    weight = twice.expand(height, -1)
    count = torch.zeros(int(ring.max()) + 1).index_add_(0, ring.flatten(), weight.flatten())
    summed = torch.zeros(len(images), len(count)).index_add_(1, ring.flatten(), (power * weight).flatten(1))
    return summed / count


def match_spectrum(images: Float[Tensor, "B 1 H W"], spectrum: Float[Tensor, "K"]) -> Float[Tensor, "B 1 H W"]:
    """Give every image this radial power spectrum; amplitudes are scaled ring by ring, phases stay.

    Args:
        images: in 0..1.
        spectrum: of the same size of images, as ``radial_spectrum`` gives it, such as the mean of normal training
            images'. The mean grey value (ring 0) is matched, too.

    Returns:
        The images, cut off at 0..1, which changes the spectrum a little where an image has much black or white.
    """
    height, width = images.shape[-2:]
    ring = rings(height, width)
    gain = (spectrum / radial_spectrum(images).clamp(min=LEAST_POWER)).sqrt()
    changed = torch.fft.rfft2(images[:, 0]) * gain[:, ring]
    return torch.fft.irfft2(changed, s=(height, width))[:, None].clamp(0, 1)
