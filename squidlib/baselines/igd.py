"""IGD: an auto-encoder whose codes of normals lie in one Gaussian, smoothed by a critic of interpolated images.

Paper: Chen et al., "Deep One-Class Classification via Interpolated Gaussian Descriptor", AAAI 2022; the critic is that
of Berthelot et al., "Understanding and Improving Interpolation in Autoencoders via an Adversarial Regularizer",
ICLR 2019.
Auto-encoder: r + g + .1 * mean d(x_a)^2, where
    r = .85 (1 - MS-SSIM(x, x')) + .15 mean |x - x'|,    g = 1 - exp(-|z - c|^2 / s),
    x_a = decode(a z + (1 - a) z'), z' the code of another image, a in 0..1/2;
critic d: mean (d(x_a) - a)^2 + mean d(x' + .2 (x - x'))^2: it tells how much of a mixture an image is.
c is the mean of normal codes and s their mean |z - c|^2, both refreshed from time to time.
Score: half r, half g.

Differs from the original: the encoder is trained from random weights, where the authors' is a frozen pretrained network
(ResNet-18 for whole images) and a linear layer; whole images alone, where they add a second model of overlapping crops
of 32 px; narrower convolutions and a higher rate (1e-3, not 1e-4 that falls), for minutes and not hours of training,
and .5, not 0, as Adam's first beta; c and s are refreshed ten times in a training, not every ten of 256 epochs, and are
taken as they are (theirs: no number of c nearer to 0 than .1, s at least 1); ``calibrate`` lets r and g count alike,
each in its own standard deviations over normal images (without it both count as they are).
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from jaxtyping import Float
from torch import Generator, Tensor, nn

from squidlib.baselines.auto_encoder import decoder, encoder
from squidlib.baselines.base import LEAST_STD, batches, in_batches, seeded
from squidlib.baselines.ssim import ms_ssim
from squidlib.baselines.trained import Phase, Shape, TrainedMethod, Update

STRUCTURE, PIXELS, CRITIC = 0.85, 0.15, 0.1  #: factors of 1 - MS-SSIM, of |x - x'| and of the critic's term
MOST_MIXED = 0.5  #: the largest share a
REAL = 0.2  #: share of the real image in what the critic must call unmixed
REFRESHES = 10  #: times that the Gaussian is measured in a training


def reconstruction_term(
    images: Float[Tensor, "B C H W"], reconstructions: Float[Tensor, "B C H W"]
) -> Float[Tensor, "B"]:
    """r: 0 for equal images."""
    pixels = (images - reconstructions).abs().mean(dim=(1, 2, 3))
    return STRUCTURE * (1 - ms_ssim(images, reconstructions)) + PIXELS * pixels


def gaussian_term(
    codes: Float[Tensor, "B D"], centre: Float[Tensor, "D"], spread: Float[Tensor, ""]
) -> Float[Tensor, "B"]:
    """g: 0 at the centre, towards 1 far from it."""
    return 1 - torch.exp(-(codes - centre).square().sum(1) / spread)


def mixed(codes: Float[Tensor, "B D"], shares: Float[Tensor, "B"]) -> Float[Tensor, "B D"]:
    """Every code with its share of it, the rest from the batch in reversed order."""
    return shares[:, None] * codes + (1 - shares[:, None]) * codes.flip(0)


class IGDNetwork(nn.Module):
    """What is kept of the training: encoder and decoder, each with weights of its own seed."""

    def __init__(self, shape: Shape, code: int, width: int, seed: int) -> None:
        super().__init__()
        self.encoder = seeded(seed, lambda: encoder(shape, code, width))
        self.decoder = seeded(seed + 1, lambda: decoder(shape, code, width))


class IGD(TrainedMethod):
    """Score: half the reconstruction's term, half the Gaussian's.

    Args:
        code: numbers in a code.
        width: channels of the first level.
        steps, batch_size, learning_rate: of the training.
    """

    name = "IGD"
    network: IGDNetwork

    def __init__(
        self, code: int = 128, width: int = 16, steps: int = 300, batch_size: int = 16, learning_rate: float = 1e-3
    ) -> None:
        self.code, self.width = code, width
        self.steps, self.batch_size, self.learning_rate = steps, batch_size, learning_rate

    def build(self, shape: Shape, seed: int) -> IGDNetwork:
        """Encoder and decoder."""
        return IGDNetwork(shape, self.code, self.width, seed)

    def phases(self, normals: Float[Tensor, "N C H W"], shown: Float[Tensor, "M C H W"], seed: int) -> Iterator[Phase]:
        """One: auto-encoder and critic take turns in every step; the critic is not kept."""
        shape = (shown.shape[1], shown.shape[2], shown.shape[3])
        critic: nn.Module = seeded(seed + 2, lambda: encoder(shape, 1, self.width)).to(shown.device)
        makers = [*self.network.encoder.parameters(), *self.network.decoder.parameters()]
        own = torch.optim.Adam(makers, self.learning_rate, (0.5, 0.999))
        judging = torch.optim.Adam(critic.parameters(), self.learning_rate, (0.5, 0.999))
        generator = Generator().manual_seed(seed)

        def updates(step: int, images: Tensor) -> Iterator[Update]:
            if step % max(1, self.steps // REFRESHES) == 0:
                self.centre, self.spread = self.gaussian(normals[: 8 * self.batch_size])
            codes = self.network.encoder(images)
            shares = MOST_MIXED * torch.rand(len(images), generator=generator).to(images.device)
            reconstructions, mixture = self.network.decoder(codes), self.network.decoder(mixed(codes, shares))
            terms = reconstruction_term(images, reconstructions) + gaussian_term(codes, self.centre, self.spread)
            yield (terms + CRITIC * critic(mixture)[:, 0].square()).mean(), [own]
            guess = critic(mixture.detach())[:, 0]
            unmixed = critic((reconstructions + REAL * (images - reconstructions)).detach())[:, 0]
            yield ((guess - shares).square() + unmixed.square()).mean(), [judging]

        yield Phase(self.steps, batches(shown, self.batch_size, seed), updates)

    def finish(self, normals: Float[Tensor, "N C H W"]) -> None:
        """The Gaussian of the plain images; both terms count as they are."""
        self.centre, self.spread = self.gaussian(normals)
        self.units = torch.tensor([[0.0, 1.0], [0.0, 1.0]], device=normals.device)  # means, stds of r, g

    def gaussian(self, normals: Float[Tensor, "N C H W"]) -> tuple[Float[Tensor, "D"], Float[Tensor, ""]]:
        """c and s of some normal images, the batch norm being in the mode that it is in."""
        codes = in_batches(self.network.encoder, normals)
        centre = codes.mean(0)
        return centre, (codes - centre).square().sum(1).mean().clamp(min=1e-6)

    def terms(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B 2"]:
        """r and g of each image."""

        def both(batch: Tensor) -> Tensor:
            codes = self.network.encoder(batch)
            latent = gaussian_term(codes, self.centre, self.spread)
            return torch.stack([reconstruction_term(batch, self.network.decoder(codes)), latent], dim=1)

        return self.ask(both, images)

    def calibrate(self, normals: Float[Tensor, "N C H W"]) -> IGD:
        """Take the mean and standard deviation of r and g from held-out normal images."""
        terms = self.terms(normals)
        self.units = torch.stack([terms.mean(0), terms.std(0).clamp(min=LEAST_STD)], dim=1)
        return self

    def score(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B"]:
        """Half r, half g; after ``calibrate`` in standard deviations of normal images."""
        mean, std = self.units.unbind(1)
        return ((self.terms(images) - mean) / std).mean(1)

    def reconstruct(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C H W"]:
        """In 0..1."""
        return self.ask(lambda batch: self.network.decoder(self.network.encoder(batch)), images)

    def anomaly_map(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B 1 H W"]:
        """Absolute error of each pixel, in 0..1; of a colour image the mean over its channels."""
        return (images - self.reconstruct(images)).abs().mean(1, keepdim=True)
