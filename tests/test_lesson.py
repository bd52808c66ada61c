"""What the lessons share: modes, interruption, live figures, sentences, and figures that everybody can read."""

from __future__ import annotations

import base64
import itertools
import queue
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
from jupyter_client.manager import start_new_kernel
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from squidlib.config import LossWeights
from squidlib.lesson import (
    COLOURS,
    LiveFigure,
    bars,
    by_mode,
    curves,
    histograms,
    image_grid,
    interruptible,
    mode,
    panels,
    points,
    say,
)
from squidlib.lesson.figures import DASHES, MARKERS
from squidlib.lesson.training_picture import BINS, DISCRIMINATOR, GAP, TERMS, TrainingPicture, reconstruct_now
from squidlib.losses import GeneratorLoss
from squidlib.squid import Squid, fill_memory
from squidlib.training import StepResult
from tests.conftest import tiny_config
from tests.helpers import noise, refusal

# mode


@pytest.mark.parametrize(("named", "expected"), [("smoke", 1), ("class", 2), ("full", 3), ("", 2), (None, 2)])
def test_by_mode_picks_what_kit_mode_names(monkeypatch: pytest.MonkeyPatch, named: str | None, expected: int) -> None:
    monkeypatch.delenv("KIT_MODE", raising=False)
    if named is not None:
        monkeypatch.setenv("KIT_MODE", named)
    assert by_mode(1, 2, 3) == expected
    assert mode() == (named or "class")


@pytest.mark.parametrize("named", ["Smoke", "fast", "class "])
def test_an_unknown_mode_is_named_in_one_line(monkeypatch: pytest.MonkeyPatch, named: str) -> None:
    monkeypatch.setenv("KIT_MODE", named)
    text = refusal(lambda: by_mode(1, 2, 3))
    assert repr(named) in text
    assert all(known in text for known in ("KIT_MODE", "smoke", "class", "full"))


# progress


def test_a_whole_block_counts_to_its_end_and_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with interruptible("digits") as ticks:
        seen = list(ticks(4))
    assert seen == [0, 1, 2, 3]
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("done", [0, 3])
def test_an_interruption_keeps_the_state_and_says_the_step(capsys: pytest.CaptureFixture[str], done: int) -> None:
    learned = []
    with interruptible("digits") as ticks:
        for step in ticks(9):
            if step == done:
                raise KeyboardInterrupt
            learned.append(step)
    assert learned == list(range(done))
    said = capsys.readouterr().out.splitlines()
    assert len(said) == 1
    assert f"digits: stopped after step {done} of 9" in said[0]


def test_an_interruption_inside_a_function_that_takes_ticks_is_kept_too(capsys: pytest.CaptureFixture[str]) -> None:
    def fit(ticks: Any) -> None:
        for step in ticks(5):
            if step == 2:
                raise KeyboardInterrupt

    with interruptible("network") as ticks:
        fit(ticks)
    assert "network: stopped after step 2 of 5" in capsys.readouterr().out


@pytest.mark.parametrize("error", [ValueError, RuntimeError, SystemExit, GeneratorExit, AssertionError])
def test_nothing_but_an_interruption_is_swallowed(
    capsys: pytest.CaptureFixture[str], error: type[BaseException]
) -> None:
    def block() -> None:
        with interruptible("digits") as ticks:
            for _ in ticks(3):
                raise error("mine")

    with pytest.raises(error, match="mine"):
        block()
    assert "stopped" not in capsys.readouterr().out


LOOP = """
import time
from squidlib.lesson import interruptible
learned, after = [], False
with interruptible("SQUID") as ticks:
    for step in ticks(10_000):
        learned.append(step)
        print("learned", step, flush=True)
        time.sleep(0.05)
after = True
"""


@pytest.fixture
def kernel() -> Iterator[Any]:
    """(manager, client) of a fresh kernel."""
    manager, client = start_new_kernel(kernel_name="python3", startup_timeout=120)
    try:
        yield manager, client
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def printed(client: Any, message: str, until: str, seconds: float = 180) -> str:
    """What a cell prints, until ``until`` was printed or the cell has ended."""
    text, end = "", time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            found = client.get_iopub_msg(timeout=1)
        except queue.Empty:
            continue
        if found["parent_header"].get("msg_id") != message:
            continue
        content = found["content"]
        text += content.get("text", "") if content.get("name", "stdout") == "stdout" else ""
        if until in text or content.get("execution_state") == "idle":
            return text
    raise AssertionError(f"{until!r} was not printed in {seconds} s, but: {text!r}")


def test_the_stop_button_of_a_real_kernel_keeps_what_was_learned(kernel: tuple[Any, Any]) -> None:
    manager, client = kernel
    training = client.execute(LOOP)
    assert "learned 3" in printed(client, training, "learned 3\n")
    manager.interrupt_kernel()
    text = printed(client, training, "nothing that is printed")
    assert "SQUID: stopped after step" in text
    reply = client.get_shell_msg(timeout=60)
    assert reply["content"]["status"] == "ok"  # the cell is no error: "Run all" would go on
    following = client.execute("print(len(learned), after)")
    count, after = printed(client, following, "\n").split()
    assert 4 <= int(count) < 10_000
    assert after == "True"


