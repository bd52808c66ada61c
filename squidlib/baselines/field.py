"""Field: a network that says the intensity of any point of an image, told the image's code; and its objective.

Naval Marimont and Tarroni, "Implicit Field Learning for Unsupervised Anomaly Detection in Medical Images", MICCAI 2021;
places enter as random Fourier features (Tancik et al., "Fourier Features Let Networks Learn High Frequency Functions in
Low Dimensional Domains", NeurIPS 2020).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

PRIOR = 1e-4  #: factor of |z|^2
DETAIL = 2.0  #: deviation of the Fourier features' frequencies, in cycles across an image


def intensity_class(images: Float[Tensor, "*shape"], classes: int) -> Int[Tensor, "*shape"]:
    """The nearest of ``classes`` equally spaced intensities, 0 and 1 among them."""
    return (images * (classes - 1)).round().long()


def places(height: int, width: int, step: int = 1) -> Float[Tensor, "P 2"]:
    """Every ``step``-th pixel of every ``step``-th row, in -1..1."""
    rows, columns = (torch.linspace(-1, 1, side)[::step] for side in (height, width))
    return torch.cartesian_prod(rows, columns)


class Field(nn.Module):
    """(place, code) -> logits of intensity classes."""

    frequencies: Tensor

    def __init__(self, code: int, width: int, layers: int, classes: int) -> None:
        super().__init__()
        self.register_buffer("frequencies", torch.randn(2, width // 2) * DETAIL)
        self.layers = nn.ModuleList(nn.Linear(width, width) for _ in range(layers))
        self.shifts = nn.ModuleList(nn.Linear(code, width, bias=False) for _ in range(layers))
        self.last = nn.Linear(width, classes)

    def forward(self, points: Float[Tensor, "P 2"], codes: Float[Tensor, "B D"]) -> Float[Tensor, "B P K"]:
        """Logits of every point in every image."""
        angles = torch.pi * points @ self.frequencies
        hidden = torch.cat([angles.sin(), angles.cos()], dim=1)[None]  # the same for all images
        for layer, shift in zip(self.layers, self.shifts, strict=True):
            hidden = F.relu(layer(hidden) + shift(codes)[:, None])
        return self.last(hidden)


def negative_log_likelihood(
    logits: Float[Tensor, "B P K"], classes: Int[Tensor, "B P"], codes: Float[Tensor, "B D"]
) -> Float[Tensor, "B"]:
    """The objective of each image: mean cross-entropy of its pixels + 1e-4 |z|^2."""
    pixels = F.cross_entropy(logits.flatten(0, 1), classes.flatten(), reduction="none").view_as(classes)
    return pixels.mean(1) + PRIOR * codes.square().sum(1)
