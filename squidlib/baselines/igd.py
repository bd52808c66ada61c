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
each in its own deviations over normal images (without it both count as they are).
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Generator, Tensor, nn

from squidlib.baselines.auto_encoder import decoder, encoder
from squidlib.baselines.base import Progress, batches, in_batches, seeded
from squidlib.baselines.ssim import ms_ssim

STRUCTURE, PIXELS, CRITIC = 0.85, 0.15, 0.1  #: factors of 1 - MS-SSIM, of |x - x'| and of the critic's term
MOST_MIXED = 0.5  #: the largest share a
REAL = 0.2  #: share of the real image in what the critic must call unmixed
REFRESHES = 10  #: times that the Gaussian is measured in a training


def reconstruction_term(
    images: Float[Tensor, "B 1 H W"], reconstructions: Float[Tensor, "B 1 H W"]
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


class IGD:
    """Score: half the reconstruction's term, half the Gaussian's.

    Args:
        code: numbers in a code.
        width: channels of the first level.
        steps, batch_size, learning_rate: of the training.
    """

    name = "IGD"

    def __init__(
        self, code: int = 128, width: int = 16, steps: int = 300, batch_size: int = 16, learning_rate: float = 1e-3
    ) -> None:
        self.code, self.width = code, width
        self.steps, self.batch_size, self.learning_rate = steps, batch_size, learning_rate

    def fit(
        self,
        normals: Float[Tensor, "N 1 H W"],
        seed: int = 0,
        progress: Progress = range,
        augmented: Float[Tensor, "M 1 H W"] | None = None,
    ) -> IGD:
        """Train on ``augmented`` normal images, or on the plain ones; the Gaussian is of the plain ones.

        An interruption leaves what was learned so far.

        Raises:
            ValueError: where there is no image.
        """
        if not len(normals):
            raise ValueError("at least one normal image expected, got 0")
        size, device = normals.shape[-1], normals.device
        self.encoder = seeded(seed, lambda: encoder(size, self.code, self.width)).to(device)
        self.decoder = seeded(seed + 1, lambda: decoder(size, self.code, self.width)).to(device)
        critic: nn.Module = seeded(seed + 2, lambda: encoder(size, 1, self.width)).to(device)
        makers = [*self.encoder.parameters(), *self.decoder.parameters()]
        own = torch.optim.Adam(makers, self.learning_rate, (0.5, 0.999))
        judging = torch.optim.Adam(critic.parameters(), self.learning_rate, (0.5, 0.999))
        generator = Generator().manual_seed(seed)
        self.units = torch.tensor([[0.0, 1.0], [0.0, 1.0]], device=device)  # of r and g: mean, deviation
        try:
            for step, images in enumerate(
                batches(normals if augmented is None else augmented, self.batch_size, self.steps, seed, progress)
            ):
                self._train(True)
                if step % max(1, self.steps // REFRESHES) == 0:
                    self.centre, self.spread = self.gaussian(normals[: 8 * self.batch_size])
                codes = self.encoder(images)
                shares = MOST_MIXED * torch.rand(len(images), generator=generator).to(device)
                reconstructions, mixture = self.decoder(codes), self.decoder(mixed(codes, shares))
                loss = (
                    reconstruction_term(images, reconstructions)
                    + gaussian_term(codes, self.centre, self.spread)
                    + CRITIC * critic(mixture)[:, 0].square()
                ).mean()
                own.zero_grad()
                loss.backward()
                own.step()
                guess = critic(mixture.detach())[:, 0]
                unmixed = critic((reconstructions + REAL * (images - reconstructions)).detach())[:, 0]
                loss = ((guess - shares).square() + unmixed.square()).mean()
                judging.zero_grad()
                loss.backward()
                judging.step()
        finally:  # also where the stop button ends the training here
            self._train(False)
            self.centre, self.spread = self.gaussian(normals)
        return self

    def gaussian(self, normals: Float[Tensor, "N 1 H W"]) -> tuple[Float[Tensor, "D"], Float[Tensor, ""]]:
        """c and s of some normal images, the batch norm being in the mode that it is in."""
        codes = in_batches(self.encoder, normals)
        centre = codes.mean(0)
        return centre, (codes - centre).square().sum(1).mean().clamp(min=1e-6)

    def _train(self, training: bool) -> None:
        for network in (self.encoder, self.decoder):
            network.train(training)

    def terms(self, images: Float[Tensor, "B 1 H W"]) -> Float[Tensor, "B 2"]:
        """r and g of each image."""

        def both(batch: Tensor) -> Tensor:
            codes = self.encoder(batch)
            latent = gaussian_term(codes, self.centre, self.spread)
            return torch.stack([reconstruction_term(batch, self.decoder(codes)), latent], dim=1)

        return in_batches(both, images)

    def calibrate(self, normals: Float[Tensor, "N 1 H W"]) -> IGD:
        """Take the mean and deviation of r and g from held-out normal images."""
        terms = self.terms(normals)
        self.units = torch.stack([terms.mean(0), terms.std(0).clamp(min=1e-6)], dim=1)
        return self

    def score(self, images: Float[Tensor, "B 1 H W"]) -> Float[Tensor, "B"]:
        """Half r, half g; after ``calibrate`` in deviations from normal."""
        mean, deviation = self.units.unbind(1)
        return ((self.terms(images) - mean) / deviation).mean(1)

    def reconstruct(self, images: Float[Tensor, "B 1 H W"]) -> Float[Tensor, "B 1 H W"]:
        """In 0..1."""
        return in_batches(lambda batch: self.decoder(self.encoder(batch)), images)

    def anomaly_map(self, images: Float[Tensor, "B 1 H W"]) -> Float[Tensor, "B 1 H W"]:
        """Absolute error of each pixel, in 0..1."""
        return (images - self.reconstruct(images)).abs()
