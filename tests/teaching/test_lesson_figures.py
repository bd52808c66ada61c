"""The figures of lessons: everybody can read them, and they show what they were given."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from squidlib.teaching.lesson import (
    COLOURS,
    bars,
    curves,
    histograms,
    image_grid,
    panels,
    points,
)
from squidlib.utils.palette import ABNORMAL, COMPARED, MEMORY, NETWORK, NORMAL, colours_of
from squidlib.utils.plotting import DASHES, MARKERS
from tests.helpers import noise
from tests.teaching.test_lesson_training_picture import picture

#: Machado, Oliveira and Fernandes 2009, severity 1, on linear RGB.
SIGHT = {
    "full": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
}
APART = 15.0  #: CIE76 distance; 2.3 is just noticeable when two areas touch
#: Linear sRGB -> XYZ, rows X, Y, Z.
TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)


def linear(colour: str) -> NDArray[np.float64]:
    """ "#rrggbb" -> linear RGB in 0..1."""
    values = np.array([int(colour[index : index + 2], 16) / 255 for index in (1, 3, 5)])
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def lab(rgb: NDArray[np.float64]) -> NDArray[np.float64]:
    """Linear RGB -> CIE Lab under D65."""
    xyz = TO_XYZ @ np.clip(rgb, 0, 1) / np.array([0.95047, 1.0, 1.08883])
    roots = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * roots[1] - 16, 500 * (roots[0] - roots[1]), 200 * (roots[1] - roots[2])])


def test_lab_is_right_for_white_and_red() -> None:
    assert lab(linear("#FFFFFF")) == pytest.approx([100, 0, 0], abs=0.1)
    assert lab(linear("#FF0000")) == pytest.approx([53.24, 80.09, 67.20], abs=0.1)


@pytest.mark.parametrize("sight", SIGHT)
def test_colours_stay_apart_for_everybody_and_on_white(sight: str) -> None:
    seen = [lab(SIGHT[sight] @ linear(colour)) for colour in (*COLOURS, "#FFFFFF")]
    nearest = min(float(np.linalg.norm(left - right)) for left, right in itertools.combinations(seen, 2))
    assert nearest > APART


def test_every_line_has_its_own_marker_dash_and_colour() -> None:
    names = [f"line {index}" for index in range(len(COLOURS))]
    figure = curves(range(3), {name: [1, 2, 3] for name in names}, "Seven lines", "x", "y")
    drawn = figure.axes[0].lines
    assert len(drawn) == len(names)
    assert len({line.get_marker() for line in drawn}) == len(names)
    assert len({str(line._dash_pattern) for line in drawn}) == len(names)  # type: ignore[attr-defined]
    assert len({line.get_color() for line in drawn}) == len(names)
    assert len(set(MARKERS)) == len({str(dash) for dash in DASHES}) == len(COLOURS)


def test_blue_is_normal_vermilion_is_not_and_green_is_memory_in_whatever_order_they_are_drawn() -> None:
    drawn = {"abnormal": [2.0, 3.0], "queue, late": [1.0, 1.0], "another": [0.0, 0.0], "normal tiles": [0.0, 1.0]}
    lines = curves([0, 1], drawn, "Found", "x", "y").axes[0].lines
    assert [line.get_color() for line in lines] == [ABNORMAL, MEMORY, "#000000", NORMAL]
    faces = histograms({"abnormal": [1.0, 2.0], "normal": [0.0, 1.0]}, "Found", "score").axes[0].patches
    assert {patch.get_facecolor()[:3] for patch in faces if patch.get_fill()} == {to_rgb(ABNORMAL), to_rgb(NORMAL)}


def test_the_subject_of_a_chart_stands_out_and_without_one_all_bars_are_alike() -> None:
    values = {"SQUID": 0.9, "pixel kNN": 0.8, "sharpness": 0.5}
    picked, alike = (bars(values, "Found", "AUC", subject=subject) for subject in (["SQUID"], []))
    colours = [patch.get_facecolor()[:3] for patch in picked.axes[0].patches]
    assert colours == [to_rgb(NETWORK), to_rgb(COMPARED), to_rgb(COMPARED)]
    assert {patch.get_facecolor()[:3] for patch in alike.axes[0].patches} == {to_rgb(NETWORK)}


def test_two_lines_of_one_meaning_are_told_apart_and_types_have_their_own() -> None:
    first, second = colours_of(["queue, early", "queue, late"])
    assert first == MEMORY != second
    assert second not in (NORMAL, ABNORMAL)
    assert colours_of(["missing", "novel"]) == colours_of(["novel", "missing"])[::-1]
    assert len(set(colours_of(["novel", "disorder", "missing", "flipped", "normal"]))) == 5


TWO = {"normal": [0.0, 1.0, 2.0], "abnormal": [1.0, 2.0, 3.0]}
FIGURES: dict[str, Callable[[], Figure]] = {
    "panels": lambda: panels(2, 2)[0],
    "curves": lambda: curves([1, 10, 100], TWO, "Found", "k", "AUC", deviations=TWO, log_x=True),
    "histograms": lambda: histograms(TWO, "Found", "score", threshold=1.5),
    "bars": lambda: bars({"ours": 0.9, "theirs": 0.4}, "Found", "AUC", {"ours": 0.1}, reference=0.5),
    "points": lambda: points({"memory": np.eye(3)[:, :2], "features": np.ones((2, 2))}, "Found"),
    "image_grid": lambda: image_grid({"input": noise(2, 8), "map": noise(1, 8)}, ["a", "b"], ["map"], "Found"),
    "training_picture": lambda: picture().draw(),
}


@pytest.mark.parametrize("kind", FIGURES)
def test_every_figure_stands_on_white(kind: str) -> None:
    figure = FIGURES[kind]()
    assert figure.get_facecolor() == (1.0, 1.0, 1.0, 1.0)
    assert all(axis.get_facecolor() == (1.0, 1.0, 1.0, 1.0) for axis in figure.axes)
    figure.canvas.draw()


def test_groups_of_different_size_are_drawn_as_shares() -> None:
    figure = histograms({"few": [1.0, 2.0], "many": list(range(50))}, "Found", "score", bins=10)
    heights: dict[Any, float] = {}
    for patch in figure.axes[0].patches:
        if isinstance(patch, Rectangle):
            heights[patch.get_facecolor()] = heights.get(patch.get_facecolor(), 0.0) + patch.get_height()
    assert list(heights.values()) == pytest.approx([1.0, 1.0])


def test_a_figure_is_drawn_into_the_axes_that_are_given() -> None:
    figure, axes = panels(1, 2)
    assert curves([1, 2], {"a": [1, 2]}, "left", "x", "y", axis=axes[0, 0]) is figure
    assert points({"a": np.eye(2)}, "right", axis=axes[0, 1]) is figure
    assert [axis.get_title() for axis in figure.axes] == ["left", "right"]


def test_rows_of_unequal_length_leave_empty_places() -> None:
    figure = image_grid({"input": noise(3, 8), "found": noise(1, 8)})
    assert [len(axis.images) for axis in figure.axes] == [1, 1, 1, 1, 0, 0]
    assert [axis.axison for axis in figure.axes] == [True, True, True, True, False, False]
