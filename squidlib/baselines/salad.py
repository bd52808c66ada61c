"""SALAD-style: image to code to image to code, and both spaces must agree about what is normal.

Paper: Zhao et al., "Anomaly Detection for Medical Images Using Self-Supervised and Translation-Consistent Features",
IEEE TMI 2021. Objective: |x - x'|^2 + a (1 - SSIM(x, x')) + b |z - c|^2 + d |z - E(x')|^2 + e * task, with z = E(x),
x' = D(z) and c the centre of normal codes; squared differences are means. The score mixes error in the image and in the
code: here the sum of (1) |x - x'|^2 + a (1 - SSIM), (2) |z - c|^2 and (3) |z - E(x')|^2, each with the mean and the
deviation that it has on normal images.

Differs from the original, as far as one can know: no code is public, and the weights and the self-supervised task are
this file's choice. The weights were not tuned. The task is to say by how many quarter turns an image was rotated
(Gidaris et al., ICLR 2018). c is a running mean of the codes in training, then the mean code of the plain images.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from digitanatomy import seeded_generator
from squidlib.baselines.auto_encoder import decoder, encoder
from squidlib.baselines.base import ByReconstruction, Progress, batches, in_batches, seeded
from squidlib.baselines.ssim import ssim

STRUCTURE, CENTRE, CYCLE, TASK = 0.1, 0.01, 0.01, 0.01  #: a, b, d, e
CENTRE_RATE = 0.1  #: of the running mean
TURNS = 4


def turned(images: Float[Tensor, "B 1 S S"], turns: Int[Tensor, "B"]) -> Float[Tensor, "B 1 S S"]:
    """Each image rotated by its number of quarter turns, against the clock."""
    every = torch.stack([torch.rot90(images, count, (2, 3)) for count in range(TURNS)])
    return every[turns, torch.arange(len(images), device=images.device)]


class SALADNetwork(nn.Module):
    """Encoder, decoder, the task's head; ``centre`` (code,) is a buffer."""

    centre: Tensor

    def __init__(self, image_size: int, code: int, width: int) -> None:
        super().__init__()
        self.encoder = encoder(image_size, code, width)
        self.decoder = decoder(image_size, code, width)
        self.head = nn.Linear(code, TURNS)
        self.register_buffer("centre", torch.zeros(code))

    def errors(self, images: Float[Tensor, "B 1 H W"], code: Float[Tensor, "B D"]) -> Float[Tensor, "B 3"]:
        """Error in the image, distance to the centre, difference of the two codes; all >= 0."""
        reconstruction = self.decoder(code)
        pixels = ((images - reconstruction) ** 2).mean(dim=(1, 2, 3))
        to_centre = ((code - self.centre) ** 2).mean(1)
        to_second = ((code - self.encoder(reconstruction)) ** 2).mean(1)
        return torch.stack([pixels + STRUCTURE * (1 - ssim(images, reconstruction)), to_centre, to_second], dim=1)

    def loss(self, images: Float[Tensor, "B 1 S S"], turns: Int[Tensor, "B"]) -> tuple[Tensor, Tensor]:
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


class SALAD(ByReconstruction):
    """Score: error in the image plus error in the code, each in standard deviations of normal images.

    Args:
        code: numbers that an image is squeezed into.
        width: channels of the first level.
        steps, batch_size, learning_rate: of the training.
    """

    name = "SALAD-style"

    def __init__(
        self, code: int = 100, width: int = 16, steps: int = 170, batch_size: int = 16, learning_rate: float = 1e-3
    ) -> None:
        self.code, self.width = code, width
        self.steps, self.batch_size, self.learning_rate = steps, batch_size, learning_rate

    def fit(
        self,
        normals: Float[Tensor, "N 1 H W"],
        seed: int = 0,
        progress: Progress = range,
        augmented: Float[Tensor, "M 1 H W"] | None = None,
    ) -> SALAD:
        """Train on ``augmented`` normal images, or on the plain ones; centre and ``calibrate`` on the plain ones.

        An interruption leaves what was learned so far, calibrated too.

        Raises:
            ValueError: where there is no image, or 2^4 does not divide its sides.
        """
        shown = normals if augmented is None else augmented
        try:
            self._train(shown, seed, progress)
        except KeyboardInterrupt:
            self._look_at(normals)
            raise
        return self._look_at(normals)

    def _train(self, shown: Float[Tensor, "M 1 H W"], seed: int, progress: Progress) -> None:
        network = seeded(seed, lambda: SALADNetwork(shown.shape[-1], self.code, self.width)).to(shown.device)
        self.network = network.train()
        optimizer = torch.optim.Adam(network.parameters(), self.learning_rate)
        random = seeded_generator(seed, 1)
        for images in batches(shown, self.batch_size, self.steps, seed, progress):
            turns = torch.randint(TURNS, (len(images),), generator=random).to(images.device)
            loss, codes = network.loss(images, turns)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            network.move_centre(codes, CENTRE_RATE)

    def _look_at(self, normals: Float[Tensor, "N 1 H W"]) -> SALAD:
        """Take centre and units from the plain images."""
        network = self.network.eval()
        network.move_centre(in_batches(network.encoder, normals), rate=1.0)
        return self.calibrate(normals)

    def calibrate(self, normals: Float[Tensor, "N 1 H W"]) -> SALAD:
        """Take the score's units from normal images, held-out ones where there are; ``fit`` has taken training's."""
        errors = self._errors(normals)
        self.mean, self.deviation = errors.mean(0), errors.std(0, correction=0)
        return self

    def _errors(self, images: Float[Tensor, "B 1 H W"]) -> Float[Tensor, "B 3"]:
        network = self.network.eval()
        return in_batches(lambda batch: network.errors(batch, network.encoder(batch)), images)

    def reconstruct(self, images: Float[Tensor, "B 1 H W"]) -> Float[Tensor, "B 1 H W"]:
        """In 0..1."""
        network = self.network.eval()
        return in_batches(lambda batch: network.decoder(network.encoder(batch)), images)

    def score(self, images: Float[Tensor, "B 1 H W"]) -> Float[Tensor, "B"]:
        """Sum of three standard scores: about 0 for a normal image, above for a strange one."""
        return ((self._errors(images) - self.mean) / self.deviation.clamp(min=1e-9)).sum(1)
