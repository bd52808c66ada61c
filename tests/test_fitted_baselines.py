"""IF 2D, IGD, CutPaste and M-KD: one interface, reproducible by seed, and each obeys its own equations."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from squidlib.backbone import Backbone
from squidlib.baselines import IGD, CutPaste, ImplicitField, MultiresolutionDistillation, igd, m_kd
from squidlib.baselines import cutpaste as cp
from squidlib.baselines.fitting import in_batches, seeded
from squidlib.baselines.implicit_field import Field, intensity_class, negative_log_likelihood, places
from squidlib.metrics import auc
from squidlib.ssim import ms_ssim
from tests.helpers import noise


def small_teacher(size: int = 32) -> Backbone:
    """Random convolutions at strides 4, 8, 16 and 32."""

    def build() -> nn.Sequential:
        stages = [nn.Sequential(nn.Conv2d(3, 8, 4, 4), nn.ReLU())]
        return nn.Sequential(*stages, *(nn.Sequential(nn.Conv2d(8, 8, 2, 2), nn.ReLU()) for _ in range(3)))

    return Backbone("small", list(seeded(0, build)), (8, 8, 8, 8), size)


def distillation(steps: int) -> MultiresolutionDistillation:
    return MultiresolutionDistillation(small_teacher(), width=4, steps=steps, batch_size=8)


SYSTEMS: dict[str, Callable[[int], Any]] = {
    "IF 2D": lambda steps: ImplicitField(
        code=8, width=32, layers=2, pixels=64, steps=steps, batch_size=8, learning_rate=5e-3, fitting_steps=5
    ),
    "IGD": lambda steps: IGD(code=8, width=4, steps=steps, batch_size=8),
    "CutPaste": lambda steps: CutPaste(width=4, steps=steps, batch_size=8),
    "M-KD (small, random weights)": distillation,
}
each_system = pytest.mark.parametrize("name", SYSTEMS)
NORMALS = noise(12, 32)


def discs(count: int, seed: int, square: bool = False) -> Tensor:
    """Bright discs near the middle of noisy images; or squares, which no normal image shows."""
    generator = torch.Generator().manual_seed(seed)
    middles = 12 + 8 * torch.rand(count, 2, 1, 1, generator=generator)
    rows = torch.arange(32.0)[None, :, None] - middles[:, 0]
    columns = torch.arange(32.0)[None, None, :] - middles[:, 1]
    inside = (rows.abs().maximum(columns.abs()) < 9) if square else (rows**2 + columns**2 < 36)
    noisy = 0.8 * inside + 0.2 * torch.rand(count, 32, 32, generator=generator)
    return noisy[:, None]


@each_system
def test_every_system_offers_what_its_method_has(name: str) -> None:
    system = SYSTEMS[name](2).fit(NORMALS, seed=0)
    assert system.name == name
    if hasattr(system, "calibrate"):
        system.calibrate(NORMALS)
    scores = system.score(NORMALS)
    assert scores.shape == (12,)
    assert torch.isfinite(scores).all()
    assert not scores.requires_grad
    for method, highest in (("reconstruct", 1.0), ("anomaly_map", math.inf)):
        if hasattr(system, method):
            pictures = getattr(system, method)(NORMALS)
            assert pictures.shape == NORMALS.shape
            assert not pictures.requires_grad
            assert float(pictures.min()) >= -1e-6
            assert float(pictures.max()) <= highest + 1e-6


@each_system
def test_the_same_seed_gives_the_same_scores_and_another_others(name: str) -> None:
    torch.manual_seed(1)
    first = SYSTEMS[name](2).fit(NORMALS, seed=3).score(NORMALS)
    torch.manual_seed(2)
    again, other = (SYSTEMS[name](2).fit(NORMALS, seed=seed).score(NORMALS) for seed in (3, 4))
    assert torch.equal(first, again)
    assert not torch.allclose(first, other)
    expected = torch.rand(1, generator=torch.Generator().manual_seed(2))
    assert torch.equal(torch.rand(1), expected), "the global generator was used"


@each_system
def test_an_image_is_scored_alike_alone_and_in_company(name: str) -> None:
    system = SYSTEMS[name](2).fit(NORMALS, seed=0)
    torch.testing.assert_close(system.score(NORMALS[:1]), system.score(NORMALS)[:1], rtol=1e-3, atol=1e-5)


@each_system
@pytest.mark.parametrize("raised", [True, False], ids=["through fit", "kept by the wrapper"])
def test_an_interruption_leaves_a_usable_system(name: str, raised: bool) -> None:
    def interrupted(count: int) -> Iterator[int]:
        yield 0
        if raised:
            raise KeyboardInterrupt

    system = SYSTEMS[name](50)
    with suppress(KeyboardInterrupt):
        system.fit(NORMALS, seed=0, ticks=interrupted)
    assert torch.isfinite(system.score(NORMALS)).all()


@each_system
def test_steps_are_what_the_ticks_count_and_varied_images_are_learned_from(name: str) -> None:
    counts: list[int] = []

    def counting(count: int) -> range:
        counts.append(count)
        return range(count)

    plain = SYSTEMS[name](3).fit(NORMALS, ticks=counting).score(NORMALS)
    assert counts == [3]
    varied = SYSTEMS[name](3).fit(NORMALS, varied=noise(12, 32, seed=5) ** 3).score(NORMALS)
    assert not torch.allclose(plain, varied)


@each_system
def test_no_image_to_learn_from_is_named(name: str) -> None:
    with pytest.raises(ValueError, match=r"normal images? expected"):
        SYSTEMS[name](1).fit(NORMALS[:0])


@pytest.mark.parametrize(
    ("name", "steps"), [("IF 2D", 150), ("IGD", 60), ("CutPaste", 60), ("M-KD (small, random weights)", 150)]
)
def test_a_shape_never_seen_scores_higher(name: str, steps: int) -> None:
    system = SYSTEMS[name](steps).fit(discs(96, 0), seed=0)
    if hasattr(system, "calibrate"):
        system.calibrate(discs(32, 3))
    scores = torch.cat([system.score(discs(32, 1)), system.score(discs(32, 2, square=True))])
    assert auc(np.repeat([0, 1], 32), scores.numpy()) > 0.9


# Implicit field


def test_intensity_classes_are_evenly_spaced_and_hold_both_ends() -> None:
    assert intensity_class(torch.tensor([0.0, 0.16, 0.17, 0.5, 0.84, 1.0]), 4).tolist() == [0, 0, 1, 2, 3, 3]


def test_places_run_over_rows_then_columns_as_a_flat_image_does() -> None:
    assert places(3, 2).tolist() == [[-1, -1], [-1, 1], [0, -1], [0, 1], [1, -1], [1, 1]]
    assert torch.equal(places(4, 6, 2), places(4, 6).view(4, 6, 2)[::2, ::2].reshape(-1, 2))


def test_the_implicit_fields_objective_is_numpys_cross_entropy_and_the_code_prior() -> None:
    generator = torch.Generator().manual_seed(0)
    logits, codes = torch.randn(2, 5, 3, generator=generator), torch.randn(2, 4, generator=generator)
    truth = torch.randint(3, (2, 5), generator=generator)
    chances = np.exp(logits.numpy()) / np.exp(logits.numpy()).sum(-1, keepdims=True)
    expected = [
        -np.mean([np.log(chances[b, p, truth[b, p]]) for p in range(5)]) + 1e-4 * float((codes[b].numpy() ** 2).sum())
        for b in range(2)
    ]
    np.testing.assert_allclose(negative_log_likelihood(logits, truth, codes).numpy(), expected, rtol=1e-5)


def test_a_field_answers_every_image_as_if_it_were_alone() -> None:
    field, codes = Field(4, 8, 2, 3), torch.randn(3, 4)
    together = field(places(2, 2), codes)
    alone = torch.cat([field(places(2, 2), code[None]) for code in codes])
    torch.testing.assert_close(together, alone)
    assert not torch.allclose(together[0], together[1])


def test_fitting_a_code_lowers_the_likelihood_that_is_scored_and_leaves_the_network() -> None:
    system = SYSTEMS["IF 2D"](200).fit(discs(48, 0), seed=0)
    before = [parameter.clone() for parameter in system.field.parameters()]
    fresh = discs(16, 1)
    system.fitting_steps = 0
    unfitted = system.score(fresh)
    system.fitting_steps = 30
    fitted = system.score(fresh)
    assert (fitted < unfitted).all()
    assert all(torch.equal(one, two) for one, two in zip(before, system.field.parameters(), strict=True))
    assert not any(parameter.requires_grad for parameter in system.field.parameters())


def test_the_implicit_fields_map_holds_the_score() -> None:
    system = SYSTEMS["IF 2D"](5).fit(NORMALS, seed=0)
    torch.testing.assert_close(system.score(NORMALS), system.anomaly_map(NORMALS)[..., ::2, ::2].mean((1, 2, 3)))


# IGD


def test_igds_reconstruction_term_has_the_papers_weights() -> None:
    images, others = noise(3, 32), noise(3, 32, seed=1)
    pixels = np.abs(images.numpy() - others.numpy()).mean((1, 2, 3))
    expected = 0.85 * (1 - ms_ssim(images, others).numpy()) + 0.15 * pixels
    np.testing.assert_allclose(igd.reconstruction_term(images, others).numpy(), expected, rtol=1e-5)
    np.testing.assert_allclose(igd.reconstruction_term(images, images).numpy(), 0, atol=1e-5)
    assert igd.CRITIC == 0.1


def test_igds_gaussian_term_is_its_formula() -> None:
    codes = torch.tensor([[1.0, 2.0], [1.0, 4.0], [100.0, 2.0]])
    found = igd.gaussian_term(codes, torch.tensor([1.0, 2.0]), torch.tensor(8.0))
    torch.testing.assert_close(found, torch.tensor([0.0, 1 - math.exp(-0.5), 1.0]))


def test_igd_mixes_each_code_with_that_of_another_image() -> None:
    codes = torch.tensor([[0.0], [10.0], [20.0]])
    assert igd.mixed(codes, torch.tensor([0.25, 0.5, 0.0])).flatten().tolist() == [15.0, 10.0, 0.0]


def test_igds_gaussian_is_that_of_plain_normals_as_scored() -> None:
    system = SYSTEMS["IGD"](4).fit(NORMALS, varied=noise(12, 32, seed=5) ** 3)
    codes = in_batches(system.encoder, NORMALS)
    torch.testing.assert_close(system.centre, codes.mean(0))
    torch.testing.assert_close(system.spread, (codes - codes.mean(0)).square().sum(1).mean())


def test_igd_scores_half_and_half_and_calibrating_gives_both_terms_one_unit() -> None:
    system = SYSTEMS["IGD"](4).fit(NORMALS)
    terms = system.terms(NORMALS)
    rebuilt, codes = system.reconstruct(NORMALS), in_batches(system.encoder, NORMALS)
    torch.testing.assert_close(terms[:, 0], igd.reconstruction_term(NORMALS, rebuilt))
    torch.testing.assert_close(terms[:, 1], igd.gaussian_term(codes, system.centre, system.spread))
    torch.testing.assert_close(system.anomaly_map(NORMALS), (NORMALS - rebuilt).abs())
    torch.testing.assert_close(system.score(NORMALS), terms.sum(1) / 2)
    system.calibrate(NORMALS)
    standard = (terms - terms.mean(0)) / terms.std(0)
    torch.testing.assert_close(system.score(NORMALS), standard.sum(1) / 2, rtol=1e-3, atol=1e-4)


# CutPaste


@pytest.mark.parametrize(("draw", "turned"), [(cp.patches, False), (cp.scars, True)])
def test_rectangles_keep_to_the_papers_ranges_and_fill_them(
    draw: Callable[[int, torch.Generator], cp.Cut], turned: bool, generator: torch.Generator
) -> None:
    cut = draw(4000, generator)
    area, aspect = cut.sizes.prod(1), cut.sizes[:, 0] / cut.sizes[:, 1]
    ranges = [(cut.sizes[:, 0], 10 / 256, 25 / 256), (cut.sizes[:, 1], 2 / 256, 16 / 256)]
    for values, low, high in ranges if turned else [(area, 0.02, 0.15), (aspect, 0.3, 1 / 0.3)]:
        assert low - 1e-6 <= float(values.min()) < low + 0.05 * (high - low)
        assert high - 0.05 * (high - low) < float(values.max()) <= high + 1e-6
    assert turned or 0.45 < float((aspect > 1).float().mean()) < 0.55, "lying and standing ones are alike frequent"
    degrees = torch.rad2deg(cut.angles)
    if turned:
        assert -45 <= float(degrees.min()) < -43
        assert 43 < float(degrees.max()) <= 45
    else:
        assert not degrees.any()


@pytest.mark.parametrize("draw", [cp.patches, cp.scars])
def test_rectangles_lie_inside_the_image(
    draw: Callable[[int, torch.Generator], cp.Cut], generator: torch.Generator
) -> None:
    cut = draw(2000, generator)
    for centres, angles in ((cut.sources, torch.zeros(2000)), (cut.targets, cut.angles)):
        for down, right in ((1, 1), (1, -1), (-1, 1), (-1, -1)):  # the four corners
            offset = cut.sizes / 2 * torch.tensor([down, right])
            rows = centres[:, 0] + angles.cos() * offset[:, 0] - angles.sin() * offset[:, 1]
            columns = centres[:, 1] + angles.sin() * offset[:, 0] + angles.cos() * offset[:, 1]
            assert float(torch.stack([rows, columns]).min()) >= -1e-5
            assert float(torch.stack([rows, columns]).max()) <= 1 + 1e-5


@pytest.mark.parametrize("draw", [cp.patches, cp.scars])
def test_a_paste_changes_only_its_mask_and_the_mask_has_the_rectangles_area(
    draw: Callable[[int, torch.Generator], cp.Cut], generator: torch.Generator
) -> None:
    images, cut = noise(64, 96), draw(64, generator)
    pasted, mask = cp.paste(images, cut, torch.full((64,), 0.9))
    assert torch.equal(pasted[~mask], images[~mask])
    assert float((pasted != images)[mask].float().mean()) > 0.98
    pixels, expected = mask.sum((1, 2, 3)), 96**2 * cut.sizes.prod(1)
    assert float(pixels.sum()) == pytest.approx(float(expected.sum()), rel=0.1)


def test_a_patch_is_copied_pixel_by_pixel_and_made_brighter() -> None:
    images = noise(1, 16) / 2
    cut = cp.Cut(
        torch.tensor([[4 / 16, 2 / 16]]),
        torch.tensor([[4 / 16, 3 / 16]]),
        torch.tensor([[12 / 16, 11 / 16]]),
        torch.zeros(1),
    )
    pasted, mask = cp.paste(images, cut, torch.tensor([1.1]))
    expected = images.clone()
    expected[..., 10:14, 10:12] = 1.1 * images[..., 2:6, 2:4]
    torch.testing.assert_close(pasted, expected)
    assert mask.sum() == 8


def test_what_is_pasted_comes_from_the_same_spot_of_the_rectangle(generator: torch.Generator) -> None:
    centres = (torch.arange(32) + 0.5) / 32
    rows, columns = (ramp[None, None].expand(64, 1, 32, 32) for ramp in torch.meshgrid(centres, centres, indexing="ij"))
    cut, one = cp.patches(64, generator), torch.ones(64)
    for axis, ramp in enumerate((rows, columns)):
        pasted, mask = cp.paste(ramp, cut, one)
        expected = ramp + (cut.sources - cut.targets)[:, axis, None, None, None]
        assert float((pasted - expected)[mask].abs().max()) <= 0.5 / 32 + 1e-5, "off by more than half a pixel"


def test_what_is_pasted_stays_in_0_to_1(generator: torch.Generator) -> None:
    pasted, _ = cp.paste(torch.ones(8, 1, 32, 32), cp.patches(8, generator), torch.full((8,), 1.1))
    assert float(pasted.max()) == 1


def test_a_quarter_turn_lays_a_standing_rectangle_down() -> None:
    images = noise(1, 16)
    centre = torch.tensor([[0.5, 0.5]])
    cut = cp.Cut(torch.tensor([[4 / 16, 2 / 16]]), centre, centre, torch.tensor([math.pi / 2]))
    pasted, _ = cp.paste(images, cut, torch.ones(1))
    standing = images[0, 0, 6:10, 7:9]
    torch.testing.assert_close(pasted[0, 0, 7:9, 6:10], torch.rot90(standing, 1))


def test_cutpastes_score_is_the_mahalanobis_distance_to_plain_normals() -> None:
    from sklearn.covariance import LedoitWolf

    system = SYSTEMS["CutPaste"](2).fit(NORMALS, varied=noise(12, 32, seed=5) ** 3)
    assert system.embed(NORMALS).shape == (12, 8 * 4), "features, not the head's three logits"
    gaussian = LedoitWolf().fit(system.embed(NORMALS).double().numpy())
    tests = noise(5, 32, seed=9)
    expected = np.sqrt(gaussian.mahalanobis(system.embed(tests).double().numpy()))
    np.testing.assert_allclose(system.score(tests).numpy(), expected, rtol=1e-3)


# M-KD


def maps(seed: int) -> list[Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(2, 3, 4, 4, generator=generator), torch.randn(2, 5, 2, 2, generator=generator)]


def test_imitation_is_perfect_where_all_features_are_equal() -> None:
    torch.testing.assert_close(m_kd.imitation_loss(maps(0), maps(0)), torch.zeros(2), atol=1e-6, rtol=0)
    found = m_kd.difference_map(maps(0), maps(0), (8, 8))
    torch.testing.assert_close(found, torch.zeros(2, 1, 8, 8), atol=1e-6, rtol=0)


def test_imitation_loss_is_its_formula_depth_by_depth() -> None:
    expected = []
    for image in range(2):
        total = 0.0
        for ours, theirs in zip(maps(0), maps(1), strict=True):
            s, t = ours[image].numpy().ravel(), theirs[image].numpy().ravel()
            total += 1 - s @ t / (np.linalg.norm(s) * np.linalg.norm(t)) + 0.01 * ((s - t) ** 2).mean()
        expected.append(total)
    np.testing.assert_allclose(m_kd.imitation_loss(maps(0), maps(1)).numpy(), expected, rtol=1e-5)


def test_a_difference_at_one_place_is_mapped_to_that_place() -> None:
    ours = maps(0)
    ours[1][:, :, 0, 1] *= -1
    found = m_kd.difference_map(ours, maps(0), (8, 8))
    assert float(found[:, :, :2, 6:].min()) > 1
    assert float(found[:, :, 6:].abs().max()) < 1e-5


def test_the_map_counts_values_where_directions_agree() -> None:
    level = torch.full((1, 4, 2, 2), 3.0)
    found = m_kd.difference_map([2 * level], [level], (2, 2))
    torch.testing.assert_close(found, torch.full((1, 1, 2, 2), 0.01 * 9.0), atol=1e-6, rtol=1e-5)


def test_training_moves_the_student_and_never_the_teacher() -> None:
    system = distillation(5)
    before = {name: value.clone() for name, value in system.teacher.state_dict().items()}
    first = distillation(1).fit(NORMALS).score(NORMALS).mean()
    last = distillation(40).fit(NORMALS).score(NORMALS).mean()
    assert last < 0.9 * first
    system.fit(NORMALS)
    assert all(torch.equal(value, before[name]) for name, value in system.teacher.state_dict().items())


def test_a_teacher_of_a_side_that_its_strides_do_not_divide_is_named() -> None:
    with pytest.raises(ValueError, match="multiple of 32, got 40"):
        MultiresolutionDistillation(small_teacher(40))
