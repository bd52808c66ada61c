"""PANDA: a network that knows ImageNet is nudged until normal images lie close together, and stopped before all do.

Paper: Reiss et al., "PANDA: Adapting Pretrained Features for Anomaly Detection and Segmentation", CVPR 2021.
phi(x): mean over places of the deepest features; c: mean of phi over the normal images before training.
Objective: sum |phi(x) - c|^2, by SGD (1e-2, momentum .9) on the last two stages. Its optimum is useless, for then all
images lie in c; so it is stopped early, after a set number of steps. Score: sum of the distances to the 2 nearest
normal images.

Differs from the original: the network is ``squidlib.baselines.backbone``'s at 96 px and not a ResNet-152 at 224; no
elastic
weight consolidation, the paper's other brake, for it needs ImageNet's images, and no weight decay; the gradient is cut
to a length of .1 (uncut, this network ends in one point within 60 steps; cut to 1e-3, as the authors cut that of a loss
divided by the number of features, it stays as it was; seen on held-out normal images alone, docs/experiments.md).
Distances are added as they are, where the authors' code adds their squares. Steps are as many as ``steps`` says, where
theirs are 15 epochs. As with them, batch norm keeps ImageNet's mean and variance.
"""

from __future__ import annotations

import copy

import torch
from jaxtyping import Float
from torch import Tensor, nn

from squidlib.baselines.backbone import Backbone, backbone
from squidlib.baselines.base import Progress, batches, in_batches

TRAINED_STAGES = 2
LONGEST_GRADIENT = 0.1
BATCH = 32  #: images that pass through the network at once, without gradients


def compactness(features: Float[Tensor, "B D"], centre: Float[Tensor, "D"]) -> Float[Tensor, ""]:
    """Mean over images of |phi - c|^2."""
    return ((features - centre) ** 2).sum(1).mean()


def sum_of_nearest(features: Float[Tensor, "B D"], bank: Float[Tensor, "N D"], neighbours: int) -> Float[Tensor, "B"]:
    """Sum of the Euclidean distances to the nearest rows of ``bank``."""
    return torch.cdist(features, bank).topk(neighbours, dim=1, largest=False).values.sum(1)


class Panda:
    """Score: sum of the distances to the nearest normal images, in features adapted to them.

    Args:
        network: None is ``backbone(size=96)``; a copy is trained, so that the given one stays as it is.
        neighbours: whose distances are added.
        steps, batch_size, learning_rate: of the training.
    """

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
        self.neighbours = neighbours
        self.steps, self.batch_size, self.learning_rate = steps, batch_size, learning_rate

    def fit(
        self,
        normals: Float[Tensor, "N 1 H W"],
        seed: int = 0,
        progress: Progress = range,
        augmented: Float[Tensor, "M 1 H W"] | None = None,
    ) -> Panda:
        """Train on ``augmented`` normal images, or on the plain ones; centre and bank are those of the plain ones.

        An interruption leaves what was learned so far.

        Raises:
            ValueError: where there are fewer images than neighbours.
        """
        if len(normals) < self.neighbours:
            raise ValueError(f"at least {self.neighbours} normal images expected, got {len(normals)}")
        self.network = copy.deepcopy(self.pretrained).to(normals.device).train_stages(TRAINED_STAGES).eval()
        self.centre = self.features(normals).mean(0)
        learning = [weights for weights in self.network.parameters() if weights.requires_grad]
        optimizer = torch.optim.SGD(learning, self.learning_rate, momentum=0.9)
        try:
            for images in batches(
                normals if augmented is None else augmented, self.batch_size, self.steps, seed, progress
            ):
                loss = compactness(self.embed(images), self.centre)
                optimizer.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(learning, LONGEST_GRADIENT)
                optimizer.step()
        finally:  # an interruption passes through here
            self.bank = self.features(normals)
        return self

    def embed(self, images: Float[Tensor, "B 1 H W"]) -> Float[Tensor, "B D"]:
        """phi: mean over places of the deepest features, with gradients."""
        return self.network.features(images)[-1].mean((2, 3))

    def features(self, images: Float[Tensor, "B 1 H W"]) -> Float[Tensor, "B D"]:
        """phi of many images, without gradients."""
        return in_batches(self.embed, images, BATCH)

    def score(self, images: Float[Tensor, "B 1 H W"]) -> Float[Tensor, "B"]:
        """>= 0."""
        return sum_of_nearest(self.features(images), self.bank, self.neighbours)
