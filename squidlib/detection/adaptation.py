"""Adaptation: a detector learns another site's normal images without training, by pushing them into its memory.

It is the practical use of the paper's idea: a memory *queue* holds copies, so what a site's normals look like can be
added in seconds; a learned memory matrix would have to be trained again.

Every image takes part in both: it is remembered, and it tells what a normal image scores, but not at once. The images
are cut into folds, and each fold is scored by a memory that holds the others only. Of few images the standard deviation
at a position is hardly known; the detector's own counts as that of ``PRIOR`` images beside them.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from squidlib.detection.calibration import Calibration, calibration_by
from squidlib.detection.detector import Detector
from squidlib.detection.familiarity import widened
from squidlib.detection.inputs import check_images
from squidlib.detection.memory_readout import encode, read_scores
from squidlib.detection.scores import RawScores
from squidlib.squid import fill_memory
from squidlib.utils.errors import UserError

LEAST = 4  #: normal images; fewer tell nothing of what varies
FOLDS = 5  #: or as many as there are images, where these are fewer
PRIOR = 30  #: images that the detector's own standard deviations count for


@torch.no_grad()
def adapted(detector: Detector, normals: Float[Tensor, "N C H W"]) -> Detector:
    """A copy of the detector that also remembers these normal images, and is calibrated on them.

    The memory becomes as much longer as there are images, and loses nothing. The networks stay as they are.

    Args:
        normals: of the new site, in 0..1, of as many patients as possible.

    Raises:
        UserError: where there are fewer than ``LEAST`` images, or they are of another shape.
    """
    images = _checked(detector, normals)
    squid, metadata = deepcopy(detector.squid), deepcopy(detector.metadata)
    memory: Any = squid.inpainting.memory
    memory.resize(int(memory.filled) + len(images))
    fill_memory(squid, images)
    metadata["adapted"] = [*metadata.get("adapted", []), len(normals)]
    raw = _out_of_fold(detector, images, squid.inpainting.memory.contents()[:, -len(images) :])
    return Detector(squid, deepcopy(detector.discriminator), _calibrated(detector, raw, images), metadata)


@torch.no_grad()
def recalibrated(detector: Detector, normals: Float[Tensor, "N C H W"]) -> Detector:
    """A copy of the detector that is calibrated on these normal images and remembers none of them.

    All that a detector can do whose memory is a learned matrix, or that has none.

    Args:
        normals: of the new site, in 0..1, of as many patients as possible.

    Raises:
        UserError: where there are fewer than ``LEAST`` images, or they are of another shape.
    """
    images = _checked(detector, normals)
    metadata = deepcopy(detector.metadata)
    metadata["recalibrated"] = [*metadata.get("recalibrated", []), len(normals)]
    calibration = _calibrated(detector, detector.raw_scores(images), images)
    return Detector(deepcopy(detector.squid), deepcopy(detector.discriminator), calibration, metadata)


def _checked(detector: Detector, normals: Tensor) -> Tensor:
    if len(normals) < LEAST:
        raise UserError(f"at least {LEAST} normal images are needed to adapt to a site, got {len(normals)}")
    return check_images(normals, detector.config.image_shape).to(detector.device)


def _out_of_fold(detector: Detector, images: Tensor, features: Float[Tensor, "R N D"]) -> RawScores:
    """Raw scores of every image, by a memory that does not hold it.

    Args:
        features: of the images, as a memory holds them.
    """
    known, shrink = detector.squid.inpainting.memory.contents(), detector.squid.inpainting.shrink
    folds = torch.arange(len(images), device=images.device) % min(FOLDS, len(images))
    parts, order = [], []
    for fold in folds.unique():
        slots = torch.cat([known, features[:, folds != fold]], dim=1)
        parts.append(read_scores(detector, encode(detector, images[folds == fold]), slots, shrink))
        order.append(torch.nonzero(folds == fold).flatten())
    back = torch.cat(order).argsort()
    return RawScores.joined(parts).each(lambda part: part[back])


def _calibrated(detector: Detector, raw: RawScores, images: Tensor) -> Calibration:
    """What is normal at the new site: its own means, and standard deviations that few images cannot overturn.

    What a normal image scores, and with it the threshold, is told by each image under the means and standard deviations
    of the *others*: under its own, none of N images lies farther than (N - 1) / sqrt(N) standard deviations from their
    mean, and the worst of many positions would come out far lower than a new image's.
    """
    known, count = detector.calibration, len(images)
    found = _standardised_by(known, raw)
    rows = torch.arange(count, device=raw.error.device)
    alone = []
    for row in rows:
        others = _standardised_by(known, _rows(raw, rows != row))
        one = _rows(raw, rows == row)
        same = others.mean, others.std, others.discriminator, others.image_scale
        alone.append(calibration_by(one, *same).normal_scores)
    return found._replace(normal_scores=torch.cat(alone, dim=1), familiarity=widened(known.familiarity, images))


def _rows(raw: RawScores, chosen: Bool[Tensor, "N"]) -> RawScores:
    return raw.each(lambda part: part[chosen])


def _standardised_by(known: Calibration, raw: RawScores) -> Calibration:
    """Means of these images, standard deviations of them and of what is known already."""
    patches = raw.patches()
    count = patches.shape[1]
    own, logits = patches.var(1), raw.discriminator
    std = ((PRIOR * known.std.to(own) ** 2 + count * own) / (PRIOR + count)).sqrt()
    before = known.discriminator.to(logits)[1]
    logit_std = ((PRIOR * before**2 + count * logits.var()) / (PRIOR + count)).sqrt()
    return calibration_by(raw, patches.mean(1), std, torch.stack([logits.mean(), logit_std]))
