"""What a neighbour knows: images with one digit by another hand, judged tile by tile, alone and among the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from digitanatomy import DigitAnatomy
from squidlib.detection.calibration import standardised
from squidlib.detection.scores import PATCH_SCORES
from squidlib.utils.plotting import ABNORMAL_COLOUR, MAP_COLOURS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.patches import Rectangle

    from squidlib.detection.detector import Detector

BRIGHTEST = 2.0  #: of the tiles' colours, in alarm thresholds


def neighbours_picture(detector: Detector, test: DigitAnatomy, count: int = 3, rate: float = 0.05) -> Figure:
    """One row an image; columns: the image, its tiles by the default score, by the image's others, which tile it is.

    The first ``count`` strangers of the test set are shown, chosen before anything was scored. A tile's number is its
    score over the threshold that ``rate`` of normal images exceed: from 1 on it is an alarm.

    Raises:
        ValueError: where the detector has not learned what belongs together, or there are fewer strangers.
    """
    from matplotlib.figure import Figure

    places = [place for place, kind in enumerate(test.kinds) if kind == "stranger"][:count]
    if len(places) < count or detector.squid.context is None:
        raise ValueError("a detector with a context and as many images with a stranger expected")
    samples = [test[place] for place in places]
    alone, among = _over_threshold(detector, torch.stack([sample.image for sample in samples]), rate)
    figure = Figure(figsize=(10.5, 2.5 * count + 0.6), layout="constrained", facecolor="white")
    axes = figure.subplots(count, 4, squeeze=False)
    found = [0, 0]
    for row, sample, left, right in zip(axes, samples, alone, among, strict=True):
        (tile,) = torch.nonzero(sample.wrong).flatten().tolist()
        found = [before + int(values[tile] >= 1) for before, values in zip(found, (left, right), strict=True)]
        for axis in (row[0], row[3]):
            axis.imshow(sample.image[0], cmap="gray", vmin=0, vmax=1)
        row[3].add_patch(_outline(tile, sample.image.shape[-1] // 3))
        for axis, values in ((row[1], left), (row[2], right)):
            _draw_tiles(axis, values.reshape(3, 3).numpy())
        for axis in row:
            axis.set(xticks=[], yticks=[])
    titles = (
        "One digit is by another hand.\nWhich?",
        f"SQUID's default score:\n{found[0]} of {count} found",
        f"Each tile among the others:\n{found[1]} of {count} found",
        "It is this one",
    )
    for axis, title in zip(axes[0], titles, strict=True):
        axis.set_title(title, fontsize=10)
    legend = f"numbers: score / threshold that {rate:.0%} of normal images exceed; 1 or more is an alarm"
    figure.supxlabel(legend, fontsize=9)
    return figure


def _over_threshold(detector: Detector, images: Tensor, rate: float) -> tuple[Tensor, Tensor]:
    """(B, 9) each: the default score without and with the neighbours, in alarm thresholds."""
    calibration = detector.calibration
    parts = standardised(detector.raw_scores(images), calibration)
    thresholds = [float(calibration.scores_of_normals(name).quantile(1 - rate)) for name in ("combined", "context")]
    return parts[: len(PATCH_SCORES)].sum(0) / thresholds[0], parts[len(PATCH_SCORES)] / thresholds[1]


def _outline(tile: int, side: int) -> Rectangle:
    from matplotlib.patches import Rectangle

    corner = (tile % 3 * side - 0.5, tile // 3 * side - 0.5)
    return Rectangle(corner, side, side, fill=False, edgecolor=ABNORMAL_COLOUR, linewidth=2)


def _draw_tiles(axis: Axes, values: np.ndarray) -> None:
    axis.imshow(values.clip(0, BRIGHTEST), cmap=MAP_COLOURS, vmin=0, vmax=BRIGHTEST)
    for (row, column), value in np.ndenumerate(values):
        light = value > BRIGHTEST / 2
        axis.text(
            column, row, f"{value:.1f}", ha="center", va="center", color="black" if light else "white", fontsize=9
        )
