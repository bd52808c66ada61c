"""Memory: one set of slots for each patch position, read by similarity.

Paper: section 3.2, "Memory Queue as Dictionary"; the learned matrix is MemAE's (Gong et al., ICCV 2019, section 3.2).
Authors' file: models/memory.py (``MemoryQueue``, ``Memory``).

``MemoryQueue`` holds copies of recent features (first in, first out) and learns nothing: what it holds has the
features' own distribution. ``MemoryMatrix`` is a learned parameter and may drift away from it.

Differs from the original: all positions are one (R, S, D) tensor, read at once; any batch may be pushed, also one
larger than the queue; the pointer is a buffer and is saved; an unfilled slot is never read; a queue can be resized.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

Similarity = Callable[[Tensor, Tensor], Tensor]  # ((B, R, D), (R, S, D)) -> (B, R, S)
Shrink = Callable[[Tensor], Tensor]  # (B, R, S) -> (B, R, S)


class MemoryRead(NamedTuple):
    """features (B, R, D), the weighted sum of slots; weights (B, R, S) after shrinkage."""

    features: Tensor
    weights: Tensor


def dot_similarity(queries: Float[Tensor, "B R D"], slots: Float[Tensor, "R S D"]) -> Float[Tensor, "B R S"]:
    """query . slot, each position against its own slots (the paper's)."""
    return torch.einsum("brd,rsd->brs", queries, slots)


def cosine_similarity(queries: Float[Tensor, "B R D"], slots: Float[Tensor, "R S D"]) -> Float[Tensor, "B R S"]:
    """cos(query, slot) in -1..1, each position against its own slots (MemAE's)."""
    return dot_similarity(F.normalize(queries, dim=-1), F.normalize(slots, dim=-1))


def read_memory(
    queries: Float[Tensor, "B R D"],
    slots: Float[Tensor, "R S D"],
    shrink: Shrink,
    similarity: Similarity = dot_similarity,
    scale: float | Tensor = 1.0,
) -> MemoryRead:
    """softmax(scale * similarity) over a position's slots -> shrinkage -> weighted sum of slots."""
    weights = shrink(torch.softmax(scale * similarity(queries, slots), dim=-1))
    return MemoryRead(torch.einsum("brs,rsd->brd", weights, slots), weights)


class MemoryQueue(nn.Module):
    """A first-in-first-out queue of features for each of R patch positions.

    Args:
        positions: R.
        slots: S, the capacity of each position's queue.
        features: D.

    Attributes:
        slots: (R, S, D) buffer; no gradient reaches it.
        pointer: where the next feature goes, 0..S-1.
        filled: how many slots hold a feature, 0..S.

    Raises:
        ValueError: where a number is below 1.
    """

    slots: Tensor
    pointer: Tensor
    filled: Tensor

    def __init__(self, positions: int, slots: int, features: int) -> None:
        super().__init__()
        if min(positions, slots, features) < 1:
            raise ValueError(f"a memory needs at least 1 of each, got {positions=}, {slots=}, {features=}")
        self.register_buffer("slots", torch.zeros(positions, slots, features))
        self.register_buffer("pointer", torch.zeros((), dtype=torch.int64))
        self.register_buffer("filled", torch.zeros((), dtype=torch.int64))
        # The two counters once more, as numbers of Python: to read a tensor of a GPU is to wait for it.
        self._pointer, self._filled = 0, 0

    @property
    def capacity(self) -> int:
        return self.slots.shape[1]

    def push(self, features: Float[Tensor, "B R D"]) -> None:
        """Copy B features a position into the queue; the oldest leave. Of more than S, the last S remain.

        Raises:
            ValueError: where R or D do not fit the queue.
        """
        positions, capacity, length = self.slots.shape
        if features.shape[1:] != (positions, length):
            raise ValueError(f"features (B, {positions}, {length}) expected, got {tuple(features.shape)}")
        count = len(features)
        newest = features[-capacity:].detach().to(self.slots.dtype)
        first = self._pointer + count - len(newest)
        places = (first + torch.arange(len(newest), device=self.slots.device)) % capacity
        self.slots[:, places] = newest.transpose(0, 1)
        self._count((self._pointer + count) % capacity, min(self._filled + count, capacity))

    def contents(self) -> Float[Tensor, "R filled D"]:
        """A copy of the filled slots, oldest first.

        Raises:
            RuntimeError: where nothing was pushed yet.
        """
        self._check_filled()
        if self._filled < self.capacity:
            return self.slots[:, : self._filled].clone()
        return self.slots.roll(-self._pointer, dims=1)

    def forward(
        self,
        queries: Float[Tensor, "B R D"],
        shrink: Shrink,
        similarity: Similarity = dot_similarity,
        scale: float | Tensor = 1.0,
    ) -> MemoryRead:
        """Read the filled slots (order does not matter for the sum); weights are (B, R, filled)."""
        self._check_filled()
        return read_memory(queries, self.slots[:, : self._filled], shrink, similarity, scale)

    def resize(self, slots: int) -> None:
        """Change the capacity and keep the newest features: the queue holds copies, so nothing is retrained.

        Raises:
            ValueError: where ``slots`` is below 1.
        """
        if slots < 1:
            raise ValueError(f"a memory needs at least 1 slot, got {slots}")
        kept = self.contents()[:, -slots:] if self._filled else self.slots[:, :0]
        positions, _, length = self.slots.shape
        resized = self.slots.new_zeros(positions, slots, length)
        resized[:, : kept.shape[1]] = kept
        self.slots = resized
        self._count(kept.shape[1] % slots, kept.shape[1])

    def _count(self, pointer: int, filled: int) -> None:
        self._pointer, self._filled = pointer, filled
        self.pointer.fill_(pointer)
        self.filled.fill_(filled)

    def _check_filled(self) -> None:
        if not self._filled:
            raise RuntimeError("the memory queue is empty; push features of normal images before it is read")

    def _load_from_state_dict(self, state_dict, prefix, *args) -> None:  # type: ignore[no-untyped-def]
        saved = state_dict.get(prefix + "slots")
        if saved is not None and saved.ndim == 3 and saved.shape[1] != self.capacity:
            self.slots = self.slots.new_zeros(self.slots.shape[0], saved.shape[1], self.slots.shape[2])
        super()._load_from_state_dict(state_dict, prefix, *args)
        if not self.filled.is_meta:
            self._pointer, self._filled = int(self.pointer), int(self.filled)


class MemoryMatrix(nn.Module):
    """Learned slots. ``positions`` = 1 is MemAE's global memory, shared by every position; R is space-aware.

    Raises:
        ValueError: where a number is below 1.
    """

    def __init__(self, positions: int, slots: int, features: int) -> None:
        super().__init__()
        if min(positions, slots, features) < 1:
            raise ValueError(f"a memory needs at least 1 of each, got {positions=}, {slots=}, {features=}")
        bound = features**-0.5
        self.slots = nn.Parameter(torch.empty(positions, slots, features).uniform_(-bound, bound))

    def forward(
        self,
        queries: Float[Tensor, "B R D"],
        shrink: Shrink,
        similarity: Similarity = dot_similarity,
        scale: float | Tensor = 1.0,
    ) -> MemoryRead:
        slots = self.slots.expand(queries.shape[1], -1, -1)  # one for all positions, or already one for each
        return read_memory(queries, slots, shrink, similarity, scale)
