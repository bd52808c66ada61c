"""The strongest simple methods that stand beside a detector in every table; none of them is trained."""

from __future__ import annotations

from functools import lru_cache

from squidlib.backbone import backbone
from squidlib.baselines import FeatureNeighbours, GradientNeighbours, MeanImage, Method, PatchNeighbours, Sharpness
from squidlib.data.base import Dataset
from squidlib.patches import Grid


def simple_methods(data: Dataset, grid: Grid) -> list[Method]:
    """What learns nothing, or no more than a mean or copies; and, of photographs, 2-NN on ImageNet's features.

    Args:
        data: whose training images they will be fitted to.
        grid: of patches, for pixel kNN.
    """
    count = len(data.reference())
    naive: list[Method] = [Sharpness(), MeanImage(), PatchNeighbours(grid, min(5, count))]
    if count > 1:
        naive.append(GradientNeighbours(grid, min(3, count - 1)))
    return [*naive, *pretrained_methods()] if data.photographic else naive


@lru_cache(maxsize=1)  # it remembers features, so that several runs on the same images cost no more than one
def pretrained_methods() -> list[Method]:
    """2-NN on the features of a network that saw ImageNet, where such a network is on this machine."""
    network = backbone(size=224)
    return [FeatureNeighbours(network)] if network.pretrained else []
