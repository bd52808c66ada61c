"""Images of which a shortcut was taken away: training, calibration and test, of both classes, treated alike.

Two shortcuts: sharpness (mean |dx|) and exposure (mean and deviation of intensity). The common level of sharpness is
``SHARE`` of the ``QUANTILE`` of normal training images. It was fixed by a look at training images alone (at the
quantile itself, two thirds of the abnormal ones were softer); no test image and no AUC had a say. A third way takes
away more than one number: every image gets the mean radial power spectrum of the normal training images, and with it
their sharpness, mean and standard deviation of intensity at once, but for what leaves 0..1 and is cut off.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from digitanatomy import seeded_generator
from squidlib.data.base import require_test_set
from squidlib.data.chest import ChestData
from squidlib.data.chest.augment import NUMBERS, Augmentation, augment
from squidlib.data.chest.sharpness import gradient, match_exposure, match_sharpness
from squidlib.data.chest.spectrum import match_spectrum, radial_spectrum
from squidlib.teaching.studies.chest_contamination import area

QUANTILE, SHARE = 0.05, 0.6
AS_IS, SHARP, BOTH = "as is", "sharpness matched", "sharpness and exposure matched"
SPECTRUM = "spectrum matched"
CONDITIONS = (AS_IS, SHARP, BOTH, SPECTRUM)

#: Both shortcuts, each as a score: an AUC of .5 says that nothing is left of it, one far below tells as much as one far
#: above. Rounded to ``DECIMALS``, so that what the bisection leaves (1e-6) counts as equal and not as a rank.
DECIMALS = 5
CHECKS: dict[str, Callable[[Tensor], Tensor]] = {
    "softness: -mean |dx|": lambda images: -gradient(images),
    "softness: -mean |dy|": lambda images: -images.diff(dim=-2).abs().mean(dim=(1, 2, 3)),
    "finest detail: -mean |second dx|": lambda images: -images.diff(n=2, dim=-1).abs().mean(dim=(1, 2, 3)),
    "mean intensity": lambda images: images.mean(dim=(1, 2, 3)),
    "deviation of intensity": lambda images: images.std(dim=(1, 2, 3)),
}


@dataclass(frozen=True, eq=False)
class Images:
    """``NormalData`` and a test set whose images were prepared beforehand; all (N, 1, H, W) in 0..1."""

    train: Float[Tensor, "N 1 H W"]
    held_out: Float[Tensor, "K 1 H W"]
    test: Float[Tensor, "T 1 H W"]
    labels: Int64[Tensor, "T"]
    seed: int = 0

    def batch(self, step: int, size: int) -> Float[Tensor, "B 1 H W"]:
        """Training images drawn with replacement and augmented as published; a function of seed and step."""
        generator = seeded_generator(self.seed, step)
        rows = torch.randint(len(self.train), (size,), generator=generator)
        return augment(self.train[rows], torch.rand(size, NUMBERS, generator=generator), Augmentation())

    def reference(self) -> Float[Tensor, "N 1 H W"]:
        """All training images, unvaried."""
        return self.train

    def calibration(self) -> Float[Tensor, "K 1 H W"]:
        """Normal images that training never sees."""
        return self.held_out


class Prepared(NamedTuple):
    """The images of one condition, and how the matching went: JSON numbers, by class where classes differ."""

    images: Images
    matching: dict[str, Any]


def as_it_is(data: ChestData) -> Images:
    """A chest data set as ``Images``."""
    test = require_test_set(data)
    return Images(data.reference(), data.calibration(), test.images, test.labels)


def common_level(normals: Float[Tensor, "N 1 H W"]) -> float:
    """The mean |dx| that everything is blurred to: a share of a low quantile of normal training images."""
    return SHARE * float(gradient(normals).quantile(QUANTILE))


def prepare(raw: Images, condition: str) -> Prepared:
    """The same images in one of ``CONDITIONS``; every number it needs is taken from normal training images."""
    if condition == AS_IS:
        return Prepared(raw, _facts(raw, {}))
    if condition == SPECTRUM:
        spectrum = radial_spectrum(raw.train).mean(0)
        train, held_out, test = (match_spectrum(part, spectrum) for part in (raw.train, raw.held_out, raw.test))
        matched = replace(raw, train=train, held_out=held_out, test=test)
        return Prepared(matched, _facts(matched, {}))
    return _blurred(raw, condition)


def _blurred(raw: Images, condition: str) -> Prepared:
    mean, deviation = float(raw.train.mean()), float(raw.train.std(dim=(1, 2, 3)).mean())

    def expose(images: Tensor) -> Tensor:
        return match_exposure(images, mean, deviation) if condition == BOTH else images

    level = common_level(expose(raw.train))
    train, held_out, test = (match_sharpness(part, level, expose) for part in (raw.train, raw.held_out, raw.test))
    matching: dict[str, Any] = {"level": round(level, 5)}
    for name, part, chosen in (
        ("normal training", train, torch.ones(len(train.soft), dtype=torch.bool)),
        ("normal test", test, raw.labels == 0),
        ("abnormal test", test, raw.labels == 1),
    ):
        matching[name] = {
            "images": int(chosen.sum()),
            "too soft": int(part.soft[chosen].sum()),
            "too sharp": int(part.missed[chosen].sum()),
            "median blur": round(float(part.widths[chosen].median()), 3),
        }
    images = replace(raw, train=train.images, held_out=held_out.images, test=test.images)
    return Prepared(images, _facts(images, matching))


def _facts(images: Images, matching: dict[str, Any]) -> dict[str, Any]:
    return matching | {
        "checks": {
            name: area(images.labels, check(images.test).round(decimals=DECIMALS)) for name, check in CHECKS.items()
        }
    }
