"""PaDiM: at every position of an image, how far are its features from the Gaussian of normal images at that position?

Paper: Defard et al., "PaDiM: a Patch Distribution Modeling Framework for Anomaly Detection and Localization", workshops
of ICPR 2020 (printed 2021). x(i, j) are the features of position (i, j) in several layers, one below the other, of
which a random 100 are kept. Mean m and covariance S = 1/(N-1) sum (x - m)(x - m)' + .01 I of the normal images;
distance M = sqrt((x - m)' S^-1 (x - m)). Score: maximum of the map of M, brought to the image's size and smoothed by a
Gaussian of 4 px.

Differs from the original: mean and covariance are gathered batch by batch, so that no features are stored; the layers
are the first three stages of ``squidlib.backbone`` at 96 px, not of a ResNet-18 or WideResNet-50 at 224.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Generator, Tensor

from squidlib.backbone import Backbone, backbone
from squidlib.baselines.base import Progress, check_count, in_batches
from squidlib.utils.modes import evaluating

LAYERS = 3  #: stages, from the shallowest
REGULARISER = 0.01  #: added to the diagonal of every covariance
BATCH = 32


class PatchGaussians:
    """Mean and covariance at every position, from batches that are seen once (Chan, Golub and LeVeque, 1979)."""

    def __init__(self, positions: int, dims: int, device: torch.device | None = None) -> None:
        self.count = 0
        self.mean = torch.zeros(positions, 1, dims, device=device)
        self.scatter = torch.zeros(positions, dims, dims, device=device)  #: sum of (x - mean)(x - mean)'

    def push(self, features: Float[Tensor, "P B D"]) -> None:
        """Take in the features of a batch."""
        pushed = features.shape[1]
        mean = features.mean(1, keepdim=True)
        centred, shift = features - mean, mean - self.mean
        self.scatter.baddbmm_(centred.mT, centred)
        self.scatter.baddbmm_(shift.mT, shift, alpha=self.count * pushed / (self.count + pushed))
        self.mean = self.mean + shift * (pushed / (self.count + pushed))
        self.count += pushed

    def covariance(self) -> Float[Tensor, "P D D"]:
        """Unbiased, with nothing added."""
        return self.scatter / (self.count - 1)


def whitening(covariance: Float[Tensor, "P D D"]) -> Float[Tensor, "P D D"]:
    """W with W'W = S^-1, so that |W (x - m)| is the Mahalanobis distance and cannot be the root of a negative."""
    root = torch.linalg.cholesky(covariance)
    identity = torch.eye(covariance.shape[-1], device=covariance.device).expand_as(root)
    return torch.linalg.solve_triangular(root, identity, upper=False)


def smooth(maps: Float[Tensor, "B 1 H W"], sigma: float) -> Float[Tensor, "B 1 H W"]:
    """Gaussian of ``sigma`` pixels, cut at four of them; the image's border is repeated outwards.

    torchvision's ``gaussian_blur`` mirrors the border and is six times as slow here, for its kernel is a square.
    """
    radius = int(4 * sigma + 0.5)
    steps = torch.arange(-radius, radius + 1, device=maps.device)
    kernel = torch.exp(-0.5 * (steps / sigma) ** 2)
    kernel = kernel / kernel.sum()
    padded = F.pad(maps, (radius,) * 4, mode="replicate")
    return F.conv2d(F.conv2d(padded, kernel.view(1, 1, 1, -1)), kernel.view(1, 1, -1, 1))


class PaDiM:
    """Memory: (size / 4)^2 positions x dims^2 numbers, 23 MB at 96 px and 125 MB at 224 px, twice while fitting.

    Args:
        network: None is ``backbone(size=96)``.
        dims: features kept of each position.
        sigma: of the smoothing, in pixels of the image.
    """

    def __init__(self, network: Backbone | None = None, dims: int = 100, sigma: float = 4.0) -> None:
        self.network = backbone(size=96) if network is None else network
        self.dims, self.sigma = dims, sigma
        self.name = f"PaDiM ({self.network.name})"

    def fit(
        self,
        normals: Float[Tensor, "N C H W"],
        seed: int = 0,
        progress: Progress = range,
        augmented: Float[Tensor, "M C H W"] | None = None,
    ) -> PaDiM:
        """Gather the Gaussians; ``seed`` chooses the features, one tick is one batch after the first.

        An interruption leaves the Gaussians of the images seen so far.

        Raises:
            UserError: where there are fewer than two images.
        """
        check_count(normals, 2)
        self.network.to(normals.device)
        total = sum(self.network.channels[:LAYERS])
        self.chosen = torch.randperm(total, generator=Generator().manual_seed(seed))[: self.dims].to(normals.device)
        first, *others = normals.split(BATCH)
        features = self.features(first)
        gaussians = PatchGaussians(features.shape[0], features.shape[2], normals.device)
        gaussians.push(features)
        try:
            for index in progress(len(others)):
                gaussians.push(self.features(others[index]))
        finally:  # an interruption passes through here
            covariance = gaussians.covariance()
            covariance.diagonal(dim1=1, dim2=2).add_(REGULARISER)
            self.mean, self.whitening = gaussians.mean, whitening(covariance)
        return self

    def features(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "P B D"]:
        """The chosen features of every position of the shallowest map, deeper maps being brought to its size."""
        with evaluating(self.network):
            first, *deeper = self.network.features(images)[:LAYERS]
            maps = [first, *(F.interpolate(deep, size=first.shape[-2:], mode="nearest") for deep in deeper)]
            return torch.cat(maps, dim=1)[:, self.chosen].flatten(2).permute(2, 0, 1)

    def distances(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B 1 h w"]:
        """Mahalanobis distance of every position."""
        centred = self.features(images) - self.mean
        distance = (centred @ self.whitening.mT).norm(dim=2)
        return distance.T.unflatten(1, (1, self.network.size // 4, self.network.size // 4))  # the shallowest stride

    def anomaly_map(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B 1 H W"]:
        """Smoothed distance at every pixel, >= 0."""
        size = images.shape[-2:]

        def smoothed(batch: Tensor) -> Tensor:
            return smooth(F.interpolate(self.distances(batch), size=size, mode="bilinear"), self.sigma)

        return in_batches(smoothed, images, BATCH)

    def score(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B"]:
        """Maximum of the map."""
        return self.anomaly_map(images).amax((1, 2, 3))
