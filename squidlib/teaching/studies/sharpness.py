"""Sharpness and exposure: how much of the detection on chest X-rays do these two shortcuts explain?

Images with pneumonia are softer in this data set, whether by haze in the lung, by movement or by how they were taken:
a score that only measures sharpness finds many of them (``squidlib.baselines.naive``). Here that is taken away:
every image, of training, calibration and test, of both classes, is blurred to one level of mean |dx|, and then, in
another condition, also brought to one mean and standard deviation of intensity. In the last condition all images get
one radial power spectrum. What a method still finds, it finds by something else.

    python -m squidlib.teaching.studies.sharpness --data chest_xray     # layout of ZhangLab; about an hour on one CPU
    core
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any

from torch import Tensor

from squidlib.baselines import AutoEncoder, MeanImage, Method, PatchNeighbours
from squidlib.baselines.feature_neighbours import FeatureNeighbours
from squidlib.data.chest import ChestData
from squidlib.data.registry import open_dataset
from squidlib.detection.calibration import calibration_of, image_scores
from squidlib.detection.scores import DEFAULT_SCORE
from squidlib.teaching.studies.chest_contamination import area
from squidlib.teaching.studies.results import SEEDS, one_thread, run_all
from squidlib.teaching.studies.shortcuts import (
    AS_IS,
    CONDITIONS,
    QUANTILE,
    SHARE,
    SHARP,
    Images,
    Prepared,
    as_it_is,
    prepare,
)
from squidlib.training.loop import start, train
from squidlib.training.presets import PRESETS, Preset
from squidlib.training.trainer import finish

STEPS, AUTO_ENCODER_STEPS = 200, 100
AUGMENTED = 2048  #: augmented images that the auto-encoder is trained on
TESTED = "tested on matched"  #: trained as it is; calibration and test matched in sharpness


def squid_run(images: Images, preset: Preset, seed: int, matched: Images | None = None) -> dict[str, Any]:
    """Train SQUID, judge it by every score; where ``matched`` is given, calibrate and test it on those too."""
    training = replace(preset.training, seed=seed)
    state = start(preset.config, training, "cpu")
    data = replace(images, seed=seed)
    for _ in train(state, data, training, preset.weights):
        pass
    detector = finish(state, data, {})
    figures = _aucs(detector.scores(images.test), images.labels)
    if matched is not None:
        calibration = calibration_of(detector.raw_scores(matched.held_out))
        figures[TESTED] = _aucs(image_scores(detector.raw_scores(matched.test), calibration), matched.labels)
    return figures


def _aucs(scores: dict[str, Tensor], labels: Tensor) -> dict[str, Any]:
    found = {name: area(labels, values) for name, values in scores.items()}
    return {"auc": found[DEFAULT_SCORE], "scores": found}


def method_run(method: Method, images: Images, seed: int, matched: Images | None = None) -> dict[str, Any]:
    """Fit another method and judge it; where ``matched`` is given, test it on that too."""
    augmented = replace(images, seed=seed).batch(0, AUGMENTED) if hasattr(method, "steps") else None
    method.fit(images.train, seed, augmented=augmented)
    figures: dict[str, Any] = {"auc": area(images.labels, method.score(images.test))}
    if matched is not None:
        figures[TESTED] = {"auc": area(matched.labels, method.score(matched.test))}
    return figures


def jobs(
    raw: Images, preset: Preset, methods: dict[str, Callable[[], Method]], seeds: tuple[int, ...] = SEEDS
) -> dict[str, Callable[[], dict[str, Any]]]:
    """ "condition: method/seed" -> its run; a method without weights of its own, and the matching, have one seed.

    Args:
        preset: SQUID's, for as many steps as it is to be trained.
        methods: name -> what makes the method again.
    """

    @cache
    def prepared(condition: str) -> Prepared:
        return prepare(raw, condition)

    def matched(condition: str) -> Images | None:
        return prepared(SHARP).images if condition == AS_IS else None

    def judge(condition: str, name: str, seed: int) -> dict[str, Any]:
        return method_run(methods[name](), prepared(condition).images, seed, matched(condition))

    def judge_squid(condition: str, seed: int) -> dict[str, Any]:
        return squid_run(prepared(condition).images, preset, seed, matched(condition))

    found: dict[str, Callable[[], dict[str, Any]]] = {}
    for seed in seeds:
        for condition in CONDITIONS:
            if seed == seeds[0]:
                found[f"{condition}: matching/{seed}"] = partial(lambda name: prepared(name).matching, condition)
            for name, build in methods.items():
                if seed == seeds[0] or hasattr(build(), "steps"):
                    found[f"{condition}: {name}/{seed}"] = partial(judge, condition, name, seed)
            found[f"{condition}: SQUID/{seed}"] = partial(judge_squid, condition, seed)
    return found


def main() -> None:
    """Run what the study still lacks."""
    parser = argparse.ArgumentParser(prog="python -m squidlib.teaching.studies.sharpness")
    parser.add_argument("--data", type=Path, required=True, help="folder of ZhangLab: {train,test}/{NORMAL,PNEUMONIA}")
    parser.add_argument("--cache", type=Path, help="where decoded X-rays are kept; by default a folder in --data")
    chosen = parser.parse_args()
    one_thread()
    preset = PRESETS["laptop"]["zhanglab"]
    preset = preset._replace(training=replace(preset.training, steps=STEPS, schedule_steps=STEPS))
    data = open_dataset(
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
    methods: dict[str, Callable[[], Method]] = {
        "mean image": MeanImage,
        "pixel kNN": partial(PatchNeighbours, preset.config.grid),
        "auto-encoder": partial(AutoEncoder, steps=AUTO_ENCODER_STEPS),
        network.name: lambda: network,
    }
    metadata = {
        "steps": {"SQUID": STEPS, "auto-encoder": AUTO_ENCODER_STEPS},
        "level": f"{SHARE} of the {QUANTILE:.0%} quantile of normal training images",
        "images": {"train": len(raw.train), "calibration": len(raw.held_out), "test": len(raw.test)},
        "seeds": list(SEEDS),
        "command": "python -m squidlib.teaching.studies.sharpness --data DIR",
    }
    run_all("sharpness", metadata, jobs(raw, preset, methods))


if __name__ == "__main__":
    main()
