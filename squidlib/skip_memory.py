"""Skip memory: a learned, space-aware memory matrix on a decoder level, so that skips cannot leak the anomaly.

Paper: supplement (memory in the decoder).
Authors' file: models/memory.py (``MemoryMatrixBlockV3`` for digits, ``MemoryMatrixBlock`` for chest X-rays).

Differs from the original: one module. Their chest blocks cut every *patch* into 2x2 windows and share the matrices
between patches (a joined image seems to have been meant); ``SquidConfig.skip_windows`` says which of the two.
"""

from __future__ import annotations

from jaxtyping import Float
from torch import Generator, Tensor, nn

from squidlib.config import SquidConfig
from squidlib.memory import MemoryMatrix
from squidlib.patches import cut, join
from squidlib.shortcut import masked_shortcut
from squidlib.shrinkage import topk_shrink


class SkipMemory(nn.Module):
    """Replace each window of a feature map by what its position's learned slots say, behind a masked shortcut."""

    def __init__(self, config: SquidConfig, level: int) -> None:
        super().__init__()
        self.config = config
        self.windows = config.skip_windows
        height, width = (side // (config.fold * 2**level) // self.windows for side in config.patch_shape)
        positions = config.positions if self.windows == 1 else self.windows**2
        self.matrix = MemoryMatrix(positions, config.skip_slots, config.channels(level) * height * width)

    def forward(self, x: Float[Tensor, "N C h w"], generator: Generator | None = None) -> Float[Tensor, "N C h w"]:
        windows = cut(x, self.windows)  # (N, 1, C, h, w) where a window is a whole patch
        queries = windows.flatten(2)
        if self.windows == 1:
            queries = queries.reshape(-1, self.config.positions, queries.shape[-1])
        k = min(self.config.topk, self.config.skip_slots)
        recalled = self.matrix(queries, lambda weights: topk_shrink(weights, k)).features
        recalled = join(recalled.reshape(windows.shape), self.windows)
        return masked_shortcut(recalled, x, self.config.mask_probability, self.training, generator)


def skip_memories(config: SquidConfig) -> list[nn.Module]:
    """One for each skip level, deepest first; none where there are no skips."""
    return [SkipMemory(config, level) for level in reversed(range(config.levels - config.skips, config.levels))]
