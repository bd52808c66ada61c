"""Sharpness and exposure: how much of the detection on chest X-rays do these two shortcuts explain?

A child with pneumonia moves, is exposed differently, and its lung is hazy: its image is softer. A score that only
measures sharpness already finds much (``squidlib.baselines.sharpness``). Here that is taken away: every image, of
training, calibration and test, of both classes, is blurred to one level of mean |dx|, and then, in another condition,
also brought to one mean and standard deviation of intensity. What a system still finds, it finds by something else.

    python -m squidlib.studies.sharpness --data chest_xray     # layout of ZhangLab; about an hour on one CPU core

The level is ``SHARE`` of the ``QUANTILE`` of normal training images. It was fixed by a look at training images alone
(at the quantile itself, two thirds of the abnormal ones were softer); no test image and no AUC had a say.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from digitanatomy import seeded_generator
from squidlib.baselines import AutoEncoder, MeanImage, PatchNeighbours, System
from squidlib.baselines.feature_neighbours import FeatureNeighbours
from squidlib.chest import ChestData
from squidlib.chest.augment import NUMBERS, Augmentation, augment
from squidlib.chest.matching import match_exposure, match_sharpness
from squidlib.chest.soften import gradient
from squidlib.data_choice import data_of
from squidlib.detector import calibration_of, image_scores
from squidlib.pipeline import finish
from squidlib.presets import Preset, laptop_chest
from squidlib.scoring import DEFAULT_SCORE
from squidlib.studies.chest_contamination import area
from squidlib.studies.results import SEEDS, one_thread, run_all
from squidlib.training import start, train

QUANTILE, SHARE = 0.05, 0.6
STEPS, AUTO_ENCODER_STEPS = 200, 100
VARIED = 2048  #: augmented images that the auto-encoder is trained on
AS_IS, SHARP, BOTH = "as is", "sharpness matched", "sharpness and exposure matched"
CONDITIONS = (AS_IS, SHARP, BOTH)
TESTED = "tested on matched"  #: trained as it is; calibration and test matched in sharpness

#: Both shortcuts, each as a score: an AUC of .5 says that nothing is left of it, one far below tells as much as one far
#: above. Rounded to ``DECIMALS``, so that what the bisection leaves (1e-6) counts as equal and not as a rank.
DECIMALS = 5
CHECKS: dict[str, Callable[[Tensor], Tensor]] = {
    "softness: -mean |dx|": lambda images: -gradient(images),
    "softness: -mean |dy|": lambda images: -images.diff(dim=-2).abs().mean(dim=(1, 2, 3)),
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
    test, labels = data.test()
    return Images(data.reference(), data.calibration(), test, labels)


def common_level(normals: Float[Tensor, "N 1 H W"]) -> float:
    """The mean |dx| that everything is blurred to: a share of a low quantile of normal training images."""
    return SHARE * float(gradient(normals).quantile(QUANTILE))


def prepare(raw: Images, condition: str) -> Prepared:
    """The same images in one of ``CONDITIONS``; every number it needs is taken from normal training images."""
    if condition == AS_IS:
        return Prepared(raw, _facts(raw, {}))
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


def squid_run(images: Images, preset: Preset, seed: int, matched: Images | None = None) -> dict[str, Any]:
    """Train SQUID, judge it by every score; where ``matched`` is given, calibrate and test it on those too."""
    training = replace(preset.training, seed=seed)
    state = start(preset.config, training, "cpu")
    data = replace(images, seed=seed)
    train(state, data, training, preset.weights)
    detector = finish(state, data, {})
    figures = _aucs(detector.scores(images.test), images.labels)
    if matched is not None:
        calibration = calibration_of(detector.raw_scores(matched.held_out))
        figures[TESTED] = _aucs(image_scores(detector.raw_scores(matched.test), calibration), matched.labels)
    return figures


def _aucs(scores: dict[str, Tensor], labels: Tensor) -> dict[str, Any]:
    found = {name: area(labels, values) for name, values in scores.items()}
    return {"auc": found[DEFAULT_SCORE], "scores": found}


def system_run(system: System, images: Images, seed: int, matched: Images | None = None) -> dict[str, Any]:
    """Fit another system and judge it; where ``matched`` is given, test it on that too."""
    varied = replace(images, seed=seed).batch(0, VARIED) if hasattr(system, "steps") else None
    system.fit(images.train, seed, varied=varied)
    figures: dict[str, Any] = {"auc": area(images.labels, system.score(images.test))}
    if matched is not None:
        figures[TESTED] = {"auc": area(matched.labels, system.score(matched.test))}
    return figures


def jobs(
    raw: Images, preset: Preset, systems: dict[str, Callable[[], System]], seeds: tuple[int, ...] = SEEDS
) -> dict[str, Callable[[], dict[str, Any]]]:
    """ "condition: system/seed" -> its run; a system without weights of its own, and the matching, have one seed.

    Args:
        preset: SQUID's, for as many steps as it is to be trained.
        systems: name -> what makes the system anew.
    """

    @cache
    def prepared(condition: str) -> Prepared:
        return prepare(raw, condition)

    def matched(condition: str) -> Images | None:
        return prepared(SHARP).images if condition == AS_IS else None

    def judge(condition: str, name: str, seed: int) -> dict[str, Any]:
        return system_run(systems[name](), prepared(condition).images, seed, matched(condition))

    def judge_squid(condition: str, seed: int) -> dict[str, Any]:
        return squid_run(prepared(condition).images, preset, seed, matched(condition))

    found: dict[str, Callable[[], dict[str, Any]]] = {}
    for seed in seeds:
        for condition in CONDITIONS:
            if seed == seeds[0]:
                found[f"{condition}: matching/{seed}"] = partial(lambda name: prepared(name).matching, condition)
            for name, build in systems.items():
                if seed == seeds[0] or hasattr(build(), "steps"):
                    found[f"{condition}: {name}/{seed}"] = partial(judge, condition, name, seed)
            found[f"{condition}: SQUID/{seed}"] = partial(judge_squid, condition, seed)
    return found


def main() -> None:
    """Run what the study still lacks."""
    parser = argparse.ArgumentParser(prog="python -m squidlib.studies.sharpness")
    parser.add_argument("--data", type=Path, required=True, help="folder of ZhangLab: {train,test}/{NORMAL,PNEUMONIA}")
    parser.add_argument("--cache", type=Path, help="where decoded X-rays are kept; by default a folder in --data")
    chosen = parser.parse_args()
    one_thread()
    preset = laptop_chest()
    preset = preset._replace(training=replace(preset.training, steps=STEPS, schedule_steps=STEPS))
    data = data_of(
        {
            "data": "zhanglab",
            "folder": str(chosen.data),
            "image_size": preset.config.image_size,
            "cache": None if chosen.cache is None else str(chosen.cache),
        },
        0,
    )
    assert isinstance(data, ChestData)
    raw = as_it_is(data)
    network = FeatureNeighbours()
    systems: dict[str, Callable[[], System]] = {
        "mean image": MeanImage,
        "pixel kNN": partial(PatchNeighbours, preset.config.grid),
        "auto-encoder": partial(AutoEncoder, steps=AUTO_ENCODER_STEPS),
        network.name: lambda: network,
    }
    facts = {
        "steps": {"SQUID": STEPS, "auto-encoder": AUTO_ENCODER_STEPS},
        "level": f"{SHARE} of the {QUANTILE:.0%} quantile of normal training images",
        "images": {"train": len(raw.train), "calibration": len(raw.held_out), "test": len(raw.test)},
        "seeds": list(SEEDS),
        "command": "python -m squidlib.studies.sharpness --data DIR",
    }
    run_all("sharpness", facts, jobs(raw, preset, systems))


if __name__ == "__main__":
    main()
