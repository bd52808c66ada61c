"""Familiarity: is an image of the kind that the detector was trained on at all?

Not in the paper. A detector that was trained on radiographs has a score for a photograph, for an inverted or a rescaled
radiograph, too, and the score says "abnormal", or "normal". Neither is an answer: such an image is *unlike the training
data*. A few plain statistics of the whole image tell: polarity, range, contrast, sharpness, coarse structure. Their
limits come from held-out normal images alone.

An anomaly is a change in a part of an image of the right kind, and is to stay inside: the limits lie half a range to a
whole range of the normal images beyond the most extreme of them, and further where those are few. Measured on normal
images that had no part in it, at most one in a hundred lies outside. What such wide limits let pass is left to the
scores.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from squidlib.utils.errors import UserError

COARSE = 12  #: cells a side of the coarse image that structure is compared on
COMPONENTS = 16  #: principal components of the coarse image
LEAST_CONTRAST = 1e-3  #: an image with a smaller standard deviation shows nothing
LEAST_IMAGES = 20  #: normal images without which nothing can be said: their range would be too small
FEW = 64  #: with so many normal images the margin is doubled: the range of few is smaller than that of many


class Statistic(NamedTuple):
    """margin: how far beyond the normal images its limits lie, in ranges of theirs; least: at least so far."""

    margin: float
    least: float


#: What is measured. Where an anomaly may change it (what is where in an image), the margin is a whole range.
STATISTICS = {
    "brightness": Statistic(0.5, 0.02),  # mean grey value
    "contrast": Statistic(0.5, 0.2),  # log of the standard deviation
    "darkest": Statistic(1.0, 0.15),  # of coarse cells; in some X-rays the body fills the image
    "brightest": Statistic(1.0, 0.02),  # of coarse cells
    "sharpness": Statistic(0.5, 0.2),  # log of the mean step between neighbours, in standard deviations of the image
    "detail": Statistic(0.5, 0.1),  # log of the mean step at half size, in those at a quarter: what blurring takes
    "structure": Statistic(1.0, 0.05),  # cosine to the mean normal image, both coarse and standardised
    "layout": Statistic(1.0, 0.05),  # what the normal images' principal components do not explain of the coarse image
    "colour": Statistic(0.5, 0.02),  # mean difference between the channels
}


class Familiarity(NamedTuple):
    """What images of the right kind measure.

    limits: (2, K), the lowest and the highest value of each of ``STATISTICS``.
    typical: (cells,), the mean normal image, coarse and standardised.
    components: (P, cells), the principal components of coarse normal images.
    """

    limits: Tensor
    typical: Tensor
    components: Tensor

    def check(self) -> None:
        """Whether it can be used; of one that comes from a file.

        Raises:
            UserError: where a shape does not fit.
        """
        expected = {
            "limits": (2, len(STATISTICS)),
            "typical": (COARSE**2,),
            "components": (len(self.components) if self.components.ndim else 0, COARSE**2),
        }
        for name, shape in expected.items():
            found = tuple(getattr(self, name).shape)
            if found != shape:
                raise UserError(f"the familiarity's {name} have shape {found}, not {shape}")


def familiarity_of(normals: Float[Tensor, "N C H W"]) -> Familiarity | None:
    """The limits that held-out normal images draw; None where they are fewer than ``LEAST_IMAGES``.

    Every second image tells what is typical, and the others how far from it a normal image may be.
    """
    if len(normals) < LEAST_IMAGES:
        return None
    told = torch.cat([_standardised(_coarse(batch)) for batch in normals[::2].split(256)])
    typical = told.mean(0)
    count = min(COMPONENTS, len(told) // 4)
    components = torch.linalg.svd(told - typical, full_matrices=False).Vh[:count]
    known = Familiarity(typical.new_empty(2, 0), typical, components)
    found = torch.cat([statistics(batch, known) for batch in normals[1::2].split(256)])
    low, high = found.amin(0), found.amax(0)
    shares, least = torch.tensor(list(STATISTICS.values())).to(found).T
    margin = torch.maximum(shares * (1 + FEW / len(normals)) * (high - low), least)
    return known._replace(limits=torch.stack([low - margin, high + margin]))


def widened(familiarity: Familiarity | None, normals: Float[Tensor, "N C H W"]) -> Familiarity | None:
    """The limits of another site: its own where there are enough images to tell, else the known ones made wide enough.

    Args:
        familiarity: what was known before; None: nothing.
        normals: of the new site.
    """
    if familiarity is None or len(normals) >= LEAST_IMAGES:
        return familiarity_of(normals)
    found = statistics(normals, Familiarity(*(part.to(normals.device) for part in familiarity)))
    low, high = familiarity.limits.to(found)
    low, high = torch.minimum(low, found.amin(0)), torch.maximum(high, found.amax(0))
    return familiarity._replace(limits=torch.stack([low, high]))


def unlike(images: Float[Tensor, "B C H W"], familiarity: Familiarity) -> Bool[Tensor, "B"]:
    """Whether an image lies outside the limits in any of ``STATISTICS``."""
    familiarity = Familiarity(*(part.to(images.device) for part in familiarity))
    low, high = familiarity.limits
    found = statistics(images, familiarity)
    return ((found < low) | (found > high)).any(1)


def statistics(images: Float[Tensor, "B C H W"], familiarity: Familiarity) -> Float[Tensor, "B K"]:
    """``STATISTICS`` of each image, in their order."""
    grey = images.mean(1, keepdim=True)
    contrast = _std(grey.flatten(1))[:, 0].clamp(min=LEAST_CONTRAST)
    half, quarter = (_steps(F.avg_pool2d(grey, min(size, *grey.shape[2:]))) for size in (2, 4))
    steps = _steps(grey)
    sharpness, detail = (steps / contrast).log(), (half / quarter).log()
    coarse = _coarse(images)
    plain, typical = _standardised(coarse), familiarity.typical
    structure = F.cosine_similarity(plain, typical[None], eps=1e-6)
    away = plain - typical
    left = away - away @ familiarity.components.T @ familiarity.components
    layout = left.square().mean(1).sqrt()
    colour = (images.amax(1) - images.amin(1)).mean((1, 2))
    ends = [coarse.amin(1), coarse.amax(1)]
    brightness = grey.mean((1, 2, 3))
    return torch.stack([brightness, contrast.log(), *ends, sharpness, detail, structure, layout, colour], dim=1)


def _steps(grey: Float[Tensor, "B 1 H W"]) -> Float[Tensor, "B"]:
    """Mean absolute difference between neighbouring pixels."""
    down, right = grey.diff(dim=2).abs(), grey.diff(dim=3).abs()
    total, count = down.sum((1, 2, 3)) + right.sum((1, 2, 3)), down[0].numel() + right[0].numel()
    return (total / max(1, count)).clamp(min=LEAST_CONTRAST / 100)


def _coarse(images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B cells"]:
    return F.adaptive_avg_pool2d(images.mean(1, keepdim=True), COARSE).flatten(1)


def _standardised(coarse: Float[Tensor, "B cells"]) -> Float[Tensor, "B cells"]:
    away = coarse - coarse.mean(1, keepdim=True)
    return away / _std(coarse).clamp(min=LEAST_CONTRAST)


def _std(values: Float[Tensor, "B N"]) -> Float[Tensor, "B 1"]:
    """As ``values.std(1, keepdim=True)``, in a tenth of its time on a CPU."""
    away = values - values.mean(1, keepdim=True)
    return away.norm(dim=1, keepdim=True) / max(1, values.shape[1] - 1) ** 0.5
