"""Contamination of chest X-rays: AUC against the share of training images that are normal.

Paper: section 5.3 and its figure, ZhangLab with 100 ... 50 % normal images; the claim is that SQUID is the most robust
from 60 % upwards. ``squid contamination`` runs it; ``squidlib.teaching.studies.contamination`` is the digits' study.

Every share has a training set of the same size, so that contamination alone changes. The calibration set is as
contaminated as training, for nobody could have cleaned it; the test set is the same clean one throughout.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from torch import Tensor

from squidlib.baselines import AutoEncoder, MeanImage, MemAE, Method, PatchNeighbours, Sharpness
from squidlib.benchmark.tables import Cells
from squidlib.data.base import require_test_set
from squidlib.data.chest import ChestData
from squidlib.detection.detector import Detector
from squidlib.detection.metrics import auc
from squidlib.detection.scores import DEFAULT_SCORE
from squidlib.training.presets import Preset
from squidlib.training.run_dir import Run
from squidlib.training.settings import RunSettings
from squidlib.training.trainer import train_run
from squidlib.utils.errors import UserError

SHARES = (100, 90, 80, 70, 60, 50)
SQUID = "SQUID"
AUGMENTED = 2048  #: augmented images that the baselines' networks are trained on


def common_size(data: ChestData, shares: Sequence[int], seeds: Sequence[int]) -> int:
    """The largest number of training images, in steps of about 2 %, that every share and seed can have.

    Raises:
        UserError: where not even a small set can be drawn.
    """
    images = len(data)
    while True:
        try:
            check_size(data, shares, seeds, images)
        except UserError:
            if images < 4:
                raise
            images -= max(1, images // 50)
        else:
            return images


def check_size(data: ChestData, shares: Sequence[int], seeds: Sequence[int], images: int) -> None:
    """Draw every training set once.

    Raises:
        UserError: where one of them cannot be that large.
    """
    for seed in seeds:
        for share in shares:
            data.contaminated(share, seed, images)


def baselines(preset: Preset, steps: int) -> dict[str, Method]:
    """The methods beside SQUID, by name; ``steps`` are of those that are trained."""
    methods: list[Method] = [
        MemAE(preset.config, steps=steps),
        AutoEncoder(steps=steps),
        PatchNeighbours(preset.config.grid),
        MeanImage(),
        Sharpness(),
    ]
    return {method.name: method for method in methods}


def squid_run(data: ChestData, preset: Preset, seed: int, folder: Path, device: str = "cpu") -> dict[str, Any]:
    """Train SQUID and judge it; ``preset.training`` says for how long.

    Args:
        folder: of the training. One of the same settings that was interrupted there goes on to the same end; what else
            was left there is replaced.

    Raises:
        Interrupted: after Ctrl-C, when all that was learned is saved.
    """
    run, training = Run(folder), replace(preset.training, seed=seed)
    metadata = {"images": len(data), "dirty": int(data.contaminated_rows.sum())}
    wanted = RunSettings(preset.config, training, preset.weights, metadata)
    if not run.settings_path.is_file() or run.read_settings() != wanted:
        run.begin(wanted, overwrite=True)
    return squid_aucs(train_run(run, wanted, data, device), data)


def squid_aucs(detector: Detector, data: ChestData) -> dict[str, Any]:
    """AUC of the default score, and of every score, on the test set."""
    test = require_test_set(data)
    images, labels = test.images, test.labels
    scores = {name: area(labels, values) for name, values in detector.scores(images).items()}
    return {"auc": scores[DEFAULT_SCORE], "scores": scores}


def baseline_run(method: Method, data: ChestData, seed: int, device: str = "cpu") -> dict[str, Any]:
    """Fit a baseline and judge it; networks learn from augmented images, as SQUID does."""
    test = require_test_set(data)
    images, labels = test.images, test.labels
    normals = data.reference().to(device)
    augmented = data.batch(0, AUGMENTED).to(device) if hasattr(method, "steps") else None
    method.fit(normals, seed, augmented=augmented)
    return {"auc": area(labels, method.score(images.to(device)))}


def area(labels: Tensor, scores: Float[Tensor, "B"]) -> float:
    """AUC, rounded to 4 digits."""
    return round(auc(labels.cpu().numpy(), scores.detach().cpu().numpy()), 4)


def aucs(runs: dict[str, dict[str, Any]], name: str, share: int, score: str | None = None) -> list[float]:
    """AUC of one method at one share, in the order of the seeds; ``score`` is one of SQUID's."""
    own = (figures for key, figures in runs.items() if key.rpartition("/")[0] == f"{name} {share}")
    return [float(figures["auc"] if score is None else figures["scores"][score]) for figures in own]


def methods_of(runs: dict[str, dict[str, Any]]) -> list[str]:
    """Names of the methods that were run, in order."""
    return list(dict.fromkeys(key.rpartition(" ")[0] for key in runs))


def cells(runs: dict[str, dict[str, Any]], shares: Sequence[int]) -> Cells:
    """Header and a row for each method, then for each single score of SQUID; mean ± std over the seeds."""
    names = methods_of(runs)
    own: dict[str, float] = next((figures["scores"] for figures in runs.values() if "scores" in figures), {})
    rows = [[name, *(summary(aucs(runs, name, share)) for share in shares)] for name in names]
    rows += [
        [f"{SQUID}, {score}", *(summary(aucs(runs, SQUID, share, score)) for share in shares)]
        for score in own
        if score != DEFAULT_SCORE
    ]
    return [["normal images", *(f"{share} %" for share in shares)], *rows]


def summary(values: Sequence[float]) -> str:
    """Mean ± standard deviation (n - 1); the mean alone of one value, a dash for none."""
    if not values:
        return "–"
    mean = f"{np.mean(values):.3f}"
    return mean if len(values) < 2 else f"{mean} ± {np.std(values, ddof=1):.3f}"
