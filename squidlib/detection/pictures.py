"""Pictures: what was found, shown so that somebody who knows nothing of the paper can see it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from digitanatomy import KINDS, DigitAnatomy
from squidlib.utils.plotting import ABNORMAL_COLOUR, MAP_COLOURS, NORMAL_COLOUR, as_picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from squidlib.detection.detector import Detector

_TITLES = {
    "normal": "Normal",
    "novel": "Novel\na digit 0 appears",
    "disorder": "Disorder\ntwo digits changed places",
    "missing": "Missing\na digit is absent",
    "flipped": "Flipped\na digit is mirrored",
}


def detection_picture(detector: Detector, test: DigitAnatomy, rate: float = 0.05) -> Figure:
    """One row a kind; columns: input, reconstruction, anomaly map, score against all calibration normals.

    The first image of each kind is shown, chosen before anything was scored; what is truly wrong is outlined.
    """
    from matplotlib.colors import PowerNorm
    from matplotlib.figure import Figure
    from matplotlib.patches import Rectangle

    kinds = [kind for kind in KINDS if kind in test.kinds]
    samples = [test[test.kinds.index(kind)] for kind in kinds]
    images = torch.stack([sample.image for sample in samples])
    predicted = detector.predict(images, rate)
    reconstructions, maps, scores = predicted.reconstruction, predicted.anomaly_map, predicted.score
    normal, threshold, verdicts = detector.normal_scores().numpy(), predicted.threshold, predicted.verdicts
    figure = Figure(figsize=(10.5, 2.15 * len(kinds) + 0.6), layout="constrained", facecolor="white")
    axes = figure.subplots(len(kinds), 4, squeeze=False, width_ratios=[1, 1, 1, 1.45])
    brightest = float(maps.max())
    limits = (min(float(normal.min()), float(scores.min())), max(float(normal.max()), float(scores.max())))
    margin = 0.06 * (limits[1] - limits[0])
    bins = np.linspace(*limits, 40).tolist()
    for index, (kind, sample) in enumerate(zip(kinds, samples, strict=True)):
        row = axes[index]
        row[0].imshow(sample.image[0], cmap="gray", vmin=0, vmax=1)
        row[1].imshow(reconstructions[index][0], cmap="gray", vmin=0, vmax=1)
        # One scale for all rows, so that rows can be compared; the root keeps faint findings visible.
        row[2].imshow(maps[index][0], cmap=MAP_COLOURS, norm=PowerNorm(0.5, vmin=0, vmax=brightest))
        for axis in row[:3]:
            axis.set(xticks=[], yticks=[])
        height, width = detector.config.patch_shape
        columns = detector.config.grid_shape[1]
        for tile in torch.nonzero(sample.wrong).flatten().tolist():
            corner = (tile % columns * width - 0.5, tile // columns * height - 0.5)
            row[0].add_patch(Rectangle(corner, width, height, fill=False, edgecolor=ABNORMAL_COLOUR, linewidth=2))
        row[0].set_ylabel(_TITLES[kind], fontsize=10)
        colour = ABNORMAL_COLOUR if predicted.abnormal[index] else NORMAL_COLOUR
        row[3].hist(normal, bins=bins, color="0.75")
        row[3].axvline(threshold, color="black", linestyle=":", linewidth=1.2)
        row[3].axvline(float(scores[index]), color=colour, linewidth=2.5)
        row[3].set(yticks=[], xlim=(limits[0] - margin, limits[1] + margin))
        verdict = f"score {float(scores[index]):.1f}: called {verdicts[index]}"
        row[3].set_xlabel(verdict, color=colour)
        row[3].spines[["top", "left", "right"]].set_visible(False)
    titles = (
        "Input\n(outlined: truly wrong)",
        "Reconstruction",
        "Anomaly map",
        f"Score (higher = more abnormal)\ngrey: normals; dotted: their top {rate:.0%}",
    )
    for axis, title in zip(axes[0], titles, strict=True):
        axis.set_title(title, fontsize=10)
    return figure


def image_row(images: list[torch.Tensor], titles: list[str]) -> Figure:
    """Images (1, H, W) or (3, H, W) in 0..1 side by side, each under its title."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(2.1 * len(images), 2.4), layout="constrained", facecolor="white")
    axes = figure.subplots(1, len(images), squeeze=False)[0]
    for axis, image, title in zip(axes, images, titles, strict=True):
        axis.imshow(as_picture(image), cmap="gray", vmin=0, vmax=1)
        axis.set(xticks=[], yticks=[])
        axis.set_title(title, fontsize=10)
    return figure
