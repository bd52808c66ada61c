"""Detector: a trained SQUID with what normal images score, ready to judge new ones.

    >>> import squidlib
    >>> detector = squidlib.load("digitanatomy")
    >>> detector.score(images)  # (B,), higher = more abnormal

Everything that is known of "normal" comes from held-out normal images (``calibrate``), never from labels.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from squidlib.config import SquidConfig
from squidlib.detection.metrics import threshold_at
from squidlib.detection.scores import (
    DEFAULT_SCORE,
    PATCH_SCORES,
    SCORES,
    RawScores,
    raw_scores,
    score_batches,
    weighted_difference,
)
from squidlib.discriminator import Discriminator
from squidlib.squid import Squid
from squidlib.utils.errors import UserError

BATCH = 64  #: images that are scored at once


class Calibration(NamedTuple):
    """What N held-out normal images score.

    mean, deviation: (4, R), of the patch scores in the order of ``PATCH_SCORES``.
    discriminator: (2,), mean and deviation of the negative logit.
    normal_scores: (6, N), image scores in the order of ``SCORES``, for thresholds and histograms.
    """

    mean: Tensor
    deviation: Tensor
    discriminator: Tensor
    normal_scores: Tensor


class Detector:
    """A trained SQUID that scores images (B, 1, H, W) in 0..1.

    Args:
        squid, discriminator: trained networks; put into evaluation mode.
        calibration: of these very networks, see ``calibrate``.
        metadata: how they came to be; JSON values.
    """

    def __init__(self, squid: Squid, discriminator: Discriminator, calibration: Calibration, metadata: dict[str, Any]):
        self.squid, self.discriminator = squid.eval(), discriminator.eval()
        self.calibration, self.metadata = calibration, metadata

    @property
    def config(self) -> SquidConfig:
        return self.squid.config

    @property
    def device(self) -> torch.device:
        return next(self.squid.parameters()).device

    @property
    def default_score(self) -> str:
        """The score that is reported where none is asked for: what training chose without labels, or "combined"."""
        return str(self.metadata.get("score", DEFAULT_SCORE))

    def to(self, device: str | torch.device) -> Detector:
        """Move networks and calibration to a device."""
        self.squid.to(device)
        self.discriminator.to(device)
        self.calibration = Calibration(*(part.to(device) for part in self.calibration))
        return self

    def score(self, images: Float[Tensor, "B 1 H W"], score: str | None = None) -> Float[Tensor, "B"]:
        """How abnormal each image is, in deviations of normal images.

        Args:
            score: a name of ``SCORES``; None is ``default_score``.
        """
        return self.scores(images)[self._known(score)]

    def scores(self, images: Float[Tensor, "B 1 H W"]) -> dict[str, Tensor]:
        """Every image score by name, each (B,), from one forward pass."""
        return image_scores(self.raw_scores(images), self.calibration)

    def patch_scores(self, images: Float[Tensor, "B 1 H W"]) -> Float[Tensor, "B R"]:
        """The combined score of every patch, in reading order."""
        return standardised(self.raw_scores(images), self.calibration).sum(0)

    @torch.no_grad()
    def reconstruct(self, images: Float[Tensor, "B 1 H W"]) -> Float[Tensor, "B 1 H W"]:
        """What normal neighbours and the memory say each image should look like, in 0..1."""
        batches = self._checked(images).split(BATCH)
        return torch.cat([self.squid(batch.to(self.device)).reconstruction for batch in batches]).to(images.device)

    @torch.no_grad()
    def anomaly_map(self, images: Float[Tensor, "B 1 H W"]) -> Float[Tensor, "B 1 H W"]:
        """Where each image is abnormal; >= 0, about 1 where a normal image is at its worst.

        The difference between image and reconstruction, weighted by how abnormal its patch is.
        """
        limit, grid, maps = threshold_at(self.normal_scores("combined"), 0.05), self.config.grid, []
        for batch in self._checked(images).split(BATCH):
            batch = batch.to(self.device)
            output = self.squid(batch)
            logits = self.discriminator(output.reconstruction)
            raw = raw_scores(output, self.squid.inpainting.memory.contents(), logits, batch, grid)
            patch_scores = standardised(raw, self.calibration).sum(0)
            maps.append(weighted_difference(batch, output.reconstruction, patch_scores, limit, grid))
        return torch.cat(maps).to(images.device)

    def normal_scores(self, score: str | None = None) -> Float[Tensor, "N"]:
        """What the calibration images score: for thresholds and histograms."""
        return self.calibration.normal_scores[list(SCORES).index(self._known(score))].cpu()

    def threshold(self, false_positive_rate: float = 0.05, score: str | None = None) -> float:
        """The score that this share of normal images exceeds."""
        return threshold_at(self.normal_scores(score), false_positive_rate)

    def raw_scores(self, images: Float[Tensor, "B 1 H W"]) -> RawScores:
        """Unstandardised scores of every patch, from one forward pass."""
        checked = self._checked(images).to(self.device)
        raw = score_batches(self.squid, self.discriminator, checked, BATCH)
        return RawScores(*(part.to(images.device) for part in raw))

    def _checked(self, images: Tensor) -> Tensor:
        size = self.config.image_size
        if not isinstance(images, Tensor) or images.ndim != 4 or tuple(images.shape[1:]) != (1, size, size):
            got = tuple(images.shape) if isinstance(images, Tensor) else type(images).__name__
            raise UserError(f"images must be a tensor (B, 1, {size}, {size}), got {got}; scale them first")
        if not images.is_floating_point():
            raise UserError(f"images must be floating point in 0..1, got {images.dtype}; divide 8-bit images by 255")
        if not torch.isfinite(images).all():
            raise UserError("images hold NaN or infinite values; 0..1 expected")
        if images.numel() and (images.min() < 0 or images.max() > 1):
            raise UserError(f"images must lie in 0..1, got {images.min():.3g}..{images.max():.3g}; rescale them")
        return images.to(torch.float32)

    def _known(self, score: str | None) -> str:
        score = self.default_score if score is None else score
        if score not in SCORES:
            raise UserError(f"scores are {', '.join(SCORES)}; got {score!r}")
        return score


def standardised(raw: RawScores, calibration: Calibration) -> Float[Tensor, "4 B R"]:
    """Patch scores in deviations of normal images at the same position."""
    patches = torch.stack([getattr(raw, name) for name in PATCH_SCORES])
    device = patches.device
    return (patches - calibration.mean[:, None].to(device)) / calibration.deviation[:, None].to(device)


def image_scores(raw: RawScores, calibration: Calibration) -> dict[str, Tensor]:
    """All scores of ``SCORES``, each (B,): the worst patch, and the discriminator's by the paper's equation."""
    patches = standardised(raw, calibration)
    mean, deviation = calibration.discriminator.to(patches.device)
    named = {"combined": patches.sum(0).amax(-1)}
    named |= {name: score.amax(-1) for name, score in zip(PATCH_SCORES, patches, strict=True)}
    # eq. 6: 1 - sigmoid((D - mu) / sigma) is this sigmoid, for raw.discriminator is -D
    named["discriminator"] = torch.sigmoid((raw.discriminator - mean) / deviation)
    return named


def calibrate(squid: Squid, discriminator: nn.Module, normals: Float[Tensor, "N 1 H W"]) -> Calibration:
    """Score held-out normal images and keep what is normal.

    Raises:
        ValueError: where there are fewer than two images.
    """
    if len(normals) < 2:
        raise ValueError(f"at least two normal images are needed to calibrate, got {len(normals)}")
    return calibration_of(score_batches(squid, discriminator, normals.to(next(squid.parameters()).device), BATCH))


def calibration_of(raw: RawScores) -> Calibration:
    """What is normal, from the raw scores of N held-out normal images."""
    patches = torch.stack([getattr(raw, name) for name in PATCH_SCORES])
    tiny = torch.finfo(patches.dtype).tiny
    calibration = Calibration(
        patches.mean(1),
        patches.std(1).clamp(min=tiny),
        torch.stack([raw.discriminator.mean(), raw.discriminator.std().clamp(min=tiny)]),
        patches.new_empty(0),
    )
    scores = image_scores(raw, calibration)
    return calibration._replace(normal_scores=torch.stack([scores[name] for name in SCORES]))
