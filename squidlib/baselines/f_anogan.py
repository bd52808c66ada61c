"""f-AnoGAN: a generator learns to draw normal images, then an encoder learns to find any image's code in it.

Papers: Schlegl et al., "f-AnoGAN: Fast unsupervised anomaly detection with generative adversarial networks", MedIA 2019
(its "izi_f" encoder); Gulrajani et al., "Improved Training of Wasserstein GANs", NeurIPS 2017.
First the critic D minimises D(G(z)) - D(x) + 10 (|grad D(x~)| - 1)^2, x~ between x and G(z), and after each five of its
steps the generator G minimises -D(G(z)), z of N(0, I). Then both are frozen and an encoder E minimises
|x - G(E(x))|^2 + kappa |f(x) - f(G(E(x)))|^2, f the critic's features before its last layer, both terms means. This
loss is the score, too.

Differs from the original: plain strided convolutions, narrow ones, without residual blocks; the critic has no
normalisation at all (the authors' has LayerNorm; BatchNorm would make the penalty one of the batch, not of an image);
codes of 100 numbers, not 128, and not bounded (the authors' encoder ends in a tanh); Adam for the encoder, not RMSprop;
a higher rate (2e-3, not 1e-4 and, for the encoder, 5e-5), for a minute and not hours of training.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Generator, Tensor, nn

from digitanatomy import seeded_generator
from squidlib.baselines.auto_encoder import LEVELS, decoder, encoder
from squidlib.baselines.base import ByReconstruction, batches
from squidlib.baselines.trained import Phase, Shape, TrainedMethod, Update

PENALTY, KAPPA = 10.0, 1.0  #: weights of the gradient penalty and of the features' residual
CRITIC_STEPS = 5  #: of the critic, for one of the generator
ENCODER_SHARE = 0.25  #: of all steps


def gradient_penalty(
    critic: Callable[[Tensor], Tensor],
    real: Float[Tensor, "B C H W"],
    fake: Float[Tensor, "B C H W"],
    shares: Float[Tensor, "B 1 1 1"],
) -> Float[Tensor, ""]:
    """Mean of (|gradient of the critic| - 1)^2 at real + share * (fake - real); differentiable."""
    between = (real + shares * (fake - real)).detach().requires_grad_()
    (gradient,) = torch.autograd.grad(critic(between).sum(), between, create_graph=True)
    return ((torch.linalg.vector_norm(gradient.flatten(1), dim=1) - 1) ** 2).mean()


class FAnoGANNetworks(nn.Module):
    """Generator, critic (features, then one number) and encoder."""

    def __init__(self, shape: Shape, code: int, width: int) -> None:
        super().__init__()
        self.code = code
        self.generator = decoder(shape, code, width)
        self.encoder = encoder(shape, code, width)
        widths = [shape[0], *(width * 2**level for level in range(LEVELS))]
        layers: list[nn.Module] = []
        for inputs, outputs in pairwise(widths):
            layers += [nn.Conv2d(inputs, outputs, 4, 2, 1), nn.LeakyReLU(0.2)]
        self.features = nn.Sequential(*layers, nn.Flatten())
        self.verdict = nn.Linear(widths[-1] * (shape[1] // 2**LEVELS) * (shape[2] // 2**LEVELS), 1)

    def critic(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B"]:
        """Higher = more like a real image."""
        return self.verdict(self.features(images))[:, 0]

    def draw(self, count: int, generator: Generator) -> Float[Tensor, "B C H W"]:
        """``count`` images out of nothing."""
        codes = torch.randn(count, self.code, generator=generator)
        return self.generator(codes.to(self.verdict.weight.device))

    def residual(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B"]:
        """The encoder's loss, image by image."""
        found = self.generator(self.encoder(images))
        pixels = ((images - found) ** 2).mean(dim=(1, 2, 3))
        return pixels + KAPPA * ((self.features(images) - self.features(found)) ** 2).mean(1)


class FAnoGAN(ByReconstruction, TrainedMethod):
    """Score: residual of the pixels and of the critic's features.

    Args:
        code: numbers in a code.
        width: channels of the first level.
        steps: of the critic and, the last quarter, of the encoder.
        batch_size, learning_rate: of both trainings.
    """

    name = "f-AnoGAN"
    network: FAnoGANNetworks

    def __init__(
        self, code: int = 100, width: int = 16, steps: int = 350, batch_size: int = 16, learning_rate: float = 2e-3
    ) -> None:
        self.code, self.width = code, width
        self.steps, self.batch_size, self.learning_rate = steps, batch_size, learning_rate

    def build(self, shape: Shape, seed: int) -> FAnoGANNetworks:
        """Generator, critic and encoder."""
        return FAnoGANNetworks(shape, self.code, self.width)

    def phases(self, normals: Float[Tensor, "N C H W"], shown: Float[Tensor, "M C H W"], seed: int) -> Iterator[Phase]:
        """Two: the GAN, then the encoder; each may be interrupted."""
        encoder_steps = int(ENCODER_SHARE * self.steps)
        draws = batches(shown, self.batch_size, seed)
        yield Phase(self.steps - encoder_steps, draws, self._gan(seeded_generator(seed, 1)))
        self.network.generator.eval()  # frozen: neither weights nor running means change
        optimizer = torch.optim.Adam(self.network.encoder.parameters(), self.learning_rate)
        draws = batches(shown, self.batch_size, seed + 1)
        yield Phase(encoder_steps, draws, lambda _step, images: [(self.network.residual(images).mean(), [optimizer])])

    def _gan(self, random: Generator) -> Callable[[int, Tensor], Iterator[Update]]:
        """The critic in every step, the generator in every fifth."""
        net = self.network
        judges = [*net.features.parameters(), *net.verdict.parameters()]
        critic = torch.optim.Adam(judges, self.learning_rate, (0.0, 0.9))
        generator = torch.optim.Adam(net.generator.parameters(), self.learning_rate, (0.0, 0.9))

        def updates(step: int, images: Tensor) -> Iterator[Update]:
            with torch.no_grad():
                fakes = net.draw(len(images), random)
            shares = torch.rand(len(images), 1, 1, 1, generator=random).to(images.device)
            loss = (net.critic(fakes) - net.critic(images)).mean()
            yield loss + PENALTY * gradient_penalty(net.critic, images, fakes, shares), [critic]
            if step % CRITIC_STEPS == CRITIC_STEPS - 1:
                yield -net.critic(net.draw(len(images), random)).mean(), [generator]

        return updates

    def reconstruct(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C H W"]:
        """G(E(x)), in 0..1."""
        return self.ask(lambda batch: self.network.generator(self.network.encoder(batch)), images)

    def score(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B"]:
        """The encoder's loss, >= 0."""
        return self.ask(self.network.residual, images)
