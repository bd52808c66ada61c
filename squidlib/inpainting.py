"""In-painting block: what a patch should look like, told by its position's memory and by its neighbours.

Paper: section 3.3, "Feature-level In-painting", figure 3.
Authors' file: models/inpaint.py.

Differs from the original: reading has no loop over positions and pushing is not hidden in the forward pass (the
training loop pushes, where one sees it); the similarity may be a cosine with a learned temperature.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Generator, Tensor, nn

from squidlib.config import SquidConfig
from squidlib.memory import MemoryQueue, MemoryRead, Shrink, cosine_similarity, dot_similarity, read_memory
from squidlib.patches import neighbours
from squidlib.shortcut import masked_shortcut
from squidlib.shrinkage import topk_shrink


class Inpainted(NamedTuple):
    """What the block returns.

    codes: (B*R, C, h, w), for the student's decoder.
    queries: (B, R, D), the patches' own features, which the training loop pushes into the memory.
    recalled: (B, R, D), what the memory gave for them.
    weights: (B, R, S) over the slots, after shrinkage.
    """

    codes: Tensor
    queries: Tensor
    recalled: Tensor
    weights: Tensor


class InpaintingBlock(nn.Module):
    """1x1 conv -> memory -> transformer over the neighbours -> position -> 1x1 conv -> masked shortcut."""

    position_bits: Tensor

    def __init__(self, config: SquidConfig) -> None:
        super().__init__()
        self.config = config
        channels, length = config.channels(config.levels), config.features
        self.reduce: nn.Module = nn.Identity()  # a frozen network's features are remembered as they are
        if not config.backbone:
            conv = nn.Conv2d(channels, config.code_channels, 1, bias=False)
            self.reduce = nn.Sequential(conv, nn.BatchNorm2d(config.code_channels), nn.ReLU())
        self.memory = MemoryQueue(config.positions, config.slots, length)
        # Cosines lie in -1..1: without a factor a softmax over hundreds of slots would be nearly flat.
        self.log_scale = nn.Parameter(torch.tensor(math.log(10.0))) if config.cosine_memory else None
        self.attention = nn.MultiheadAttention(length, config.heads, batch_first=True)
        self.attention_norm = nn.LayerNorm(length)
        self.feed_forward = nn.Sequential(nn.Linear(length, length // 4), nn.ReLU(), nn.Linear(length // 4, length))
        self.feed_forward_norm = nn.LayerNorm(length)
        bits = int(math.log2(config.positions)) + 1
        self.expand = nn.Sequential(
            nn.Conv2d(config.code_channels + bits, channels, 1), nn.BatchNorm2d(channels), nn.ReLU()
        )
        self.register_buffer("position_bits", binary_positions(config.positions, bits), persistent=False)

    def query(self, codes: Float[Tensor, "N C h w"]) -> Float[Tensor, "B R D"]:
        """The memory features of patches: 1x1 conv, then each patch as one vector."""
        return self.reduce(codes).flatten(1).unflatten(0, (-1, self.config.positions))

    def recall(self, queries: Float[Tensor, "B R D"]) -> tuple[Tensor, Tensor]:
        """Read the memory: features (B, R, D), weights (B, R, S)."""
        if self.log_scale is None:
            return self.memory(queries, self.shrink, dot_similarity)
        return self.memory(queries, self.shrink, cosine_similarity, self.log_scale.exp())

    def shrink(self, weights: Float[Tensor, "B R S"]) -> Float[Tensor, "B R S"]:
        """Keep the k strongest slots, or all where the memory holds fewer."""
        return topk_shrink(weights, min(self.config.topk, weights.shape[-1]))

    def read(self, queries: Float[Tensor, "B R D"], slots: Float[Tensor, "R S D"], shrink: Shrink) -> MemoryRead:
        """As ``recall``, of any slots and by any shrinkage: for looking at what they do, changes nothing."""
        if self.log_scale is None:
            return read_memory(queries, slots, shrink, dot_similarity)
        return read_memory(queries, slots, shrink, cosine_similarity, self.log_scale.exp())

    def inpaint(self, queries: Float[Tensor, "B R D"], recalled: Float[Tensor, "B R D"]) -> Float[Tensor, "B R D"]:
        """Ask the eight neighbours' recalled features, add the answer to the centre's recalled feature."""
        return self.add(recalled, self.ask(queries, recalled)[0])

    def ask(
        self, queries: Float[Tensor, "B R D"], told: Float[Tensor, "B R D"], weighed: bool = False
    ) -> tuple[Tensor, Tensor | None]:
        """What the eight neighbours answer (B*R, D), and with ``weighed`` how much each counts (B*R, 8), mean of heads.

        It is ``attention(own, around, around)``, own the query of each patch, around what its neighbours are told; but
        keys and values are computed once for each patch, and not once for each of the eight that ask it.

        Args:
            told: the features that are asked for, of every position.
        """
        asking, key, value = self.attention.in_proj_weight.chunk(3)
        biases = self.attention.in_proj_bias.chunk(3)
        heads = (self.config.heads, -1)
        own = F.linear(queries, asking, biases[0]).flatten(0, 1)[:, None].unflatten(-1, heads).transpose(1, 2)
        keys, values = (
            (neighbours(F.linear(told, weight), self.config.grid) + bias)
            .flatten(0, 1).unflatten(-1, heads).transpose(1, 2)  # (B*R, heads, 8, d)
            for weight, bias in zip((key, value), biases[1:], strict=True)  # where the grid ends: the bias alone
        )  # fmt: skip
        shares = None
        if weighed:
            shares = torch.softmax(own @ keys.mT / math.sqrt(own.shape[-1]), dim=-1)[:, :, 0].mean(1)
        answer = F.scaled_dot_product_attention(own, keys, values)
        return self.attention.out_proj(answer.flatten(1)), shares

    def add(self, recalled: Float[Tensor, "B R D"], answer: Float[Tensor, "N D"]) -> Float[Tensor, "B R D"]:
        """The neighbours' answer added to the centre's recalled feature, and the layer behind it."""
        x = F.relu(self.attention_norm(answer) + recalled.flatten(0, 1))
        x = F.relu(self.feed_forward_norm(self.feed_forward(x)) + x)
        return x.unflatten(0, recalled.shape[:2])

    def rebuild(
        self, codes: Float[Tensor, "N C h w"], features: Float[Tensor, "B R D"], generator: Generator | None = None
    ) -> Float[Tensor, "N C h w"]:
        """In-painted features -> codes for the decoder: position beside them, 1x1 conv, masked shortcut."""
        # shape[0] and not len: an exported graph is to take any number of images, and len is a plain number
        height, width = self.config.code_shape
        bits = self.position_bits.repeat(features.shape[0], 1)[:, :, None, None].expand(-1, -1, height, width)
        maps = features.reshape(codes.shape[0], self.config.code_channels, height, width)
        out = self.expand(torch.cat([maps, bits.to(maps.dtype)], dim=1))
        return masked_shortcut(out, codes, self.config.mask_probability, self.training, generator)

    def forward(self, codes: Float[Tensor, "N C h w"], generator: Generator | None = None) -> Inpainted:
        queries = self.query(codes)
        recalled, weights = self.recall(queries)
        out = self.rebuild(codes, self.inpaint(queries, recalled), generator)
        return Inpainted(out, queries, recalled, weights)


def binary_positions(positions: int, bits: int) -> Float[Tensor, "R bits"]:
    """Patch positions 0..R-1 in binary, most significant bit first."""
    # plain numbers: where only shapes are asked for (torch's device "meta"), shifting tensors would load its compiler
    numbers = [[position >> bit & 1 for bit in reversed(range(bits))] for position in range(positions)]
    return torch.tensor(numbers, dtype=torch.float32)
