"""The picture of a training: terms, means, milestones; looking changes nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from squidlib.config import LossWeights
from squidlib.losses import GeneratorLoss
from squidlib.squid import Squid, fill_memory
from squidlib.teaching.lesson.training_picture import BINS, DISCRIMINATOR, GAP, TERMS, TrainingPicture, reconstruct_now
from squidlib.training.loop import StepResult
from squidlib.training.presets import PRESETS
from tests.conftest import tiny_config
from tests.helpers import noise


def picture(squid: Squid | None = None, **changes: Any) -> TrainingPicture:
    """Of a tiny network, three images."""
    images = noise(3, 24)
    squid = squid or Squid(tiny_config())
    fill_memory(squid, images)
    return TrainingPicture(squid, images, ("a", "b", "c"), PRESETS["laptop"]["digitanatomy"].weights, **changes)


def result(step: int, value: float = 1.0, adversary: bool = True) -> StepResult:
    """All terms of one value."""
    term = torch.tensor(value)
    return StepResult(step, GeneratorLoss(term, term, term, term, term, term), term if adversary else None)


def test_what_is_drawn_is_the_factor_times_the_term() -> None:
    watched = picture()
    watched.note(result(0, 2.0))
    weights = PRESETS["laptop"]["digitanatomy"].weights
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
