"""CutPaste: a classifier learns to see where an image was cut and pasted; its embeddings of normals are a Gaussian.

Paper: Li et al., "CutPaste: Self-Supervised Learning for Anomaly Detection and Localization", CVPR 2021.
Three versions of every image are told apart by cross-entropy: the image itself; with a patch of .02-.15 of its area
(sides 1:3.3 to 3.3:1) copied to another position; with a scar, 2-16 x 10-25 px at 256 px, copied and turned by up to
45 degrees. What is pasted is up to 10 % brighter or darker.
Score: Mahalanobis distance sqrt((f - m)' S^-1 (f - m)) of the embedding f to the mean m and covariance S (shrunk as by
Ledoit and Wolf, 2004) of plain normal images.

Differs from the original: a small network in place of ResNet-18, which would cost too much to train in a minute; Adam
at 1e-3, not SGD at .03; what is pasted varies in brightness alone, not in contrast, saturation and hue; the covariance
is shrunk; no map (the paper trains a second network, on patches, for it).

Pasting: a rectangle of an image is copied to another position of it, whole or as a thin turned scar.

Li et al., "CutPaste: Self-Supervised Learning for Anomaly Detection and Localization", CVPR 2021, section 2: patches of
.02-.15 of the image's area, sides 1:3.3 to 3.3:1; scars of 2-16 x 10-25 px at 256 px, turned by up to 45 degrees.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Generator, Tensor, nn

from squidlib.baselines.auto_encoder import encoder
from squidlib.baselines.base import LEAST_STD
from squidlib.baselines.trained import Shape, SingleLoss

JITTER = 0.1  #: of the brightness of what is pasted


class CutPasteNetwork(nn.Module):
    """Convolutions and a mean over positions: the embedding; and a head that names the version."""

    def __init__(self, shape: Shape, width: int) -> None:
        super().__init__()
        *convolutions, _flatten, _last = encoder(shape, 1, width)
        features = width * 8
        self.embed = nn.Sequential(*convolutions, nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.head = nn.Sequential(
            nn.Linear(features, features), nn.BatchNorm1d(features), nn.ReLU(), nn.Linear(features, 3)
        )


class CutPaste(SingleLoss):
    """Score: Mahalanobis distance of the embedding to those of normal images.

    Args:
        width: channels of the first of four levels; an embedding has eight times as many numbers.
        steps, batch_size, learning_rate: of the training; each image of a batch comes in three versions.
    """

    name = "CutPaste"
    least = 2  # for a covariance
    network: CutPasteNetwork

    def __init__(self, width: int = 16, steps: int = 500, batch_size: int = 24, learning_rate: float = 1e-3) -> None:
        self.width, self.steps, self.batch_size, self.learning_rate = width, steps, batch_size, learning_rate

    def build(self, shape: Shape, seed: int) -> CutPasteNetwork:
        """The embedding and the classifier of versions."""
        return CutPasteNetwork(shape, self.width)

    def generator(self, seed: int) -> Generator:
        """Of rectangles and brightness."""
        return Generator().manual_seed(seed + 1)

    def loss(self, images: Float[Tensor, "B C H W"], generator: Generator) -> Float[Tensor, ""]:
        """Cross-entropy of the three versions of every image."""
        count, versions = len(images), [images]
        for cut in (patches(count, generator), scars(count, generator)):
            versions.append(paste(images, cut, uniform(count, (1 - JITTER, 1 + JITTER), generator))[0])
        truth = torch.arange(3, device=images.device).repeat_interleave(count)
        return F.cross_entropy(self.network.head(self.network.embed(torch.cat(versions))), truth)

    def finish(self, normals: Float[Tensor, "N C H W"]) -> None:
        """Mean and precision of the embeddings of the plain images; no direction varies by less than ``LEAST_STD``."""
        from sklearn.covariance import LedoitWolf

        embeddings = self.embed(normals)
        gaussian = LedoitWolf().fit(embeddings.double().cpu().numpy())
        variances, directions = torch.linalg.eigh(torch.from_numpy(gaussian.covariance_))
        precision = directions / variances.clamp(min=LEAST_STD**2) @ directions.T
        self.mean, self.precision = (part.to(embeddings) for part in (torch.from_numpy(gaussian.location_), precision))

    def embed(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B D"]:
        """The network's features, before its head."""
        return self.ask(self.network.embed, images)

    def score(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B"]:
        """Mahalanobis distance, >= 0; about sqrt(D) for normal images."""
        away = self.embed(images) - self.mean
        return torch.einsum("bi,ij,bj->b", away, self.precision, away).clamp(min=0).sqrt()


AREA, ASPECT = (0.02, 0.15), (0.3, 1 / 0.3)  #: of a patch: share of the image; height / width
SCAR_WIDTH, SCAR_LENGTH, TURN = (2 / 256, 16 / 256), (10 / 256, 25 / 256), 45.0  #: shares of a side; degrees


class Cut(NamedTuple):
    """Rectangles, as shares of the image's side, with their two centres and their turn at the target."""

    sizes: Float[Tensor, "B 2"]  #: height, width
    sources: Float[Tensor, "B 2"]  #: row, column
    targets: Float[Tensor, "B 2"]
    angles: Float[Tensor, "B"]  #: radians


def uniform(count: int, bounds: tuple[float, float], generator: Generator) -> Float[Tensor, "count"]:
    """Evenly between two bounds."""
    return bounds[0] + (bounds[1] - bounds[0]) * torch.rand(count, generator=generator)


def placed(sizes: Float[Tensor, "B 2"], angles: Float[Tensor, "B"], generator: Generator) -> Cut:
    """Rectangles at random positions that lie wholly inside the image, at source and target."""
    cos, sin = angles.cos().abs(), angles.sin().abs()
    turned = torch.stack([sizes[:, 0] * cos + sizes[:, 1] * sin, sizes[:, 0] * sin + sizes[:, 1] * cos], dim=1)
    sources, targets = (box / 2 + (1 - box) * torch.rand(box.shape, generator=generator) for box in (sizes, turned))
    return Cut(sizes, sources, targets, angles)


def patches(count: int, generator: Generator) -> Cut:
    """Large upright rectangles."""
    area = uniform(count, AREA, generator)
    aspect = uniform(count, (math.log(ASPECT[0]), math.log(ASPECT[1])), generator).exp()
    return placed(torch.stack([(area * aspect).sqrt(), (area / aspect).sqrt()], dim=1), torch.zeros(count), generator)


def scars(count: int, generator: Generator) -> Cut:
    """Long thin rectangles, turned."""
    sizes = torch.stack([uniform(count, SCAR_LENGTH, generator), uniform(count, SCAR_WIDTH, generator)], dim=1)
    return placed(sizes, torch.deg2rad(uniform(count, (-TURN, TURN), generator)), generator)


def paste(
    images: Float[Tensor, "B C H W"], cut: Cut, brightness: Float[Tensor, "B"]
) -> tuple[Float[Tensor, "B C H W"], Bool[Tensor, "B 1 H W"]]:
    """Every image with its rectangle copied from source to target, and the mask of the pixels written."""
    height, width = images.shape[2:]
    sizes, sources, targets, angles, brightness = (part.to(images.device) for part in (*cut, brightness))
    rows = (torch.arange(height, device=images.device) + 0.5) / height
    columns = (torch.arange(width, device=images.device) + 0.5) / width
    down = (rows[:, None] - targets[:, 0, None, None]).expand(-1, -1, width)
    right = (columns - targets[:, 1, None, None]).expand(-1, height, -1)
    cos, sin = angles.cos()[:, None, None], angles.sin()[:, None, None]
    offsets = torch.stack([cos * down + sin * right, cos * right - sin * down], dim=-1)  # in the rectangle's own axes
    mask = (offsets.abs() <= sizes[:, None, None] / 2).all(-1)[:, None]
    grid = 2 * (sources[:, None, None] + offsets).flip(-1) - 1  # grid_sample: x first, the image from -1 to 1
    pasted = F.grid_sample(images, grid, mode="nearest", padding_mode="border", align_corners=False)
    return torch.where(mask, (pasted * brightness.view(-1, 1, 1, 1)).clamp(0, 1), images), mask
