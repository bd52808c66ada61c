"""Systems to compare with. One interface: ``fit(normals, seed)``, ``score(images) -> (B,)``, higher = more abnormal."""

from squidlib.baselines.mean_image import MeanImage
from squidlib.baselines.patch_neighbours import PatchNeighbours
from squidlib.baselines.sharpness import Sharpness

__all__ = ["MeanImage", "PatchNeighbours", "Sharpness"]
