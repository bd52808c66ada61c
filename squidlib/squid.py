"""SQUID: encoder -> in-painting block -> student decoder, with a teacher decoder beside it while training.

Paper: Xiang et al., "SQUID: Deep Feature In-Painting for Unsupervised Anomaly Detection", CVPR 2023, figure 2.
Authors' file: models/squid.py (``AE``).

Differs from the original: no skip is computed that no decoder uses; results are a NamedTuple; the memory is pushed by
the training loop and not inside the forward pass.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from jaxtyping import Float
from torch import Generator, Tensor, nn

from squidlib.autoencoder import Decoder, Encoder, flat_patches
from squidlib.config import SquidConfig
from squidlib.context import ContextPrediction, all_others
from squidlib.frozen_encoder import FrozenEncoder
from squidlib.inpainting import InpaintingBlock
from squidlib.skip_memory import skip_memories
from squidlib.utils.modes import evaluating


class SquidOutput(NamedTuple):
    """Everything one forward pass gives.

    reconstruction: (B, C, H, W) in 0..1, the student's.
    teacher: (B, C, H, W) in 0..1, or None in evaluation mode.
    queries: (B, R, D), the patches' memory features. Push these.
    recalled: (B, R, D), what the memory gave for them.
    weights: (B, R, S) over the slots, after shrinkage.
    student_features, teacher_features: decoder levels, deepest first, to be matched.
    """

    reconstruction: Tensor
    teacher: Tensor | None
    queries: Tensor
    recalled: Tensor
    weights: Tensor
    student_features: list[Tensor]
    teacher_features: list[Tensor]


class Squid(nn.Module):
    """The generator. Its numbers are a ``SquidConfig``; the discriminator is a module of its own.

    Args:
        config: the network's numbers.
        block: builds the in-painting block; an ablation builds another one with the same methods.
    """

    def __init__(self, config: SquidConfig, block: Callable[[SquidConfig], InpaintingBlock] = InpaintingBlock) -> None:
        super().__init__()
        self.config = config
        self.encoder = FrozenEncoder(config) if config.backbone else Encoder(config)
        self.inpainting = block(config)
        self.student = Decoder(config, skip_memories(config))
        self.teacher = Decoder(config)
        # learned when all else has been, by ``squidlib.training.context``; nothing here asks it
        self.context = ContextPrediction(config.features, all_others(config.positions)) if config.context else None

    def encode(self, images: Float[Tensor, "B C H W"]) -> list[Tensor]:
        """Cut into patches and encode each: levels of (B*R, C, h, w)."""
        if tuple(images.shape[1:]) != self.config.image_shape:
            expected = ", ".join(map(str, self.config.image_shape))
            raise ValueError(f"images (B, {expected}) expected, got {tuple(images.shape)}")
        if self.config.backbone:  # it sees the whole image: what a patch means depends on what is around it
            return self.encoder(images)
        return self.encoder(flat_patches(images, self.config.grid))

    def query(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B R D"]:
        """The patches' memory features alone; enough to push."""
        return self.inpainting.query(self.encode(images)[-1])

    def push(self, queries: Float[Tensor, "B R D"]) -> None:
        """Copy features of normal images into the memory queue."""
        self.inpainting.memory.push(queries.detach())

    def forward(self, images: Float[Tensor, "B C H W"], generator: Generator | None = None) -> SquidOutput:
        """Images in 0..1; ``generator`` draws the masks of the shortcuts while training."""
        encoded = self.encode(images)
        inpainted = self.inpainting(encoded[-1], generator)
        reconstruction, student_features = self.student(inpainted.codes, encoded, generator)
        teacher, teacher_features = None, []
        if self.training:
            detached = [level.detach() for level in encoded]
            teacher, teacher_features = self.teacher(detached[-1], detached)
        _, queries, recalled, weights = inpainted
        return SquidOutput(reconstruction, teacher, queries, recalled, weights, student_features, teacher_features)


def count_parameters(module: nn.Module) -> int:
    """Learned numbers of a module."""
    return sum(parameter.numel() for parameter in module.parameters())


def fill_memory(squid: Squid, images: Float[Tensor, "B C H W"], batch_size: int = 64) -> None:
    """Push the features of ``images`` (normal ones) as the network sees them now, in evaluation mode.

    After training this makes the memory's copies as new as the weights.
    """
    with evaluating(squid):
        for batch in images.split(batch_size):
            squid.push(squid.query(batch))
