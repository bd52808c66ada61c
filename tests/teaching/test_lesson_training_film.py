"""The training film: a frame for each moment, the last one stays, and nothing of the network changes."""

from __future__ import annotations

import io

import pytest
import torch
from PIL import Image

from squidlib.squid import Squid, fill_memory
from squidlib.teaching.lesson.training_film import TrainingFilm
from tests.conftest import tiny_config
from tests.helpers import noise


def filmed(moments: list[int], until: int) -> tuple[TrainingFilm, Squid]:
    squid = Squid(tiny_config()).train()
    fill_memory(squid, noise(4, 24, seed=7))
    film = TrainingFilm(noise(2, 24), ["Normal", "Novel"], moments)
    for step in range(1, until + 1):
        film.note(squid, step)
    return film, squid


def test_a_frame_is_taken_at_each_moment_and_the_network_goes_on_training() -> None:
    film, squid = filmed([1, 3, 5, 40], until=6)
    assert [step for step, _ in film.frames] == [1, 3, 5]
    assert squid.training
    assert all(images.shape == (2, 1, 24, 24) for _, images in film.frames)


def test_the_gif_has_one_frame_more_which_stays_longest_and_is_outlined() -> None:
    film, _ = filmed([1, 2], until=2)
    found = torch.zeros(2, 9, dtype=torch.bool)
    plain, outlined = (
        Image.open(io.BytesIO(film.last(noise(2, 24), patches, ["normal", "abnormal"])))
        for patches in (found, found.index_put((torch.tensor(1), torch.tensor(4)), torch.tensor(True)))
    )
    durations, last = [], []
    for number in range(outlined.n_frames):  # type: ignore[attr-defined]
        outlined.seek(number)
        durations.append(outlined.info["duration"])
    assert len(durations) == 3
    assert durations[-1] == max(durations) > durations[0]
    for film_of in (plain, outlined):
        film_of.seek(2)
        last.append(film_of.convert("RGB"))
    assert last[0].size == last[1].size
    assert last[0].tobytes() != last[1].tobytes()


def test_without_a_frame_there_is_no_film() -> None:
    film, _ = filmed([9], until=2)
    with pytest.raises(ValueError, match="no frame was taken"):
        film.last(noise(2, 24), torch.zeros(2, 9, dtype=torch.bool), [])
