"""VAE: the code of an image is a Gaussian, pulled towards N(0, I); what does not fit it should be reconstructed badly.

Paper: Kingma and Welling, "Auto-Encoding Variational Bayes", ICLR 2014, eq. 3 and appendix B; the weight of the second
term is Higgins et al.'s beta (ICLR 2017). As a detector of disease: Baur et al., MedIA 2021.
Objective: |x - x'|^2 + beta * KL(N(m, s^2) || N(0, I)), x' decoded from m + s * noise;
KL = -1/2 sum(1 + log s^2 - m^2 - s^2). Both terms are sums, over an image's pixels and over its code, and are divided
by the number of pixels. Score: the same with x' decoded from m.

Differs from the papers: narrow convolutions; pixels are Gaussian of fixed variance beta / 2 and not Bernoulli, so that
the objective is the negative ELBO times beta, up to a constant; the score reads the mean code and draws nothing, so
that an image always gets the same one.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Generator, Tensor, nn

from squidlib.baselines.auto_encoder import decoder, encoder
from squidlib.baselines.base import ByReconstruction
from squidlib.baselines.trained import Shape, SingleLoss


def divergence(mean: Float[Tensor, "B D"], log_variance: Float[Tensor, "B D"]) -> Float[Tensor, "B"]:
    """KL(N(mean, variance) || N(0, I)), >= 0."""
    return -0.5 * (1 + log_variance - mean**2 - log_variance.exp()).sum(1)


def reparametrised(
    mean: Float[Tensor, "B D"], log_variance: Float[Tensor, "B D"], noise: Float[Tensor, "B D"]
) -> Float[Tensor, "B D"]:
    """A draw of N(mean, variance) through which gradients reach both: noise is of N(0, I)."""
    return mean + (0.5 * log_variance).exp() * noise


def negative_elbo(
    images: Float[Tensor, "B C H W"],
    reconstruction: Float[Tensor, "B C H W"],
    mean: Float[Tensor, "B D"],
    log_variance: Float[Tensor, "B D"],
    beta: float,
) -> Float[Tensor, "B"]:
    """(|x - x'|^2 + beta * KL) / pixels."""
    error = ((images - reconstruction) ** 2).sum(dim=(1, 2, 3))
    return (error + beta * divergence(mean, log_variance)) / images[0].numel()


class VAENetwork(nn.Module):
    """The encoder gives the Gaussian, the decoder an image."""

    def __init__(self, shape: Shape, code: int, width: int) -> None:
        super().__init__()
        self.encoder = encoder(shape, 2 * code, width)
        self.decoder = decoder(shape, code, width)

    def gaussian(self, images: Float[Tensor, "B C H W"]) -> tuple[Tensor, Tensor]:
        """Mean and log variance, (B, code) each."""
        mean, log_variance = self.encoder(images).chunk(2, dim=1)
        return mean, log_variance


class VAE(ByReconstruction, SingleLoss):
    """Score: negative ELBO at the mean code.

    Args:
        code: numbers that an image is squeezed into.
        width: channels of the first level.
        beta: weight of the KL term; twice the variance of a pixel about its reconstruction.
        steps, batch_size, learning_rate: of the training.
    """

    name = "VAE"
    network: VAENetwork

    def __init__(
        self,
        code: int = 16,
        width: int = 16,
        beta: float = 0.05,
        steps: int = 320,
        batch_size: int = 32,
        learning_rate: float = 1e-3,
    ) -> None:
        self.code, self.width, self.beta = code, width, beta
        self.steps, self.batch_size, self.learning_rate = steps, batch_size, learning_rate

    def build(self, shape: Shape, seed: int) -> VAENetwork:
        """Encoder to a Gaussian, decoder from a draw of it."""
        return VAENetwork(shape, self.code, self.width)

    def loss(self, images: Float[Tensor, "B C H W"], generator: Generator) -> Float[Tensor, ""]:
        """Negative ELBO of one draw an image."""
        mean, log_variance = self.network.gaussian(images)
        noise = torch.randn(mean.shape, generator=generator).to(mean.device)
        reconstruction = self.network.decoder(reparametrised(mean, log_variance, noise))
        return negative_elbo(images, reconstruction, mean, log_variance, self.beta).mean()

    def reconstruct(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C H W"]:
        """Decoded from the mean code, in 0..1."""
        return self.ask(lambda batch: self.network.decoder(self.network.gaussian(batch)[0]), images)

    def score(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B"]:
        """Negative ELBO a pixel, >= 0."""

        def elbo(batch: Tensor) -> Tensor:
            mean, log_variance = self.network.gaussian(batch)
            return negative_elbo(batch, self.network.decoder(mean), mean, log_variance, self.beta)

        return self.ask(elbo, images)
