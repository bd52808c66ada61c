"""Methods to compare with, behind one interface."""

from squidlib.baselines.auto_encoder import AutoEncoder
from squidlib.baselines.base import Calibrates, Localises, Method, Reconstructs
from squidlib.baselines.cutpaste import CutPaste
from squidlib.baselines.f_anogan import FAnoGAN
from squidlib.baselines.feature_neighbours import FeatureNeighbours
from squidlib.baselines.ganomaly import Ganomaly
from squidlib.baselines.gradient_neighbours import GradientNeighbours
from squidlib.baselines.igd import IGD
from squidlib.baselines.implicit_field import ImplicitField
from squidlib.baselines.m_kd import MultiresolutionDistillation
from squidlib.baselines.memae import MemAE
from squidlib.baselines.mnad import MNAD
from squidlib.baselines.naive import MeanImage, PatchNeighbours, Sharpness
from squidlib.baselines.padim import PaDiM
from squidlib.baselines.panda import Panda
from squidlib.baselines.salad import SALAD
from squidlib.baselines.vae import VAE

__all__ = [
    "AutoEncoder",
    "Calibrates",
    "CutPaste",
    "FAnoGAN",
    "FeatureNeighbours",
    "Ganomaly",
    "GradientNeighbours",
    "IGD",
    "ImplicitField",
    "Localises",
    "MNAD",
    "MeanImage",
    "MemAE",
    "MultiresolutionDistillation",
    "PaDiM",
    "Panda",
    "PatchNeighbours",
    "Reconstructs",
    "SALAD",
    "Sharpness",
    "Method",
    "VAE",
]