# live figure


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
    monkeypatch.setattr("squidlib.lesson.live.time.monotonic", lambda: now[0])
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


# speech


def test_a_sentence_is_markdown_with_the_same_words_as_plain_text(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[Any] = []
    monkeypatch.setattr("IPython.display.display", lambda bundle, raw: shown.append((bundle, raw)))
    say("An AUC of **0.9**.")
    assert shown == [({"text/markdown": "An AUC of **0.9**.", "text/plain": "An AUC of **0.9**."}, True)]


# figures

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


def picture(squid: Squid | None = None, **changes: Any) -> TrainingPicture:
    """Of a tiny network, three images."""
    images = noise(3, 24)
    squid = squid or Squid(tiny_config())
    fill_memory(squid, images)
    return TrainingPicture(squid, images, ("a", "b", "c"), LossWeights.laptop(), **changes)


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


# training picture


def result(step: int, value: float = 1.0, adversary: bool = True) -> StepResult:
    """All terms of one value."""
    term = torch.tensor(value)
    return StepResult(step, GeneratorLoss(term, term, term, term, term, term), term if adversary else None)


def test_what_is_drawn_is_the_factor_times_the_term() -> None:
    watched = picture()
    watched.note(result(0, 2.0))
    weights = LossWeights.laptop()
    shares = {name: points[0][1] for name, points in watched.shares.items()}
    assert shares.pop(DISCRIMINATOR) == 2.0  # its factor is in it already
    assert shares == pytest.approx({name: 2 * getattr(weights, term) for name, term in TERMS.items()})


def test_terms_that_rest_leave_no_point() -> None:
    watched = picture()
    watched.weights = LossWeights()  # the paper's: no position loss
    watched.note(result(0, adversary=False))
    assert set(watched.shares) == {"student", "teacher", "matching"}
    watched.note(StepResult(1, None, None))
    assert len(watched.shares["student"]) == 1


def test_many_steps_become_few_points_that_are_means() -> None:
    watched = picture(milestones=())
    for step in range(400):
        watched.note(result(step, float(step), adversary=step % 4 == 0))
    steps, lines = watched.lines()
    assert len(steps) == BINS
    assert lines["student"] == pytest.approx(steps - 0.5)
    assert lines["looks real"] == pytest.approx(0.005 * (steps - 1), abs=0.01)


def test_a_change_is_the_last_share_over_the_first() -> None:
    watched = picture(milestones=())
    for step in range(40):
        watched.note(result(step, 0.5 if step < 2 else 9.0 if step < 38 else 0.25, adversary=step % 4 == 0))
    assert watched.changes()["student"] == pytest.approx(0.5)
    assert watched.changes()[DISCRIMINATOR] == pytest.approx(18)
    assert picture().changes() == {}


@pytest.mark.parametrize("training", [True, False])
def test_looking_leaves_the_network_in_its_mode_even_when_it_is_interrupted(training: bool) -> None:
    watched = picture()
    squid = watched.squid.train(training)
    assert reconstruct_now(squid, watched.images).shape == watched.images.shape
    assert squid.training == training

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    squid.encoder.register_forward_hook(stop)
    with pytest.raises(KeyboardInterrupt):
        reconstruct_now(squid, watched.images)
    assert squid.training == training


def test_looking_changes_neither_weights_nor_statistics_nor_memory() -> None:
    watched = picture()
    watched.squid.train()
    before = {name: value.clone() for name, value in watched.squid.state_dict().items()}
    watched.draw()
    assert all(torch.equal(value, before[name]) for name, value in watched.squid.state_dict().items())


def test_every_term_is_named_beside_its_line() -> None:
    watched = picture()
    watched.note(result(0))
    figure = watched.draw()
    figure.canvas.draw()
    legend = figure.subfigs[0].legends[0]
    assert figure.axes[0].get_legend() is None  # below the lines, not on them
    assert [text.get_text() for text in legend.get_texts()] == [*TERMS, DISCRIMINATOR]


def test_milestones_stay_in_the_picture_and_the_title_says_the_step() -> None:
    watched = picture(milestones=(1, 3))
    for step in range(5):
        watched.note(result(step, 0.25))
    figure = watched.draw()
    table = figure.axes[1]
    assert [text.get_text() for text in table.get_yticklabels()] == ["input", "step 1", "step 3", "now"]
    assert [text.get_text() for text in table.get_xticklabels()] == ["a", "b", "c"]
    shown = table.images[0].get_array()
    assert shown is not None
    assert shown.shape == (4 * (24 + 2 * GAP), 3 * (24 + 2 * GAP))
    last_of_the_inputs = np.asarray(shown)[GAP : GAP + 24, -GAP - 24 : -GAP]
    assert np.allclose(last_of_the_inputs, watched.images[2, 0].numpy())
    assert figure.axes[0].get_title() == "After 5 steps, squared error 0.2500"
