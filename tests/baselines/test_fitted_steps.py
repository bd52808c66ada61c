"""IF 2D, IGD and CutPaste while they learn: what one step optimises, on what, and that it can be learned."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
import torch
from torch import Tensor, nn

from squidlib.baselines import IGD, CutPaste, ImplicitField, igd
from squidlib.baselines import cutpaste as cp
from squidlib.baselines.auto_encoder import encoder
from squidlib.baselines.base import batches, seeded
from squidlib.baselines.implicit_field import Field
from tests.helpers import noise

NORMALS = noise(12, 32)
RATE = 0.01


class Grey(nn.Module):
    """A decoder of one weight: every image is that grey."""

    def __init__(self, grey: float) -> None:
        super().__init__()
        self.grey = nn.Parameter(torch.tensor(grey))

    def forward(self, codes: Tensor) -> Tensor:
        return self.grey * torch.ones(len(codes), 1, 32, 32)


class Scale(nn.Module):
    """A critic of one weight: that many times the image's mean; it keeps what it was shown."""

    def __init__(self, weight: float) -> None:
        super().__init__()
        self.weight, self.shown = nn.Parameter(torch.tensor(weight)), []

    def forward(self, images: Tensor) -> Tensor:
        self.shown.append(images.detach().clone())
        return self.weight * images.mean(dim=(1, 2, 3))[:, None]


# IGD


class OneStep:
    """IGD after one step of plain gradient descent, with a grey decoder and a critic that scales."""

    def __init__(self, patch: pytest.MonkeyPatch, weight: float) -> None:
        self.grey, self.critic, self.shares = Grey(0.4), Scale(weight), Tensor()

        def descent(parameters: Iterable[Tensor], rate: float, _betas: tuple[float, float]) -> torch.optim.SGD:
            return torch.optim.SGD(parameters, rate)

        def recorded(codes: Tensor, shares: Tensor) -> Tensor:
            self.shares = shares
            return shares[:, None] * codes

        with patch.context() as patched:
            patched.setattr(torch.optim, "Adam", descent)
            patched.setattr(igd, "mixed", recorded)
            patched.setattr(igd, "decoder", lambda *_sizes: self.grey)
            patched.setattr(igd, "encoder", lambda *sizes: self.critic if sizes[1] == 1 else encoder(*sizes))
            self.method = IGD(code=8, width=4, steps=1, batch_size=8, learning_rate=RATE).fit(NORMALS)
        self.images = next(batches(NORMALS, 8, 0))


def test_igds_makers_hide_the_mixture_from_the_critic_with_its_weight(monkeypatch: pytest.MonkeyPatch) -> None:
    blind, seeing = OneStep(monkeypatch, 0.0), OneStep(monkeypatch, 2.0)
    pull = 0.1 * 2 * 2.0**2 * 0.4  # derivative of .1 * (2 * grey)^2
    torch.testing.assert_close(blind.grey.grey - seeing.grey.grey, torch.tensor(RATE * pull), rtol=1e-3, atol=1e-7)


