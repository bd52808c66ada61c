"""SALAD-style: image to code to image to code, and both spaces must agree about what is normal.

Paper: Zhao et al., "Anomaly Detection for Medical Images Using Self-Supervised and Translation-Consistent Features",
IEEE TMI 2021. Objective: |x - x'|^2 + a (1 - SSIM(x, x')) + b |z - c|^2 + d |z - E(x')|^2 + e * task, with z = E(x),
x' = D(z) and c the centre of normal codes; squared differences are means. The score mixes error in the image and in the
code: here the sum of (1) |x - x'|^2 + a (1 - SSIM), (2) |z - c|^2 and (3) |z - E(x')|^2, each with the mean and the
standard deviation that it has on normal images.

Differs from the original, as far as one can know: no code is public, and the weights and the self-supervised task are
this file's choice. The weights were not tuned. The task is to say by how many quarter turns an image was rotated
(Gidaris et al., ICLR 2018). c is a running mean of the codes in training, then the mean code of the plain images.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from digitanatomy import seeded_generator
from squidlib.baselines.auto_encoder import decoder, encoder
from squidlib.baselines.base import LEAST_STD, ByReconstruction, batches
from squidlib.baselines.ssim import ssim
from squidlib.baselines.trained import Phase, Shape, TrainedMethod, Update
from squidlib.utils.errors import UserError

STRUCTURE, CENTRE, CYCLE, TASK = 0.1, 0.01, 0.01, 0.01  #: a, b, d, e
CENTRE_RATE = 0.1  #: of the running mean
TURNS = 4


def turned(images: Float[Tensor, "B C S S"], turns: Int[Tensor, "B"]) -> Float[Tensor, "B C S S"]:
    """Each image rotated by its number of quarter turns, against the clock."""
    every = torch.stack([torch.rot90(images, count, (2, 3)) for count in range(TURNS)])
    return every[turns, torch.arange(len(images), device=images.device)]


class SALADNetwork(nn.Module):
    """Encoder, decoder, the task's head; ``centre`` (code,) is a buffer."""

    centre: Tensor

    def __init__(self, shape: Shape, code: int, width: int) -> None:
        super().__init__()
        self.encoder = encoder(shape, code, width)
        self.decoder = decoder(shape, code, width)
        self.head = nn.Linear(code, TURNS)
        self.register_buffer("centre", torch.zeros(code))

    def errors(self, images: Float[Tensor, "B C H W"], code: Float[Tensor, "B D"]) -> Float[Tensor, "B 3"]:
        """Error in the image, distance to the centre, difference of the two codes; all >= 0."""
        reconstruction = self.decoder(code)
        pixels = ((images - reconstruction) ** 2).mean(dim=(1, 2, 3))
        to_centre = ((code - self.centre) ** 2).mean(1)
        to_second = ((code - self.encoder(reconstruction)) ** 2).mean(1)
        return torch.stack([pixels + STRUCTURE * (1 - ssim(images, reconstruction)), to_centre, to_second], dim=1)

    def loss(self, images: Float[Tensor, "B C S S"], turns: Int[Tensor, "B"]) -> tuple[Tensor, Tensor]:
        """The objective, and the codes (B, code) of the images."""
        # One batch for both, so that BatchNorm's running means are of what it is trained on.
        code, code_of_turned = self.encoder(torch.cat([images, turned(images, turns)])).chunk(2)
        image, to_centre, to_second = self.errors(images, code).mean(0)
        task = F.cross_entropy(self.head(code_of_turned), turns)
        return image + CENTRE * to_centre + CYCLE * to_second + TASK * task, code

    @torch.no_grad()
    def move_centre(self, codes: Float[Tensor, "B D"], rate: float) -> None:
        """Towards the codes' mean; rate 1 is the mean itself."""
        self.centre.lerp_(codes.mean(0), rate)


class SALAD(ByReconstruction, TrainedMethod):
    """Score: error in the image plus error in the code, each in standard deviations of normal images.

    Args:
        code: numbers that an image is squeezed into.
        width: channels of the first level.
        steps, batch_size, learning_rate: of the training.
    """

    name = "SALAD-style"
    network: SALADNetwork

    def __init__(
        self, code: int = 100, width: int = 16, steps: int = 170, batch_size: int = 16, learning_rate: float = 1e-3
    ) -> None:
        self.code, self.width = code, width
        self.steps, self.batch_size, self.learning_rate = steps, batch_size, learning_rate

    def build(self, shape: Shape, seed: int) -> SALADNetwork:
        """Encoder, decoder and the task's head.

        Raises:
            UserError: where images are not square: a quarter turn would change their shape.
        """
        if shape[1] != shape[2]:
            raise UserError(f"{self.name} turns images by 90°: square ones expected, got {shape[1]} × {shape[2]} px; "
                            "leave this method out")  # fmt: skip
        return SALADNetwork(shape, self.code, self.width)

    def phases(self, normals: Float[Tensor, "N C H W"], shown: Float[Tensor, "M C H W"], seed: int) -> Iterator[Phase]:
        """One; the centre moves after every step."""
        optimizer = torch.optim.Adam(self.network.parameters(), self.learning_rate)
        random = seeded_generator(seed, 1)

        def updates(_step: int, images: Tensor) -> Iterator[Update]:
            turns = torch.randint(TURNS, (len(images),), generator=random).to(images.device)
            loss, codes = self.network.loss(images, turns)
            yield loss, [optimizer]
            self.network.move_centre(codes, CENTRE_RATE)

        yield Phase(self.steps, batches(shown, self.batch_size, seed), updates)

    def finish(self, normals: Float[Tensor, "N C H W"]) -> None:
        """Centre and units, from the plain images."""
        self.network.move_centre(self.ask(self.network.encoder, normals), rate=1.0)
        self.calibrate(normals)

    def calibrate(self, normals: Float[Tensor, "N C H W"]) -> SALAD:
        """Take the score's units from normal images, held-out ones where there are; ``fit`` has taken training's."""
        errors = self._errors(normals)
        self.mean, self.std = errors.mean(0), errors.std(0, correction=0).clamp(min=LEAST_STD)
        return self

    def _errors(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B 3"]:
        return self.ask(lambda batch: self.network.errors(batch, self.network.encoder(batch)), images)

    def reconstruct(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C H W"]:
        """In 0..1."""
        return self.ask(lambda batch: self.network.decoder(self.network.encoder(batch)), images)

    def score(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B"]:
        """Sum of three standard scores: about 0 for a normal image, above for a strange one."""
        return ((self._errors(images) - self.mean) / self.std).sum(1)
