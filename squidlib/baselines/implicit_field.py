"""Implicit field: one small network says the intensity of any point of any image, told the image's code.

Paper: Naval Marimont and Tarroni, "Implicit Field Learning for Unsupervised Anomaly Detection in Medical Images",
MICCAI 2021 (IF 2D). There is no encoder: every image owns a code z that is fitted to it (an auto-decoder).
Objective, over network and codes: cross-entropy of the intensity's class k(x) at position p + 1e-4 |z|^2,
    p(k | p, z) = softmax(field(p, z)).
Score: a code is fitted to the image with the network frozen; then the mean of -log p(k(x) | p, z) over pixels.

Differs from the original, as its public code for volumes shows it: 4 layers of 128 and not 8 of 512; codes of 64
numbers, not 256; 256 positions an image and step, not 16384, and 20 steps to fit a code, not some 600; the score is
taken on a quarter of the pixels (every second row and column), since a field as wide as the authors' costs 30 GMAC for
an image of 128 px. Intensities are 16 evenly spaced classes, not 10 found by k-means. |z| is squared, and it counts in
fitting too, where the authors bound it. Positions enter as random Fourier features (Tancik et al., NeurIPS 2020), not
as sines of doubled frequencies; the code is added to every layer, not joined to two; no dropout; the map is not
smoothed.

Field: a network that says the intensity of any point of an image, told the image's code; and its objective.

Naval Marimont and Tarroni, "Implicit Field Learning for Unsupervised Anomaly Detection in Medical Images", MICCAI 2021;
positions enter as random Fourier features (Tancik et al., "Fourier Features Let Networks Learn High Frequency Functions
in Low Dimensional Domains", NeurIPS 2020).
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Generator, Tensor, nn

from squidlib.baselines.trained import Phase, Shape, TrainedMethod, Update
from squidlib.utils.errors import UserError

CHUNK = 8  #: images whose every pixel is looked up at once: more would not fit a processor's cache


class ImplicitField(TrainedMethod):
    """Score: mean negative log-likelihood of the pixels after a code was fitted to the image.

    Args:
        code: numbers in a code.
        width, layers, classes: of the network; ``classes`` intensities are told apart.
        images: so many training images, at most, get a code, for each must be met often to have it fitted.
        pixels: sampled of each image in each step, of training and of fitting.
        steps, batch_size, learning_rate: of the training.
        code_rate: learning rate of codes.
        fitting_steps: to fit a code to a new image.
    """

    name = "IF 2D"
    network: Field

    def __init__(
        self,
        code: int = 64,
        width: int = 128,
        layers: int = 4,
        classes: int = 16,
        images: int = 350,
        pixels: int = 256,
        steps: int = 1400,
        batch_size: int = 16,
        learning_rate: float = 2e-3,
        code_rate: float = 0.03,
        fitting_steps: int = 20,
    ) -> None:
        self.code, self.width, self.layers, self.classes = code, width, layers, classes
        self.images, self.pixels = images, pixels
        self.steps, self.batch_size, self.learning_rate = steps, batch_size, learning_rate
        self.code_rate, self.fitting_steps = code_rate, fitting_steps

    def build(self, shape: Shape, seed: int) -> Field:
        """The field.

        Raises:
            UserError: where images are not grey: a class is one intensity.
        """
        if shape[0] != 1:
            raise UserError(f"{self.name} reads grey images, got {shape[0]} channels; leave this method out")
        return Field(self.code, self.width, self.layers, self.classes)

    def phases(self, normals: Float[Tensor, "N C H W"], shown: Float[Tensor, "M C H W"], seed: int) -> Iterator[Phase]:
        """One; a batch is of indices, since each image has a code of its own that is learned with the field."""
        images = shown[: self.images]
        generator = Generator().manual_seed(seed)
        self.codes = nn.Embedding.from_pretrained(
            0.01 * torch.randn(len(images), self.code, generator=generator), freeze=False, sparse=True
        ).to(images.device)
        optimizers = [
            torch.optim.Adam(self.network.parameters(), self.learning_rate),
            torch.optim.SparseAdam(self.codes.parameters(), self.code_rate),
        ]
        points = positions(*images.shape[2:]).to(images.device)
        values = intensity_class(images.flatten(1), self.classes)

        def indices() -> Iterator[Tensor]:
            while True:
                yield torch.randint(len(images), (self.batch_size,), generator=generator).unique().to(images.device)

        def updates(_step: int, chosen: Tensor) -> Iterator[Update]:
            spots = torch.randint(len(points), (self.pixels,), generator=generator).to(images.device)
            now = self.codes(chosen)
            loss = negative_log_likelihood(self.network(points[spots], now), values[chosen][:, spots], now).sum()
            yield loss / len(chosen), optimizers

        yield Phase(self.steps, indices(), updates)

    def finish(self, normals: Float[Tensor, "N C H W"]) -> None:
        """Where fitting a code to a new image starts; the codes of the training are not kept."""
        self.start = self.codes.weight.detach().mean(0)
        del self.codes
        self.network.requires_grad_(False)

    def fit_codes(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B D"]:
        """A code for each image, the network frozen; an image's code does not depend on its company."""
        generator = Generator().manual_seed(0)  # the same pixels for every image
        points = positions(*images.shape[2:]).to(images.device)
        values = intensity_class(images.flatten(1), self.classes)
        codes = self.start.repeat(len(images), 1).requires_grad_()
        optimizer = torch.optim.Adam([codes], self.code_rate)
        with torch.enable_grad():
            for _ in range(self.fitting_steps):
                spots = torch.randint(len(points), (self.pixels,), generator=generator).to(images.device)
                loss = negative_log_likelihood(self.network(points[spots], codes), values[:, spots], codes).sum()
                (codes.grad,) = torch.autograd.grad(loss, codes)  # and none of the network's weights
                optimizer.step()
        return codes.detach()

    def reconstruct(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C H W"]:
        """Expected intensity of each pixel under the fitted code, in 0..1."""
        points = positions(*images.shape[2:]).to(images.device)
        intensities = torch.linspace(0, 1, self.classes, device=images.device)

        def expected(batch: Tensor) -> Tensor:
            return (self.network(points, self.fit_codes(batch)).softmax(-1) @ intensities).view_as(batch)

        return self.ask(expected, images, 32)

    def anomaly_map(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B 1 H W"]:
        """Negative log-likelihood of each pixel under the fitted code, in nats, >= 0."""
        return self.ask(lambda batch: self._surprise(batch, 1).view_as(batch), images, 32)

    def score(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B"]:
        """Mean negative log-likelihood of every second pixel of every second row, in nats, >= 0."""
        return self.ask(lambda batch: self._surprise(batch, 2).mean(1), images, 64)

    def _surprise(self, images: Float[Tensor, "B C H W"], step: int) -> Float[Tensor, "B P"]:
        points = positions(images.shape[2], images.shape[3], step).to(images.device)
        values = intensity_class(images[..., ::step, ::step].flatten(1), self.classes)
        codes, found = self.fit_codes(images), []
        for some, value in zip(codes.split(CHUNK), values.split(CHUNK), strict=True):
            logits = self.network(points, some)
            found.append(F.cross_entropy(logits.flatten(0, 1), value.flatten(), reduction="none").view_as(value))
        return torch.cat(found)


PRIOR = 1e-4  #: factor of |z|^2
DETAIL = 2.0  #: standard deviation of the Fourier features' frequencies, in cycles across an image


def intensity_class(images: Float[Tensor, "*shape"], classes: int) -> Int[Tensor, "*shape"]:
    """The nearest of ``classes`` equally spaced intensities, 0 and 1 among them."""
    return (images * (classes - 1)).round().long()


def positions(height: int, width: int, step: int = 1) -> Float[Tensor, "P 2"]:
    """Every ``step``-th pixel of every ``step``-th row, in -1..1."""
    rows, columns = (torch.linspace(-1, 1, side)[::step] for side in (height, width))
    return torch.cartesian_prod(rows, columns)


class Field(nn.Module):
    """(position, code) -> logits of intensity classes."""

    frequencies: Tensor

    def __init__(self, code: int, width: int, layers: int, classes: int) -> None:
        super().__init__()
        self.register_buffer("frequencies", torch.randn(2, width // 2) * DETAIL)
        self.layers = nn.ModuleList(nn.Linear(width, width) for _ in range(layers))
        self.shifts = nn.ModuleList(nn.Linear(code, width, bias=False) for _ in range(layers))
        self.last = nn.Linear(width, classes)

    def forward(self, points: Float[Tensor, "P 2"], codes: Float[Tensor, "B D"]) -> Float[Tensor, "B P K"]:
        """Logits of every point in every image."""
        angles = torch.pi * points @ self.frequencies
        hidden = torch.cat([angles.sin(), angles.cos()], dim=1)[None]  # the same for all images
        for layer, shift in zip(self.layers, self.shifts, strict=True):
            hidden = F.relu(layer(hidden) + shift(codes)[:, None])
        return self.last(hidden)


def negative_log_likelihood(
    logits: Float[Tensor, "B P K"], classes: Int[Tensor, "B P"], codes: Float[Tensor, "B D"]
) -> Float[Tensor, "B"]:
    """The objective of each image: mean cross-entropy of its pixels + 1e-4 |z|^2."""
    pixels = F.cross_entropy(logits.flatten(0, 1), classes.flatten(), reduction="none").view_as(classes)
    return pixels.mean(1) + PRIOR * codes.square().sum(1)
