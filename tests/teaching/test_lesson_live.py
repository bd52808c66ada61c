"""What lessons show: a figure that grows while a cell runs, and sentences with computed numbers."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from matplotlib.figure import Figure

from squidlib.teaching.lesson import (
    LiveFigure,
    panels,
    say,
)


class Display:
    """IPython's display, and the handle it returns."""

    def __init__(self) -> None:
        self.shown: list[tuple[str, dict[str, str], dict[str, Any]]] = []

    def display(self, bundle: dict[str, str], metadata: dict[str, Any], raw: bool, display_id: bool) -> Display:
        assert raw
        assert display_id
        self.shown.append(("new", bundle, metadata))
        return self

    def update(self, bundle: dict[str, str], metadata: dict[str, Any], raw: bool) -> None:
        assert raw
        self.shown.append(("update", bundle, metadata))


@pytest.fixture
def display(monkeypatch: pytest.MonkeyPatch) -> Display:
    stub = Display()
    monkeypatch.setattr("IPython.display.display", stub.display)
    return stub


def test_a_live_figure_is_one_display_that_is_updated_and_carries_its_text(display: Display) -> None:
    live = LiveFigure("Losses that fall over the steps", every=0.0)
    for width in (1.0, 2.0, 3.0):
        live.update(lambda width=width: panels(width=width)[0])
    assert [kind for kind, _, _ in display.shown] == ["new", "update", "update"]
    for _, bundle, metadata in display.shown:
        assert base64.b64decode(bundle["image/png"]).startswith(b"\x89PNG")
        assert bundle["text/plain"] == metadata["image/png"]["alt"] == "Losses that fall over the steps"
    assert len({bundle["image/png"] for _, bundle, _ in display.shown}) == 3


def test_a_live_figure_draws_only_when_it_is_due_or_forced(display: Display, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("squidlib.teaching.lesson.live.time.monotonic", lambda: now[0])
    live, drawn = LiveFigure("Losses that fall over the steps", every=5.0), []

    def draw() -> Figure:
        drawn.append(now[0])
        return panels()[0]

    for moment in (100.0, 102.0, 104.9, 105.0, 106.0):
        now[0] = moment
        live.update(draw)
    assert drawn == [100.0, 105.0]
    live.update(draw, force=True)
    assert drawn == [100.0, 105.0, 106.0]
    assert len(display.shown) == 3


def test_a_sentence_is_markdown_with_the_same_words_as_plain_text(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[Any] = []
    monkeypatch.setattr("IPython.display.display", lambda bundle, raw: shown.append((bundle, raw)))
    say("An AUC of **0.9**.")
    assert shown == [({"text/markdown": "An AUC of **0.9**.", "text/plain": "An AUC of **0.9**."}, True)]