def test_igds_critic_learns_the_share_of_a_mixture_and_0_for_a_nearly_real_image(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    step = OneStep(monkeypatch, 2.0)
    unmixed = 0.4 + 0.2 * (step.images - 0.4)
    torch.testing.assert_close(step.critic.shown[-1], unmixed)
    level = unmixed.mean(dim=(1, 2, 3))
    slope = (2 * (2.0 * 0.4 - step.shares) * 0.4 + 2 * 2.0 * level**2).mean()
    torch.testing.assert_close(step.critic.weight.detach(), 2.0 - RATE * slope)


def test_igd_mixes_at_most_half_and_half(monkeypatch: pytest.MonkeyPatch) -> None:
    shares = OneStep(monkeypatch, 1.0).shares
    assert float(shares.min()) >= 0
    assert 0.3 < float(shares.max()) <= 0.5


def test_igds_gaussian_pulls_the_codes_where_nothing_else_does(monkeypatch: pytest.MonkeyPatch) -> None:
    trained = OneStep(monkeypatch, 0.0).method.network.encoder  # a grey decoder tells the encoder nothing
    untrained = seeded(0, lambda: encoder((1, 32, 32), 8, 4))
    assert not torch.equal(trained[0].weight, untrained[0].weight)


def test_igds_gaussian_is_measured_ten_times_in_a_training_and_at_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    measured: list[int] = []
    original = IGD.gaussian
    monkeypatch.setattr(IGD, "gaussian", lambda self, images: measured.append(len(images)) or original(self, images))
    IGD(code=4, width=2, steps=20, batch_size=1).fit(NORMALS)
    assert measured == [8] * 10 + [12]


# CutPaste


def test_cutpaste_shows_a_patch_and_a_scar_up_to_a_tenth_brighter_or_darker(monkeypatch: pytest.MonkeyPatch) -> None:
    cuts: list[cp.Cut] = []
    brightnesses: list[Tensor] = []

    def recorded(images: Tensor, cut: cp.Cut, brightness: Tensor) -> tuple[Tensor, Tensor]:
        cuts.append(cut)
        brightnesses.append(brightness)
        return original(images, cut, brightness)

    original = cp.paste
    monkeypatch.setattr(cp, "paste", recorded)
    CutPaste(width=2, steps=2, batch_size=64).fit(NORMALS)
    assert [bool(cut.angles.any()) for cut in cuts] == [False, True, False, True]
    for brightness in brightnesses:
        assert 0.9 <= float(brightness.min()) < 0.92
        assert 1.08 < float(brightness.max()) <= 1.1


def test_cutpaste_learns_which_version_is_which(monkeypatch: pytest.MonkeyPatch) -> None:
    black, white = torch.zeros(8, 1, 32, 32), torch.ones(8, 1, 32, 32)

    def marked(images: Tensor, cut: cp.Cut, _brightness: Tensor) -> tuple[Tensor, Tensor]:
        return (black if cut.angles.any() else white), images > 2

    monkeypatch.setattr(cp, "paste", marked)
    method = CutPaste(width=2, steps=40, batch_size=8).fit(NORMALS)
    named = method.network.head(method.embed(torch.cat([NORMALS[:8], white, black]))).argmax(1)
    assert named.tolist() == [0] * 8 + [1] * 8 + [2] * 8


# Implicit field


def test_a_code_tells_images_apart_and_a_field_places_within_them() -> None:
    greys = torch.tensor([0.1, 0.8, 0.4, 0.9])[:, None, None, None].repeat(1, 1, 8, 8)
    greys[:, :, 4:] = 1 - greys[:, :, 4:]  # each image: one grey above, its opposite below
    method = ImplicitField(8, 32, 2, pixels=32, steps=150, batch_size=3, learning_rate=1e-2, fitting_steps=60)
    method.fit(greys)
    assert float((method.reconstruct(greys) - greys).abs().mean()) < 0.1


def test_a_fit_starts_at_the_mean_of_the_training_codes_which_are_learned() -> None:
    images = noise(100, 8)
    first, later = (
        ImplicitField(code=64, width=8, layers=1, pixels=16, steps=steps).fit(images).start for steps in (0, 10)
    )
    assert 0.0005 < float(first.std()) < 0.002  # codes of deviation .01, and a tenth of that for the mean of 100
    assert not torch.allclose(first, later, atol=1e-3)


def test_so_many_images_get_a_code_as_was_asked_for() -> None:
    few = ImplicitField(code=4, width=8, layers=1, images=5, pixels=16, steps=3, batch_size=4)
    capped, cut = few.fit(NORMALS).score(NORMALS), few.fit(NORMALS[:5]).score(NORMALS)
    assert torch.equal(capped, cut)


def test_a_field_knows_a_place_by_sine_and_cosine_of_whole_cycles() -> None:
    field = seeded(0, lambda: Field(4, 8, 1, 3))
    field.frequencies.fill_(1.0)  # one cycle from border to border, along rows and along columns
    codes = torch.zeros(1, 4)

    def at(row: float) -> Tensor:
        return field(torch.tensor([[row, 0.0]]), codes)

    torch.testing.assert_close(at(-1.0), at(1.0))
    assert not torch.allclose(at(0.25), at(0.75))  # equal sines
    assert not torch.allclose(at(0.25), at(-0.25))  # equal cosines


def test_a_code_reaches_every_layer() -> None:
    field = seeded(0, lambda: Field(4, 16, 3, 5))
    place, codes = torch.tensor([[0.2, -0.3]]), torch.tensor([[2.0, -1.0, 0.5, 1.0], [-2.0, 1.0, 0.5, -1.0]])
    for kept in range(3):
        saved = [shift.weight.detach().clone() for shift in field.shifts]
        with torch.no_grad():
            for index, shift in enumerate(field.shifts):
                if index != kept:
                    shift.weight.zero_()
        one, other = field(place, codes)
        assert not torch.allclose(one, other, atol=1e-4), f"layer {kept}"
        with torch.no_grad():
            for shift, weight in zip(field.shifts, saved, strict=True):
                shift.weight.copy_(weight)
