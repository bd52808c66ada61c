"""Encoder and decoder: what turns patches into codes and codes into pictures.

Paper: section 3.1 and supplement (network details).
Authors' file: models/squid.py and models/basic_modules.py (``double_conv``, ``down``, ``up``).

Differs from the original: the first layer may fold pixels into channels (``fold``; 1 is the original), which is what
makes a laptop fast enough; the encoder may see the directions of edges beside the pixels (``directions``; 0 is the
original); a decoder level that uses no skip does not compute one.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Generator, Tensor, nn

from squidlib.config import SquidConfig
from squidlib.gradients import edge_channels
from squidlib.patches import Grid, cut, join, rows_and_columns


class ConvBlock(nn.Module):
    """conv-BN-ReLU, then a residual branch of ``residual_convs`` further convolutions."""

    def __init__(self, inputs: int, outputs: int, residual_convs: int, stride: int = 1) -> None:
        super().__init__()
        self.first = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)
        )
        layers: list[nn.Module] = []
        for _ in range(residual_convs):
            layers += [nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)]
        self.residual = nn.Sequential(*layers[:-1])  # the last ReLU follows the sum

    def forward(self, x: Float[Tensor, "N C H W"]) -> Float[Tensor, "N K h w"]:
        x = self.first(x)
        return F.relu(x + self.residual(x)) if len(self.residual) else x


class Encoder(nn.Module):
    """Patches -> features at every level, one network shared by all patches."""

    def __init__(self, config: SquidConfig) -> None:
        super().__init__()
        self.fold, self.directions = config.fold, config.directions
        convs = config.residual_convs
        self.first = ConvBlock(config.in_channels * config.fold**2 + config.directions, config.channels(0), convs)
        self.downs = nn.ModuleList(
            ConvBlock(config.channels(level), config.channels(level + 1), convs, stride=2)
            for level in range(config.levels)
        )

    def forward(self, patches: Float[Tensor, "N C h w"]) -> list[Tensor]:
        """Features of level 0 .. levels: (N, width * 2^level, h / (fold * 2^level), ...)."""
        seen = F.pixel_unshuffle(patches, self.fold)
        if self.directions:
            seen = torch.cat([seen, edge_channels(patches, self.directions, self.fold)], dim=1)
        levels = [self.first(seen)]
        for down in self.downs:
            levels.append(down(levels[-1]))
        return levels


class DecoderLevel(nn.Module):
    """Upsample by two, put the skip beside, convolve."""

    def __init__(self, inputs: int, skip: int, outputs: int, residual_convs: int) -> None:
        super().__init__()
        self.conv = ConvBlock(inputs + skip, outputs, residual_convs)

    def forward(self, x: Float[Tensor, "N C h w"], skip: Tensor | None) -> Float[Tensor, "N K H W"]:
        x = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
        return self.conv(x if skip is None else torch.cat([skip, x], dim=1))


class Decoder(nn.Module):
    """Codes and skips -> picture. Teacher and student are two of these; only the student has ``skip_memories``.

    Args:
        config: the network's numbers.
        skip_memories: one module for each skip level, deepest first, applied to that level's result.
    """

    def __init__(self, config: SquidConfig, skip_memories: list[nn.Module] | None = None) -> None:
        super().__init__()
        self.config = config
        self.levels = nn.ModuleList()
        for level in reversed(range(config.levels)):
            skip = config.channels(level) if self._has_skip(level) else 0
            outputs = config.channels(level)
            self.levels.append(DecoderLevel(config.channels(level + 1), skip, outputs, config.residual_convs))
        self.skip_memories = nn.ModuleList(skip_memories or [])
        self.last = nn.Conv2d(config.channels(0), config.in_channels * config.fold**2, 1)

    def _has_skip(self, level: int) -> bool:
        return level >= self.config.levels - self.config.skips

    def forward(
        self, codes: Float[Tensor, "N C h w"], encoded: list[Tensor], generator: Generator | None = None
    ) -> tuple[Tensor, list[Tensor]]:
        """Picture (B, C, H, W) in 0..1 and the features of every decoder level, deepest first.

        Args:
            codes: bottleneck features of N = B * R patches.
            encoded: the encoder's levels, for the skips.
            generator: for the masked shortcuts of the skip memories.
        """
        config, x, features = self.config, codes, []
        for index, level in enumerate(reversed(range(config.levels))):
            if level == config.joined_levels - 1:
                x = _join_flat(x, config.grid)
            skip = encoded[level] if self._has_skip(level) else None
            x = self.levels[index](x, skip)
            if index < len(self.skip_memories):
                x = self.skip_memories[index](x, generator)
            features.append(x)
        picture = torch.sigmoid(F.pixel_shuffle(self.last(x), config.fold))
        return (picture if config.joined_levels else _join_flat(picture, config.grid)), features


def flat_patches(images: Float[Tensor, "B C H W"], grid: Grid) -> Float[Tensor, "N C h w"]:
    """``cut`` with images and patches in one dimension N = B * R, as convolutions want it."""
    return cut(images, grid).flatten(0, 1)


def _join_flat(patches: Float[Tensor, "N C h w"], grid: Grid) -> Float[Tensor, "B C H W"]:
    rows, columns = rows_and_columns(grid)
    return join(patches.unflatten(0, (-1, rows * columns)), grid)
