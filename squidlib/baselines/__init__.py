"""Systems to compare with, behind one interface."""

from typing import Protocol

from torch import Tensor

from squidlib.baselines.auto_encoder import AutoEncoder
from squidlib.baselines.ganomaly import Ganomaly
from squidlib.baselines.mean_image import MeanImage
from squidlib.baselines.memae import MemAE
from squidlib.baselines.patch_neighbours import PatchNeighbours
from squidlib.baselines.sharpness import Sharpness


class System(Protocol):
    """What every system offers; none of them sees labels."""

    name: str

    def fit(self, normals: Tensor, seed: int = 0) -> "System":
        """Learn from normal images (N, 1, H, W) in 0..1."""
        ...

    def score(self, images: Tensor) -> Tensor:
        """(B, 1, H, W) -> (B,), higher = more abnormal."""
        ...


__all__ = ["AutoEncoder", "Ganomaly", "MeanImage", "MemAE", "PatchNeighbours", "Sharpness", "System"]
