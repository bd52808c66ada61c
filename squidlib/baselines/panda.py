"""PANDA: a network that knows ImageNet is nudged until normal images lie close together, and stopped before all do.

Paper: Reiss et al., "PANDA: Adapting Pretrained Features for Anomaly Detection and Segmentation", CVPR 2021.
phi(x): mean over positions of the deepest features; c: mean of phi over the normal images before training.
Objective: sum |phi(x) - c|^2, by SGD (1e-2, momentum .9) on the last two stages. Its optimum is useless, for then all
images lie in c; so it is stopped early, after a set number of steps. Score: sum of the distances to the 2 nearest
normal images.

Differs from the original: the network is ``squidlib.backbone``'s at 96 px and not a ResNet-152 at 224; no
elastic
weight consolidation, the paper's other brake, for it needs ImageNet's images, and no weight decay; the gradient is cut
to a length of .1 (uncut, this network ends in one point within 60 steps; cut to 1e-3, as the authors cut that of a loss
divided by the number of features, it stays as it was; seen on held-out normal images alone, docs/experiments.md).
Distances are added as they are, where the authors' code adds their squares. Steps are as many as ``steps`` says, where
theirs are 15 epochs. As with them, batch norm keeps ImageNet's mean and variance.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator

import torch
from jaxtyping import Float
from torch import Generator, Tensor

from squidlib.backbone import Backbone, backbone
from squidlib.baselines.trained import Phase, Shape, SingleLoss

TRAINED_STAGES = 2
LONGEST_GRADIENT = 0.1
BATCH = 32  #: images that pass through the network at once, without gradients


def compactness(features: Float[Tensor, "B D"], centre: Float[Tensor, "D"]) -> Float[Tensor, ""]:
    """Mean over images of |phi - c|^2."""
    return ((features - centre) ** 2).sum(1).mean()


def sum_of_nearest(features: Float[Tensor, "B D"], bank: Float[Tensor, "N D"], neighbours: int) -> Float[Tensor, "B"]:
    """Sum of the Euclidean distances to the nearest rows of ``bank``."""
    return torch.cdist(features, bank).topk(neighbours, dim=1, largest=False).values.sum(1)


class Panda(SingleLoss):
    """Score: sum of the distances to the nearest normal images, in features adapted to them.

    Args:
        network: None is ``backbone(size=96)``; a copy is trained, so that the given one stays as it is.
        neighbours: whose distances are added.
        steps, batch_size, learning_rate: of the training.
    """

    longest_gradient = LONGEST_GRADIENT
    network: Backbone

    def __init__(
        self,
        network: Backbone | None = None,
        neighbours: int = 2,
        steps: int = 300,
        batch_size: int = 32,
        learning_rate: float = 1e-2,
    ) -> None:
        self.pretrained = backbone(size=96) if network is None else network
        self.name = f"PANDA ({self.pretrained.name})"
        self.neighbours = self.least = neighbours
        self.steps, self.batch_size, self.learning_rate = steps, batch_size, learning_rate

    def build(self, shape: Shape, seed: int) -> Backbone:
        """A copy of the pretrained network, two stages of which may be trained."""
        return copy.deepcopy(self.pretrained).train_stages(TRAINED_STAGES)

    def optimizer(self) -> torch.optim.Optimizer:
        """The authors' SGD, of what may be trained."""
        learning = [weights for weights in self.network.parameters() if weights.requires_grad]
        return torch.optim.SGD(learning, self.learning_rate, momentum=0.9)

    def phases(self, normals: Float[Tensor, "N C H W"], shown: Float[Tensor, "M C H W"], seed: int) -> Iterator[Phase]:
        """One, towards the centre that the normal images have before it."""
        self.centre = self.features(normals).mean(0)
        yield from super().phases(normals, shown, seed)

    def loss(self, images: Float[Tensor, "B C H W"], generator: Generator) -> Float[Tensor, ""]:
        """Distance to the centre."""
        return compactness(self.embed(images), self.centre)

    def finish(self, normals: Float[Tensor, "N C H W"]) -> None:
        """The bank, of the plain images."""
        self.bank = self.features(normals)

    def embed(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B D"]:
        """phi: mean over positions of the deepest features, with gradients."""
        return self.network.features(images)[-1].mean((2, 3))

    def features(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B D"]:
        """phi of many images, without gradients."""
        return self.ask(self.embed, images, BATCH)

    def score(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B"]:
        """>= 0."""
        return sum_of_nearest(self.features(images), self.bank, self.neighbours)
