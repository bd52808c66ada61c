"""Auto-encoder: squeeze an image through a narrow code and hope that only normal ones come back whole.

Papers: Hinton and Salakhutdinov, "Reducing the Dimensionality of Data with Neural Networks", Science 2006; as a
detector of disease, Cai et al., "MedIAnomaly", MedIA 2025. Objective and score: mean (x - x')^2, with
x' = decoder(encoder(x)). Code and rate are MedIAnomaly's (16 numbers, Adam 1e-3).

Differs from it: one linear layer between convolutions and code, where it has two with a wide layer between them, and
smaller batches (32, not 64), so that it trains in seconds on a laptop.

``encoder`` and ``decoder`` serve the other methods that squeeze whole images.
"""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from squidlib.baselines.base import ByReconstruction, Progress, batches, in_batches, seeded
from squidlib.utils.errors import UserError

LEVELS = 4  #: halvings of the image


def _check(image_size: int) -> None:
    if image_size % 2**LEVELS:
        raise UserError(
            f"the image's side must be a multiple of {2**LEVELS}, got {image_size}: "
            "resize the images or leave this method out"
        )


def encoder(image_size: int, code: int, width: int) -> nn.Sequential:
    """Images (B, 1, H, W) -> codes (B, code): four strided convolutions, then linear.

    Raises:
        UserError: where 2^4 does not divide the images' side.
    """
    _check(image_size)
    widths = [1, *(width * 2**level for level in range(LEVELS))]
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(widths):
        layers += [nn.Conv2d(inputs, outputs, 4, 2, 1, bias=False), nn.BatchNorm2d(outputs), nn.LeakyReLU(0.2)]
    side = image_size // 2**LEVELS
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(widths[-1] * side**2, code))


def decoder(image_size: int, code: int, width: int) -> nn.Sequential:
    """Codes (B, code) -> images (B, 1, H, W) in 0..1; the encoder turned round.

    Raises:
        UserError: where 2^4 does not divide the images' side.
    """
    _check(image_size)
    widths = [width * 2**level for level in reversed(range(LEVELS))]
    side = image_size // 2**LEVELS
    layers: list[nn.Module] = [nn.Linear(code, widths[0] * side**2), nn.Unflatten(1, (widths[0], side, side))]
    for inputs, outputs in pairwise(widths):
        layers += [nn.ConvTranspose2d(inputs, outputs, 4, 2, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]
    return nn.Sequential(*layers, nn.ConvTranspose2d(widths[-1], 1, 4, 2, 1), nn.Sigmoid())


class AutoEncoder(ByReconstruction):
    """Score: mean squared reconstruction error of the image.

    Args:
        code: numbers that an image is squeezed into.
        width: channels of the first level.
        steps, batch_size, learning_rate: of the training.
    """

    name = "auto-encoder"

    def __init__(
        self, code: int = 16, width: int = 16, steps: int = 600, batch_size: int = 32, learning_rate: float = 1e-3
    ) -> None:
        self.code, self.width = code, width
        self.steps, self.batch_size, self.learning_rate = steps, batch_size, learning_rate

    def fit(
        self,
        normals: Float[Tensor, "N 1 H W"],
        seed: int = 0,
        progress: Progress = range,
        augmented: Float[Tensor, "M 1 H W"] | None = None,
    ) -> AutoEncoder:
        """Train on ``augmented`` normal images, or on the plain ones; an interruption leaves what was learned so far.

        Raises:
            ValueError: where there is no image, or 2^4 does not divide its sides.
        """
        size = normals.shape[-1]
        self.network = seeded(
            seed, lambda: nn.Sequential(encoder(size, self.code, self.width), decoder(size, self.code, self.width))
        ).to(normals.device)
        optimizer = torch.optim.Adam(self.network.parameters(), self.learning_rate)
        self.network.train()
        for images in batches(normals if augmented is None else augmented, self.batch_size, self.steps, seed, progress):
            loss = F.mse_loss(self.network(images), images)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        return self

    def reconstruct(self, images: Float[Tensor, "B 1 H W"]) -> Float[Tensor, "B 1 H W"]:
        """In 0..1."""
        self.network.eval()
        return in_batches(self.network, images)
