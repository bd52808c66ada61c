"""Figure text: overlapping and cut-off texts are found, and the kit's charts have none with the names they get."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest
import torch
from matplotlib.figure import Figure
from PIL import Image

from squidlib.teaching.studies.variants import variants
from squidlib.utils.figure_text import log_ticks, overlapping
from squidlib.utils.interval_chart import interval_chart
from squidlib.utils.plotting import bars, curves, histograms, image_grid, panels, png, points, show

METHODS = ["SQUID", "HOG kNN", "pixel kNN", "linear auto-encoder", "Auto-Encoder", "f-AnoGAN", "2-NN, ImageNet"]


def plain() -> tuple[Figure, Any]:
    figure, axes = panels(width=4.0, height=3.0)
    return figure, axes[0, 0]


def test_a_text_over_another_is_found() -> None:
    figure, axis = plain()
    axis.text(0.5, 0.5, "first")
    assert overlapping(figure) == []
    axis.text(0.52, 0.5, "second")
    assert overlapping(figure) == ["'first' lies over 'second'"]


def test_long_tick_labels_that_touch_are_found() -> None:
    figure, axis = plain()
    axis.set_xticks([0, 1], ["a", "b"])
    assert overlapping(figure) == []
    axis.set_xticks([0, 0.3, 1], ["a label that is long", "another one that is long", "b"])
    assert any("another one that is long" in line for line in overlapping(figure))


def test_a_text_beyond_the_edge_is_found() -> None:
    figure, axis = plain()
    axis.text(0.9, 0.5, "a sentence that does not fit into what is left").set_in_layout(False)
    assert [line.endswith("is cut off at the edge") for line in overlapping(figure)] == [True]


def test_what_is_not_drawn_does_not_count() -> None:
    figure, axis = plain()
    axis.text(0.5, 0.5, "first")
    axis.text(0.5, 0.5, "hidden").set_visible(False)
    axis.set_xlim(0, 1)
    axis.set_xticks([-5, -4.99, 0.5])  # outside of the limits
    axis.set_xlim(0, 1)
    assert overlapping(figure) == []


def charts() -> dict[str, Figure]:
    long = list(variants())
    values = {name: 0.5 + place / 50 for place, name in enumerate(long)}
    x = list(range(6))
    noise = torch.rand(4, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    return {
        "bars": bars(values, "A finding", "AUC (dotted: chance)", reference=0.5, deviations=dict.fromkeys(long, 0.01)),
        "curves": curves(
            x, {name: [n * k for n in x] for k, name in enumerate(METHODS, 1)}, "A finding", "step", "AUC"
        ),
        "histograms": histograms({"normal": x, "abnormal": [n + 2 for n in x]}, "A finding", "score", threshold=3.0),
        "points": points({name: torch.rand(5, 2) for name in METHODS}, "A finding"),
        "intervals": interval_chart({name: (0.01, 0.02) for name in long}, "A finding", "AUC", margin=0.01),
        "grid": image_grid({"input": noise, "reconstructed": noise}, ["normal\nscore 1.0"] * 4, title="A finding"),
    }


@pytest.mark.parametrize("name", ["bars", "curves", "histograms", "points", "intervals", "grid"])
def test_the_kits_charts_have_no_text_over_another(name: str) -> None:
    assert overlapping(charts()[name]) == []


@pytest.mark.parametrize("name", ["curves", "histograms", "points"])
def test_a_legend_lies_beside_the_data(name: str) -> None:
    figure = charts()[name]
    figure.draw_without_rendering()
    axis = figure.axes[0]
    assert axis.get_legend().get_window_extent().x0 >= axis.get_window_extent().x1


def test_a_logarithmic_axis_leaves_out_labels_that_would_touch() -> None:
    places, labels = log_ticks([5, 10, 20, 50, 100, 200, 300])
    assert places[0] == 5
    assert labels == [f"{place:g}" for place in places]
    assert 200 not in places or 300 not in places
    assert log_ticks([1, 4, 16, 64, 256, 900])[0] == [1, 4, 16, 64, 900], "both ends have a label"
    figure = curves([1, 2, 5, 20, 80, 350], {"a": range(6)}, "A finding", "k", "AUC", log_x=True)
    assert figure.axes[0].get_xticklabels()[0].get_text() == "1"
    assert overlapping(figure) == []


def test_a_lesson_that_is_built_or_tested_refuses_such_a_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    figure, axis = plain()
    axis.text(0.5, 0.5, "first")
    axis.text(0.52, 0.5, "second")
    monkeypatch.delenv("KIT_CHECK_FIGURES", raising=False)
    show(figure, alt="two texts")
    monkeypatch.setenv("KIT_CHECK_FIGURES", "1")
    with pytest.raises(ValueError, match="'first' lies over 'second'"):
        show(figure, alt="two texts")


def test_a_shown_figure_is_as_wide_as_its_title_needs() -> None:
    figure, axis = plain()
    narrow = Image.open(BytesIO(png(figure, whole=True))).size
    axis.set_title("a finding in so many words that it is much wider than the chart that it stands above")
    assert Image.open(BytesIO(png(figure))).size == (400, 300)  # 4 × 3 inches of 100 dots, cut off
    wide = Image.open(BytesIO(png(figure, whole=True))).size
    assert wide[0] > 450 > narrow[0]
