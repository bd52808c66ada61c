"""Pretended anomalies and the choice of a score: only held-out normal images decide, and always alike."""

from __future__ import annotations

import pytest
import torch
from torch import Generator, nn

from squidlib.detection import score_selection
from squidlib.detection.calibration import calibrate
from squidlib.detection.score_selection import choose_score
from squidlib.detection.scores import SCORES, RawScores, score_batches
from squidlib.detection.synthetic_anomalies import SYNTHETIC_ANOMALIES, soft_areas
from squidlib.discriminator import Discriminator
from squidlib.squid import Squid, fill_memory
from squidlib.utils.errors import UserError
from tests.conftest import tiny_config


@pytest.fixture
def images() -> torch.Tensor:
    """Smooth ones, so that blurring changes little but something."""
    noise = torch.rand(12, 1, 24, 24, generator=Generator().manual_seed(3))
    return nn.functional.avg_pool2d(noise, 3, 1, 1)


def networks() -> tuple[Squid, Discriminator]:
    torch.manual_seed(0)
    config = tiny_config()
    squid, discriminator = Squid(config), Discriminator(config.image_shape)
    fill_memory(squid, torch.rand(6, 1, 24, 24, generator=Generator().manual_seed(1)))
    return squid.eval(), discriminator.eval()


@pytest.mark.parametrize("name", SYNTHETIC_ANOMALIES)
def test_pretending_stays_in_range_changes_every_image_and_leaves_the_corners(name: str, images: torch.Tensor) -> None:
    before = images.clone()
    changed = SYNTHETIC_ANOMALIES[name](images, Generator().manual_seed(0))
    assert torch.equal(images, before)
    assert changed.shape == images.shape
    assert changed.min() >= 0
    assert changed.max() <= 1
    assert ((changed - images).abs().amax(dim=(1, 2, 3)) > 1e-3).all()
    corners = (changed - images)[:, :, [0, 0, -1, -1], [0, -1, 0, -1]]
    assert corners.abs().max() < 0.02


@pytest.mark.parametrize("name", SYNTHETIC_ANOMALIES)
def test_the_same_seed_pretends_the_same(name: str, images: torch.Tensor) -> None:
    first, again, other = (SYNTHETIC_ANOMALIES[name](images, Generator().manual_seed(seed)) for seed in (5, 5, 6))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_haze_only_brightens(images: torch.Tensor) -> None:
    assert (SYNTHETIC_ANOMALIES["hazy"](images, Generator().manual_seed(0)) - images).min() >= 0


def test_an_area_is_whole_inside_and_nothing_far_away() -> None:
    areas = soft_areas(torch.zeros(20, 3, 64, 96), Generator().manual_seed(0))
    assert areas.shape == (20, 1, 64, 96)
    assert (areas.amax(dim=(1, 2, 3)) > 0.9).all()
    assert areas[:, :, 0].max() < 0.05


def test_the_best_of_all_scores_is_chosen_alike_every_time(images: torch.Tensor) -> None:
    squid, discriminator = networks()
    choice = choose_score(squid, discriminator, images)
    assert set(choice.aucs) == set(SCORES)
    assert choice.aucs[choice.best] == max(choice.aucs.values())
    assert choose_score(squid, discriminator, images) == choice


def test_normal_images_are_scored_once_for_the_choice_and_the_calibration(images: torch.Tensor) -> None:
    squid, discriminator = networks()
    shifted = [0.9 * images]
    scored = [score_batches(squid, discriminator, group) for group in (images, *shifted)]
    seen: list[int] = []
    squid.register_forward_hook(lambda _module, given, _output: seen.append(len(given[0])))
    calibration = calibrate(squid, discriminator, images, shifted, scored)
    assert seen == []
    choice = choose_score(squid, discriminator, images, shifted=shifted, scored=scored)
    assert sum(seen) == len(SYNTHETIC_ANOMALIES) * (6 + 2)  # half of the images, and of them a third under the shift
    assert choice == choose_score(squid, discriminator, images, shifted=shifted)
    assert torch.equal(calibration.normal_scores, calibrate(squid, discriminator, images, shifted).normal_scores)


def test_a_reconstruction_that_is_always_right_gives_its_error_no_say(images: torch.Tensor) -> None:
    squid, discriminator = networks()
    forward = squid.forward

    def perfect(batch: torch.Tensor, generator: Generator | None = None):  # type: ignore[no-untyped-def]
        return forward(batch, generator)._replace(reconstruction=batch)

    squid.forward = perfect  # type: ignore[method-assign]
    aucs = choose_score(squid, discriminator, images).aucs
    assert aucs["error"] == 0.5
    assert max(aucs["mismatch"], aucs["distance"]) > 0.5


def test_two_images_are_too_few(images: torch.Tensor) -> None:
    with pytest.raises(UserError, match="3 held-out normal images are needed"):
        choose_score(*networks(), images[:2])


def test_a_score_that_fails_at_another_acquisition_ranks_below_one_that_holds(
    images: torch.Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ "mismatch" sees every change and nothing at the other machine, whose images have a white corner; "distance" sees
    less, whatever the machine."""
    alike = images[:1].repeat(48, 1, 1, 1)

    def scores(squid: Squid, discriminator: Discriminator, batch: torch.Tensor, size: int) -> RawScores:
        change = (batch - alike[: len(batch)]).abs()[..., :-1, :-1].mean((1, 2, 3))[:, None]
        foreign = (batch[:, 0, -1, -1] == 1)[:, None]
        blurred = change + 0.03 * torch.rand(len(batch), 1, generator=Generator().manual_seed(len(batch)))
        nothing = torch.rand(len(batch), 1, generator=Generator().manual_seed(0))
        return RawScores(nothing, nothing, torch.where(foreign, nothing, change), blurred, nothing[:, 0])

    monkeypatch.setattr(score_selection, "score_batches", scores)
    there = alike.clone()
    there[..., -1, -1] = 1
    squid, discriminator = networks()
    here = choose_score(squid, discriminator, alike).aucs
    everywhere = choose_score(squid, discriminator, alike, shifted=[there, there]).aucs
    assert here["mismatch"] > here["distance"] + 0.02
    assert everywhere["distance"] > everywhere["mismatch"] + 0.02
