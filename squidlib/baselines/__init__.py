"""Systems to compare with, behind one interface."""

from squidlib.baselines.auto_encoder import AutoEncoder
from squidlib.baselines.ganomaly import Ganomaly
from squidlib.baselines.mean_image import MeanImage
from squidlib.baselines.memae import MemAE
from squidlib.baselines.patch_neighbours import PatchNeighbours
from squidlib.baselines.sharpness import Sharpness
from squidlib.baselines.system import Calibrates, Localises, Reconstructs, System

__all__ = [
    "AutoEncoder",
    "Calibrates",
    "Ganomaly",
    "Localises",
    "MeanImage",
    "MemAE",
    "PatchNeighbours",
    "Reconstructs",
    "Sharpness",
    "System",
]
