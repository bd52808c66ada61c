"""Variants: SQUID with one piece taken out or exchanged, each a few lines on top of the whole.

What a line changes is the whole of the change: the rest of network, training and data is that of ``STUDIED``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor, nn

from digitanatomy import Jitter
from squidlib.config import SquidConfig
from squidlib.inpainting import InpaintingBlock
from squidlib.memory import MemoryMatrix, MemoryQueue, MemoryRead, Shrink, Similarity, dot_similarity
from squidlib.shrinkage import hard_shrink
from squidlib.training.presets import PRESETS, Preset

LAPTOP = PRESETS["laptop"]["digitanatomy"]
#: What the studies of components, contamination and memory size train: the laptop preset without what it learned later
#: for digits of other pens, so that what was measured before and after can be compared.
STUDIED = LAPTOP._replace(
    config=replace(LAPTOP.config, directions=0), weights=replace(LAPTOP.weights, position=0.1), jitter=Jitter()
)
HARD_THRESHOLD = 0.0025  #: MemAE's lambda


class LearnedSlots(MemoryMatrix):
    """A learned matrix where the in-painting block expects a queue: what is pushed into it is ignored."""

    def __init__(self, positions: int, slots: int, features: int) -> None:
        super().__init__(positions, slots, features)
        self.capacity = slots
        self.filled = torch.tensor(slots)

    def push(self, features: Float[Tensor, "B R D"]) -> None:
        """Nothing: these slots are learned."""

    def resize(self, slots: int) -> None:
        """Nothing: these slots are not copies that could be left out."""

    def contents(self) -> Float[Tensor, "R S D"]:
        """All slots."""
        return self.slots.detach()


class SharedQueue(nn.Module):
    """One queue for all positions, as long as all of theirs together: any patch may be recalled anywhere.

    The position loss has nothing to tell apart here; it is constant.
    """

    def __init__(self, positions: int, slots: int, features: int) -> None:
        super().__init__()
        self.positions = positions
        self.queue = MemoryQueue(1, positions * slots, features)

    @property
    def filled(self) -> Tensor:
        """How many slots hold a feature, of any position."""
        return self.queue.filled

    def push(self, features: Float[Tensor, "B R D"]) -> None:
        """Every patch goes into the one queue."""
        self.queue.push(features.flatten(0, 1)[:, None])

    def resize(self, slots: int) -> None:
        """``slots`` for each position that shares the queue."""
        self.queue.resize(slots * self.positions)

    def contents(self) -> Float[Tensor, "R filled D"]:
        """The same slots for every position."""
        return self.queue.contents().expand(self.positions, -1, -1)

    def forward(
        self,
        queries: Float[Tensor, "B R D"],
        shrink: Shrink,
        similarity: Similarity = dot_similarity,
        scale: float | Tensor = 1.0,
    ) -> MemoryRead:
        """Every position reads all of it."""
        read = self.queue(queries.flatten(0, 1)[:, None], shrink, similarity, scale)
        return MemoryRead(*(part[:, 0].unflatten(0, queries.shape[:2]) for part in read))


class WithoutMemory(InpaintingBlock):
    """The features themselves stand where the memory's answer should."""

    def recall(self, queries: Float[Tensor, "B R D"]) -> tuple[Tensor, Tensor]:
        """Everything is recalled as it came."""
        return queries, queries.new_zeros(*queries.shape[:2], 1)


class WithLearnedMatrix(InpaintingBlock):
    """A learned matrix for each position in place of the queue."""

    def __init__(self, config: SquidConfig) -> None:
        super().__init__(config)
        self.memory = LearnedSlots(config.positions, config.slots, config.features)  # type: ignore[assignment]


class WithSharedQueue(InpaintingBlock):
    """One queue for all positions in place of one for each."""

    def __init__(self, config: SquidConfig) -> None:
        super().__init__(config)
        self.memory = SharedQueue(config.positions, config.slots, config.features)  # type: ignore[assignment]


class WithHardShrinkage(InpaintingBlock):
    """MemAE's threshold in place of the k strongest slots."""

    def shrink(self, weights: Float[Tensor, "B R S"]) -> Float[Tensor, "B R S"]:
        """Weights at or below the threshold are dropped."""
        return hard_shrink(weights, HARD_THRESHOLD)


class WithoutNeighbours(InpaintingBlock):
    """What the memory recalled for a patch goes to the decoder as it is; nobody asks the neighbours."""

    def inpaint(self, queries: Float[Tensor, "B R D"], recalled: Float[Tensor, "B R D"]) -> Float[Tensor, "B R D"]:
        """The recalled features."""
        return recalled


@dataclass(frozen=True)
class Variant:
    """One row of the ablation table: what is changed, in words, and the changed parts."""

    what: str
    preset: Preset = STUDIED
    block: Callable[[SquidConfig], InpaintingBlock] = InpaintingBlock
    has_memory: bool = True


def variants() -> dict[str, Variant]:
    """Every row of the ablation table, the whole SQUID first."""
    whole = STUDIED
    config, training, weights = whole.config, whole.training, whole.weights
    return {
        "whole": Variant("the laptop preset without edges, other pens and the threefold position loss"),
        "no memory": Variant("features pass the memory unchanged", block=WithoutMemory, has_memory=False),
        "learned matrix": Variant("a learned matrix in place of the queue", block=WithLearnedMatrix),
        "shared queue": Variant("one queue for all positions", block=WithSharedQueue),
        "no neighbours": Variant("no transformer over the neighbours", block=WithoutNeighbours),
        "soft attention": Variant("no shrinkage", whole._replace(config=replace(config, topk=config.slots))),
        "hard shrinkage": Variant("MemAE's threshold in place of top-5", block=WithHardShrinkage),
        "dot product": Variant("the paper's similarity", whole._replace(config=replace(config, cosine_memory=False))),
        "no shortcut": Variant(
            "the masked shortcut stays closed", whole._replace(config=replace(config, mask_probability=1.0))
        ),
        "no teacher": Variant(
            "no teacher, no feature matching", whole._replace(weights=replace(weights, teacher=0.0, distillation=0.0))
        ),
        "no adversary": Variant(
            "the discriminator does not teach the generator", whole._replace(weights=replace(weights, adversarial=0.0))
        ),
        "no position loss": Variant("our own loss off", whole._replace(weights=replace(weights, position=0.0))),
        "no refill": Variant(
            "the memory stays as training left it", whole._replace(training=replace(training, refill_memory=False))
        ),
        "no jitter": Variant("training digits unvaried", whole._replace(jitter=Jitter(0.0, 0.0, 0.0, 0.0, 0.0))),
        "edges": Variant(
            "the encoder sees directions of edges, too", whole._replace(config=replace(config, directions=8))
        ),
        "other pens": Variant("training digits by other pens, too", whole._replace(jitter=LAPTOP.jitter)),
        "laptop": Variant("the laptop preset: edges, other pens, and three times the position loss", LAPTOP),
    }
