"""Discriminator: tells real images from reconstructions; its logit is the paper's anomaly score.

Paper: section 3.5; figure 2. Authors' file: models/discriminator.py (``SimpleDiscriminator``).

Differs from the original: it is put in evaluation mode when it scores. Theirs stays in training mode, where batch
normalisation at batch size 1 standardises each image by itself.
"""

from __future__ import annotations

import math

from jaxtyping import Float
from torch import Tensor, nn

WIDTHS = (16, 32, 64, 128, 128)


class Discriminator(nn.Module):
    """Five 5x5 convolutions of stride 2 with LeakyReLU .2, batch normalisation on all but the first, then linear.

    Args:
        image_shape: channels, height and width in pixels.
    """

    def __init__(self, image_shape: tuple[int, int, int]) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        inputs, *sides = image_shape
        for index, width in enumerate(WIDTHS):
            layers.append(nn.Conv2d(inputs, width, 5, 2, 2))
            if index:
                layers.append(nn.BatchNorm2d(width))
            layers.append(nn.LeakyReLU(0.2, inplace=True))
            inputs, sides = width, [(side + 1) // 2 for side in sides]
        self.convs = nn.Sequential(*layers)
        self.linear = nn.Linear(inputs * math.prod(sides), 1)

    def forward(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B"]:
        """Logits: high for images that look real."""
        return self.linear(self.convs(images).flatten(1))[:, 0]
