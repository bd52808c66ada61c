"""Slider: moves redraw the picture for the new value, and what cannot be is refused."""

from __future__ import annotations

from typing import Any

import pytest
from matplotlib.figure import Figure

from squidlib.teaching.lesson import slider
from squidlib.utils.plotting import panels


@pytest.fixture
def displayed(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    found: list[Any] = []
    monkeypatch.setattr("IPython.display.display", found.append)
    return found


def draw(value: float) -> Figure:
    figure, axes = panels()
    axes[0, 0].set_title(f"{value}")
    return figure


def test_a_move_redraws_the_picture_and_its_text(displayed: list[Any]) -> None:
    slider(draw, "k", [1.0, 5.0, 350.0], 5.0, "weights of the slots")
    control, picture = displayed[0].children
    assert 'alt="weights of the slots; k 5"' in picture.value
    before = picture.value
    control.value = 350.0
    assert 'alt="weights of the slots; k 350"' in picture.value
    assert picture.value != before
    control.value = 5.0
    assert picture.value == before, "the same value draws the same picture"


def test_a_text_with_signs_of_html_is_safe(displayed: list[Any]) -> None:
    slider(draw, "k", [1.0], 1.0, 'a "quoted" <text>')
    assert "&quot;quoted&quot; &lt;text&gt;" in displayed[0].children[1].value


def test_a_start_that_is_no_value_is_refused(displayed: list[Any]) -> None:
    with pytest.raises(ValueError, match="one of the values 1, 5; got 2"):
        slider(draw, "k", [1.0, 5.0], 2.0, "weights")
    assert displayed == []
