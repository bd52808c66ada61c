"""2-NN on features: how far is an image from the nearest normal ones, as a network sees them that knows ImageNet?

Idea: Bergman et al., "Deep Nearest Neighbor Anomaly Detection", 2020 (arXiv 2002.10445): nothing is trained.
f(x) = [mean, maximum] over positions of the deepest features; score: mean Euclidean distance of f(x) to its 2 nearest
among the normal images. A method that claims to learn something has to beat it.

Differs from the original: the network is what ``squidlib.backbone`` finds and not a deep ResNet, and the
maximum stands beside the mean.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict

import torch
from jaxtyping import Float
from torch import Tensor

from squidlib.backbone import Backbone, backbone
from squidlib.baselines.base import Progress, check_count, in_batches
from squidlib.utils.modes import evaluating

BATCH = 16  #: images that pass through the network at once; maps of 224 px are large


class FeatureNeighbours:
    """Features are computed once an image, however often it is asked for.

    Args:
        network: None is ``backbone(size=224)``.
        neighbours: whose distances are averaged.
        remembered: images whose features are kept (10 KB each).
    """

    def __init__(self, network: Backbone | None = None, neighbours: int = 2, remembered: int = 8192) -> None:
        self.network = backbone(size=224) if network is None else network
        self.neighbours, self.remembered = neighbours, remembered
        self.name = f"{neighbours}-NN ({self.network.name})"
        self._known: OrderedDict[bytes, Tensor] = OrderedDict()

    def fit(
        self,
        normals: Float[Tensor, "N C H W"],
        seed: int = 0,
        progress: Progress = range,
        augmented: Float[Tensor, "M C H W"] | None = None,
    ) -> FeatureNeighbours:
        """Keep the features of every normal image.

        Raises:
            UserError: where there are fewer images than neighbours.
        """
        check_count(normals, self.neighbours)
        self.network.to(normals.device)
        self.bank = self.features(normals)
        return self

    def features(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B D"]:
        """Mean and maximum of the deepest features, from memory where the very same image was seen before."""
        keys = [hashlib.sha256(image.cpu().contiguous().numpy().tobytes()).digest() for image in images]
        new = {key: index for index, key in enumerate(keys) if key not in self._known}
        found = {key: self._known[key] for key in keys if key in self._known}
        if new:
            chosen = images[torch.tensor(list(new.values()), device=images.device)]
            with evaluating(self.network):
                pooled = in_batches(self.network.pooled, chosen, BATCH).cpu()
            found |= dict(zip(new, pooled.unbind(), strict=True))
        for key, vector in found.items():
            self._known[key] = vector.clone()  # a row of its own, so that a forgotten one gives its memory back
            self._known.move_to_end(key)
        while len(self._known) > self.remembered:
            self._known.popitem(last=False)
        return torch.stack([found[key] for key in keys]).to(images.device)

    def score(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B"]:
        """Mean distance to the nearest normal images, >= 0."""
        distances = torch.cdist(self.features(images), self.bank)
        return distances.topk(self.neighbours, dim=1, largest=False).values.mean(1)
