"""SALAD-style: its task, its terms, its centre and its units."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Generator, nn

from squidlib.baselines.base import seeded
from squidlib.baselines.salad import CENTRE, CYCLE, SALAD, STRUCTURE, TASK, SALADNetwork, turned
from squidlib.baselines.ssim import ssim
from tests.helpers import noise

IMAGES = noise(8, 32)
TURNS = torch.tensor([0, 1, 2, 3, 3, 2, 1, 0])


def network() -> SALADNetwork:
    made = seeded(0, lambda: SALADNetwork((1, 32, 32), 5, 2)).eval()
    made.centre.copy_(torch.linspace(-1, 1, 5))
    return made


def small(steps: int = 3) -> SALAD:
    return SALAD(code=5, width=2, steps=steps, batch_size=4)


def test_every_image_is_turned_as_often_as_its_number_says() -> None:
    for image, turns, result in zip(IMAGES, TURNS.tolist(), turned(IMAGES, TURNS), strict=True):
        for _ in range(turns):
            image = image.transpose(1, 2).flip(1)  # a quarter turn against the clock
        assert torch.equal(image, result)


def test_errors_are_of_the_image_the_centre_and_the_second_code() -> None:
    made = network()
    code = made.encoder(IMAGES)
    picture = made.decoder(code)
    again = made.encoder(picture)
    errors = made.errors(IMAGES, code)
    for i in range(8):
        image = F.mse_loss(picture[i], IMAGES[i]) + STRUCTURE * (1 - ssim(picture[i : i + 1], IMAGES[i : i + 1])[0])
        expected = [image, F.mse_loss(code[i], made.centre), F.mse_loss(code[i], again[i])]
        torch.testing.assert_close(errors[i], torch.stack(expected), rtol=1e-4, atol=1e-6)


def test_the_loss_is_the_weighted_sum_with_the_task_of_turned_images() -> None:
    made, images = network().double(), IMAGES.double()  # doubles: some terms are small beside others
    loss, code = made.loss(images, TURNS)
    torch.testing.assert_close(code, made.encoder(images))
    image, centre, cycle = made.errors(images, code).mean(0)
    logits = made.head(made.encoder(turned(images, TURNS)))
    task = -torch.log_softmax(logits, 1)[torch.arange(8), TURNS].mean()
    torch.testing.assert_close(loss, image + CENTRE * centre + CYCLE * cycle + TASK * task)


def test_every_part_learns_from_the_loss_and_the_centre_does_not() -> None:
    made = network().train()
    made.loss(IMAGES, TURNS)[0].backward()
    assert all(value.grad is not None and bool(value.grad.abs().sum() > 0) for value in made.head.parameters())
    for part in (made.encoder, made.decoder):
        convolution = next(layer for layer in part if isinstance(layer, nn.Linear))
        assert bool(convolution.weight.grad.abs().sum() > 0)  # type: ignore[union-attr]
    assert "centre" not in dict(made.named_parameters())


def test_the_centre_goes_towards_the_mean_code_and_ends_at_that_of_the_plain_images() -> None:
    made, codes = network(), torch.randn(6, 5, generator=Generator().manual_seed(0))
    expected = 0.75 * made.centre + 0.25 * codes.mean(0)
    made.move_centre(codes, 0.25)
    torch.testing.assert_close(made.centre, expected)
    fitted = small().fit(IMAGES, augmented=noise(8, 32, seed=1)).network
    torch.testing.assert_close(fitted.centre, fitted.encoder(IMAGES).mean(0).detach(), rtol=1e-4, atol=1e-5)


def test_the_task_is_learned() -> None:
    ramp = torch.linspace(0, 1, 32).expand(16, 1, 32, 32) * (0.5 + 0.5 * noise(16, 1))
    trained = SALAD(code=8, width=4, steps=60, batch_size=8, learning_rate=3e-3).fit(ramp).network
    turns = torch.arange(16) % 4
    assert (trained.head(trained.encoder(turned(ramp, turns))).argmax(1) == turns).float().mean() > 0.8


def test_scores_of_the_calibration_images_are_a_sum_of_standard_scores() -> None:
    method, normals = small().fit(IMAGES), noise(20, 32, seed=1)
    scores = method.calibrate(normals).score(normals)
    errors = method.network.errors(normals, method.network.encoder(normals)).detach()
    standard = (errors - errors.mean(0)) / errors.std(0, correction=0).clamp(min=1e-4)
    torch.testing.assert_close(scores, standard.sum(1), rtol=5e-2, atol=5e-2)
    assert float(scores.mean()) == pytest.approx(0, abs=1e-2)


def test_fit_has_calibrated_on_the_plain_images() -> None:
    method = small().fit(IMAGES, augmented=noise(8, 32, seed=1))
    before = method.score(IMAGES)
    torch.testing.assert_close(before, method.calibrate(IMAGES).score(IMAGES))
    assert not torch.allclose(before, method.calibrate(noise(8, 32, seed=5)).score(IMAGES))
