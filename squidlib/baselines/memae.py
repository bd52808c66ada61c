"""MemAE: an auto-encoder whose codes are replaced by sparse mixtures of learned prototypes.

Paper: Gong et al., "Memorizing Normality to Detect Anomaly: Memory-augmented Deep Autoencoder for Unsupervised Anomaly
Detection", ICCV 2019 (its hard shrinkage is eq. 7).
Objective: mean (x - x')^2 + 2e-4 * entropy of the weights. Score: mean (x - x')^2.

Differs from the original: the query is the code of a whole patch, so that its memory can be compared with SQUID's
slot by slot; the cosine is multiplied by a learned scale before the softmax; encoder and decoder are SQUID's laptop
ones; the rate is higher (2e-3, not 1e-4), for minutes and not hours of training. ``positions`` = 1 is MemAE's one
memory for the whole image; ``grid`` ^ 2 is a memory for each patch.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Generator, Tensor, nn

from squidlib.autoencoder import Decoder, Encoder, flat_patches
from squidlib.baselines.base import ByReconstruction
from squidlib.baselines.trained import Shape, SingleLoss
from squidlib.config import SquidConfig
from squidlib.memory import MemoryMatrix, MemoryRead, cosine_similarity
from squidlib.shrinkage import hard_shrink
from squidlib.utils.errors import UserError

THRESHOLD = 0.0025  #: lambda of the hard shrinkage, for hundreds of slots
ENTROPY = 2e-4  #: factor of the entropy term


def entropy(weights: Float[Tensor, "B R S"]) -> Float[Tensor, ""]:
    """Mean over queries of -sum w log w: small where few slots contribute."""
    return -(weights * torch.log(weights + 1e-12)).sum(-1).mean()


class MemAENetwork(nn.Module):
    """Encoder -> memory matrix -> decoder, patch by patch."""

    def __init__(self, config: SquidConfig, positions: int, slots: int, threshold: float = THRESHOLD) -> None:
        super().__init__()
        self.config, self.threshold = config, threshold
        self.encoder = Encoder(config)
        channels = config.channels(config.levels)
        self.reduce = nn.Conv2d(channels, config.code_channels, 1)
        self.memory = MemoryMatrix(positions, slots, config.features)
        self.log_scale = nn.Parameter(torch.tensor(10.0).log())  # as in SQUID's laptop preset
        self.expand = nn.Conv2d(config.code_channels, channels, 1)
        self.decoder = Decoder(config)

    def query(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B R D"]:
        """The code of every patch."""
        codes = self.encoder(flat_patches(images, self.config.grid))[-1]
        return self.reduce(codes).flatten(1).unflatten(0, (-1, self.config.positions))

    def recall(self, queries: Float[Tensor, "B R D"]) -> MemoryRead:
        """What the memory says of each code."""
        return self.memory(queries, lambda w: hard_shrink(w, self.threshold), cosine_similarity, self.log_scale.exp())

    def forward(self, images: Float[Tensor, "B C H W"]) -> tuple[Tensor, Tensor]:
        """Reconstruction (B, 1, H, W) and weights (B, R, S)."""
        features, weights = self.recall(self.query(images))
        maps = features.flatten(0, 1).unflatten(1, (self.config.code_channels, *self.config.code_shape))
        return self.decoder(self.expand(maps), [])[0], weights


class MemAE(ByReconstruction, SingleLoss):
    """Score: mean squared reconstruction error of the image.

    Args:
        config: encoder, decoder and grid; None is SQUID's laptop preset.
        positions: 1 (one memory for all patches) or grid^2 (one for each).
        slots: of each memory.
        threshold: lambda of the hard shrinkage; its authors advise 1 to 3 times 1 / slots.
        steps, batch_size, learning_rate: of the training.
    """

    name = "MemAE"
    network: MemAENetwork

    def __init__(
        self,
        config: SquidConfig,
        positions: int = 1,
        slots: int = 2000,
        threshold: float = THRESHOLD,
        steps: int = 400,
        batch_size: int = 16,
        learning_rate: float = 2e-3,
    ) -> None:
        self.config = config
        self.positions, self.slots, self.threshold = positions, slots, threshold
        self.steps, self.batch_size, self.learning_rate = steps, batch_size, learning_rate

    def build(self, shape: Shape, seed: int) -> MemAENetwork:
        """Encoder, memory and decoder, for images of the configuration's shape.

        Raises:
            UserError: where the images have another one.
        """
        if shape != self.config.image_shape:
            raise UserError(
                f"images of {self.config.image_shape} (channels, height, width) expected, as the configuration says, "
                f"got {shape}; take a SquidConfig of that size"
            )
        return MemAENetwork(self.config, self.positions, self.slots, self.threshold)

    def loss(self, images: Float[Tensor, "B C H W"], generator: Generator) -> Float[Tensor, ""]:
        """Squared error, and the entropy of the weights."""
        reconstruction, weights = self.network(images)
        return F.mse_loss(reconstruction, images) + ENTROPY * entropy(weights)

    def reconstruct(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C H W"]:
        """In 0..1."""
        return self.ask(lambda batch: self.network(batch)[0], images)
