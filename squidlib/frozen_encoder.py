"""Frozen encoder: the features of a network that saw ImageNet, in place of an encoder that is learned from normals.

Not in the paper, whose encoder learns from the normal images alone. What it learns there is what rebuilds *these*
images, and a detector built on it takes the habits of one machine for anatomy. Mid-level features of a large network
are steadier; that they serve anomaly detection is known from PaDiM (Defard et al., 2021) and PatchCore (Roth et al.,
CVPR 2022). Memory, shrinkage and in-painting from neighbours work on them as on learned ones.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from squidlib.backbone import Backbone, efficientnet_lite0
from squidlib.config import SquidConfig

STAGES = 3  #: of the network's four: the last of them gives the map at stride 16


class FrozenEncoder(nn.Module):
    """Images -> one code a patch, as ``Encoder`` gives them; nothing in it is learned.

    The network's weights belong to the package that it comes from: they stand in no state, so in no run's file. It is
    opened when the first image comes.

    Raises:
        UserError: where the network is not installed, when the first image comes.
    """

    def __init__(self, config: SquidConfig) -> None:
        super().__init__()
        self.config = config
        self._opened: list[Backbone] = []  # a list, so that the network is no part of this module's state

    def network(self, device: torch.device) -> Backbone:
        """The frozen network, on that device."""
        if not self._opened:
            self._opened.append(efficientnet_lite0(min(self.config.image_shape[1:])))
        return self._opened[0].to(device)

    @torch.no_grad()
    def forward(self, images: Float[Tensor, "B C H W"]) -> list[Tensor]:
        """Images in 0..1 -> [(B * R, channels, 1, 1)], the deepest level alone: there are no skips."""
        network = self.network(images.device)
        deepest = network.maps(network.standardise(images), STAGES)[-1]
        return [deepest.flatten(2).transpose(1, 2).flatten(0, 1)[:, :, None, None]]
