"""Ganomaly: encode, decode, encode again; a normal image returns to the same code.

Paper: Akcay et al., "GANomaly: Semi-Supervised Anomaly Detection via Adversarial Training", ACCV 2018.
Generator: |f(x) - f(x')|^2 + 50 |x - x'|_1 + |z - z'|^2, f a layer of the discriminator; discriminator: binary
cross-entropy. Score: mean (z - z')^2, z = encoder(x), z' = second encoder(x').

Differs from the original: narrower convolutions (16 channels at the first level, not 64), batches of 16, not 64, and a
higher rate (1e-3, not 2e-4), for minutes and not hours of training; all differences are means over their numbers, and
the score is a mean square, as in the authors' code (the paper prints |z - z'|_1); a discriminator that has won is not
reset, as theirs is; scores are not scaled to 0..1 by the least and the greatest of the test set, which no score
may know.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from squidlib.baselines.auto_encoder import decoder, encoder
from squidlib.baselines.base import batches
from squidlib.baselines.trained import Phase, Shape, TrainedMethod, Update
from squidlib.losses import looks_fake_loss, looks_real_loss

ADVERSARIAL, CONTEXTUAL, ENCODER = 1.0, 50.0, 1.0  #: factors of the generator's three terms


class GanomalyNetworks(nn.Module):
    """The two encoders and the decoder, and the discriminator: features, then one logit."""

    def __init__(self, shape: Shape, code: int, width: int) -> None:
        super().__init__()
        self.encoder = encoder(shape, code, width)
        self.decoder = decoder(shape, code, width)
        self.second_encoder = encoder(shape, code, width)
        *features, last = encoder(shape, 1, width)
        self.features, self.verdict = nn.Sequential(*features), last

    def forward(self, images: Float[Tensor, "B C H W"]) -> tuple[Tensor, Tensor, Tensor]:
        """x', z and z'."""
        code = self.encoder(images)
        reconstruction = self.decoder(code)
        return reconstruction, code, self.second_encoder(reconstruction)

    def generator_loss(
        self,
        images: Float[Tensor, "B C H W"],
        reconstruction: Float[Tensor, "B C H W"],
        code: Float[Tensor, "B D"],
        code_again: Float[Tensor, "B D"],
    ) -> Float[Tensor, ""]:
        """What encoders and decoder minimise."""
        return (
            ADVERSARIAL * F.mse_loss(self.features(reconstruction), self.features(images).detach())
            + CONTEXTUAL * F.l1_loss(reconstruction, images)
            + ENCODER * F.mse_loss(code_again, code)
        )

    def discriminator_loss(
        self, images: Float[Tensor, "B C H W"], reconstruction: Float[Tensor, "B C H W"]
    ) -> Float[Tensor, ""]:
        """What the discriminator minimises: images are real, reconstructions (cut from their makers) are not."""
        real = self.verdict(self.features(images))[:, 0]
        fake = self.verdict(self.features(reconstruction.detach()))[:, 0]
        return (looks_real_loss(real) + looks_fake_loss(fake)) / 2


class Ganomaly(TrainedMethod):
    """Score: mean squared difference of the two codes.

    Args:
        code: numbers in a code.
        width: channels of the first level.
        steps, batch_size, learning_rate: of the training.
    """

    name = "Ganomaly"
    network: GanomalyNetworks

    def __init__(
        self, code: int = 100, width: int = 16, steps: int = 300, batch_size: int = 16, learning_rate: float = 1e-3
    ) -> None:
        self.code, self.width = code, width
        self.steps, self.batch_size, self.learning_rate = steps, batch_size, learning_rate

    def build(self, shape: Shape, seed: int) -> GanomalyNetworks:
        """All networks."""
        return GanomalyNetworks(shape, self.code, self.width)

    def phases(self, normals: Float[Tensor, "N C H W"], shown: Float[Tensor, "M C H W"], seed: int) -> Iterator[Phase]:
        """One: generator and discriminator take turns in every step."""
        net = self.network
        makers = [*net.encoder.parameters(), *net.decoder.parameters(), *net.second_encoder.parameters()]
        judges = [*net.features.parameters(), *net.verdict.parameters()]
        generator = torch.optim.Adam(makers, self.learning_rate, (0.5, 0.999))
        discriminator = torch.optim.Adam(judges, self.learning_rate, (0.5, 0.999))

        def updates(_step: int, images: Tensor) -> Iterator[Update]:
            reconstruction, code, code_again = net(images)
            yield net.generator_loss(images, reconstruction, code, code_again), [generator]
            yield net.discriminator_loss(images, reconstruction), [discriminator]

        yield Phase(self.steps, batches(shown, self.batch_size, seed), updates)

    def reconstruct(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C H W"]:
        """In 0..1."""
        return self.ask(lambda batch: self.network(batch)[0], images)

    def anomaly_map(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B 1 H W"]:
        """Absolute error of each pixel, in 0..1; of a colour image the mean over its channels."""
        return (images - self.reconstruct(images)).abs().mean(1, keepdim=True)

    def score(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B"]:
        """Mean squared difference of the two codes, >= 0."""

        def difference(batch: Tensor) -> Tensor:
            _, code, code_again = self.network(batch)
            return ((code - code_again) ** 2).mean(1)

        return self.ask(difference, images)
