"""MemAE: an auto-encoder whose codes are replaced by sparse mixtures of learned prototypes.

Paper: Gong et al., "Memorizing Normality to Detect Anomaly: Memory-augmented Deep Autoencoder for Unsupervised Anomaly
Detection", ICCV 2019 (its hard shrinkage is eq. 7).
Objective: mean (x - x')^2 + 2e-4 * entropy of the weights. Score: mean (x - x')^2.

Differs from the original: the query is the code of a whole patch, so that its memory can be compared with SQUID's
slot by slot; the cosine is multiplied by a learned scale before the softmax; encoder and decoder are SQUID's laptop
ones; the rate is higher (2e-3, not 1e-4), for minutes and not hours of training. ``positions`` = 1 is MemAE's one
memory for the whole image; ``grid``^2 is a memory for each patch.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from squidlib.autoencoder import Decoder, Encoder, flat_patches
from squidlib.baselines.base import ByReconstruction, Progress, batches, in_batches, seeded
from squidlib.config import SquidConfig
from squidlib.memory import MemoryMatrix, MemoryRead, cosine_similarity
from squidlib.shrinkage import hard_shrink

THRESHOLD = 0.0025  #: lambda of the hard shrinkage
ENTROPY = 2e-4  #: factor of the entropy term


def entropy(weights: Float[Tensor, "B R S"]) -> Float[Tensor, ""]:
    """Mean over queries of -sum w log w: small where few slots speak."""
    return -(weights * torch.log(weights + 1e-12)).sum(-1).mean()


class MemAENetwork(nn.Module):
    """Encoder -> memory matrix -> decoder, patch by patch."""

    def __init__(self, config: SquidConfig, positions: int, slots: int) -> None:
        super().__init__()
        self.config = config
        self.encoder = Encoder(config)
        channels = config.channels(config.levels)
        self.reduce = nn.Conv2d(channels, config.code_channels, 1)
        self.memory = MemoryMatrix(positions, slots, config.features)
        self.log_scale = nn.Parameter(torch.tensor(10.0).log())  # as in SQUID's laptop preset
        self.expand = nn.Conv2d(config.code_channels, channels, 1)
        self.decoder = Decoder(config)

    def query(self, images: Float[Tensor, "B 1 H W"]) -> Float[Tensor, "B R D"]:
        """The code of every patch."""
        codes = self.encoder(flat_patches(images, self.config.grid))[-1]
        return self.reduce(codes).flatten(1).unflatten(0, (-1, self.config.positions))

    def recall(self, queries: Float[Tensor, "B R D"]) -> MemoryRead:
        """What the memory says of each code."""
        return self.memory(queries, lambda w: hard_shrink(w, THRESHOLD), cosine_similarity, self.log_scale.exp())

    def forward(self, images: Float[Tensor, "B 1 H W"]) -> tuple[Tensor, Tensor]:
        """Reconstruction (B, 1, H, W) and weights (B, R, S)."""
        features, weights = self.recall(self.query(images))
        maps = features.flatten(0, 1).unflatten(1, (self.config.code_channels, *self.config.code_shape))
        return self.decoder(self.expand(maps), [])[0], weights


class MemAE(ByReconstruction):
    """Score: mean squared reconstruction error of the image.

    Args:
        config: encoder, decoder and grid; None is SQUID's laptop preset.
        positions: 1 (one memory for all patches) or grid^2 (one for each).
        slots: of each memory.
        steps, batch_size, learning_rate: of the training.
    """

    name = "MemAE"

    def __init__(
        self,
        config: SquidConfig,
        positions: int = 1,
        slots: int = 2000,
        steps: int = 400,
        batch_size: int = 16,
        learning_rate: float = 2e-3,
    ) -> None:
        self.config = config
        self.positions, self.slots = positions, slots
        self.steps, self.batch_size, self.learning_rate = steps, batch_size, learning_rate

    def fit(
        self,
        normals: Float[Tensor, "N 1 H W"],
        seed: int = 0,
        progress: Progress = range,
        augmented: Float[Tensor, "M 1 H W"] | None = None,
    ) -> MemAE:
        """Train on ``augmented`` normal images, or on the plain ones; an interruption leaves what was learned so far.

        Raises:
            ValueError: where there is no image.
        """
        self.network = seeded(seed, lambda: MemAENetwork(self.config, self.positions, self.slots)).to(normals.device)
        optimizer = torch.optim.Adam(self.network.parameters(), self.learning_rate)
        self.network.train()
        for images in batches(normals if augmented is None else augmented, self.batch_size, self.steps, seed, progress):
            reconstruction, weights = self.network(images)
            loss = F.mse_loss(reconstruction, images) + ENTROPY * entropy(weights)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        return self

    def reconstruct(self, images: Float[Tensor, "B 1 H W"]) -> Float[Tensor, "B 1 H W"]:
        """In 0..1."""
        self.network.eval()
        return in_batches(lambda batch: self.network(batch)[0], images)
