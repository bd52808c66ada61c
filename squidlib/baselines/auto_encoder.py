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

import torch.nn.functional as F
from jaxtyping import Float
from torch import Generator, Tensor, nn

from squidlib.baselines.base import ByReconstruction
from squidlib.baselines.trained import Shape, SingleLoss
from squidlib.utils.errors import UserError

LEVELS = 4  #: halvings of the image


def _code_sides(shape: Shape) -> tuple[int, int]:
    """Height and width of the deepest map."""
    _channels, height, width = shape
    if height % 2**LEVELS or width % 2**LEVELS:
        raise UserError(
            f"sides that are multiples of {2**LEVELS} expected, got {height} × {width} px: "
            "resize the images or leave this method out"
        )
    return height // 2**LEVELS, width // 2**LEVELS


def encoder(shape: Shape, code: int, width: int) -> nn.Sequential:
    """Images (B, C, H, W) of this shape -> codes (B, code): four strided convolutions, then linear.

    Raises:
        UserError: where 2^4 does not divide the images' sides.
    """
    rows, columns = _code_sides(shape)
    widths = [shape[0], *(width * 2**level for level in range(LEVELS))]
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(widths):
        layers += [nn.Conv2d(inputs, outputs, 4, 2, 1, bias=False), nn.BatchNorm2d(outputs), nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(widths[-1] * rows * columns, code))


def decoder(shape: Shape, code: int, width: int) -> nn.Sequential:
    """Codes (B, code) -> images (B, C, H, W) in 0..1; the encoder in reverse.

    Raises:
        UserError: where 2^4 does not divide the images' sides.
    """
    rows, columns = _code_sides(shape)
    widths = [width * 2**level for level in reversed(range(LEVELS))]
    layers: list[nn.Module] = [nn.Linear(code, widths[0] * rows * columns), nn.Unflatten(1, (widths[0], rows, columns))]
    for inputs, outputs in pairwise(widths):
        layers += [nn.ConvTranspose2d(inputs, outputs, 4, 2, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]
    return nn.Sequential(*layers, nn.ConvTranspose2d(widths[-1], shape[0], 4, 2, 1), nn.Sigmoid())


class AutoEncoder(ByReconstruction, SingleLoss):
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

    def build(self, shape: Shape, seed: int) -> nn.Module:
        """Encoder, then decoder."""
        return nn.Sequential(encoder(shape, self.code, self.width), decoder(shape, self.code, self.width))

    def loss(self, images: Float[Tensor, "B C H W"], generator: Generator) -> Float[Tensor, ""]:
        """Mean squared error of the reconstruction."""
        return F.mse_loss(self.network(images), images)

    def reconstruct(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C H W"]:
        """In 0..1."""
        return self.ask(self.network, images)
