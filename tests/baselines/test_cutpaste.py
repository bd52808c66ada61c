"""CutPaste: what is cut keeps to the paper's ranges, what is pasted is a copy, the score is a Mahalanobis distance."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch

from squidlib.baselines import cutpaste as pasting
from tests.fitted_toys import METHODS, NORMALS
from tests.helpers import noise


@pytest.mark.parametrize(("draw", "turned"), [(pasting.patches, False), (pasting.scars, True)])
def test_rectangles_keep_to_the_papers_ranges_and_fill_them(
    draw: Callable[[int, torch.Generator], pasting.Cut], turned: bool, generator: torch.Generator
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


@pytest.mark.parametrize("draw", [pasting.patches, pasting.scars])
def test_rectangles_lie_inside_the_image(
    draw: Callable[[int, torch.Generator], pasting.Cut], generator: torch.Generator
) -> None:
    cut = draw(2000, generator)
    for centres, angles in ((cut.sources, torch.zeros(2000)), (cut.targets, cut.angles)):
        for down, right in ((1, 1), (1, -1), (-1, 1), (-1, -1)):  # the four corners
            offset = cut.sizes / 2 * torch.tensor([down, right])
            rows = centres[:, 0] + angles.cos() * offset[:, 0] - angles.sin() * offset[:, 1]
            columns = centres[:, 1] + angles.sin() * offset[:, 0] + angles.cos() * offset[:, 1]
            assert float(torch.stack([rows, columns]).min()) >= -1e-5
            assert float(torch.stack([rows, columns]).max()) <= 1 + 1e-5


@pytest.mark.parametrize("draw", [pasting.patches, pasting.scars])
def test_a_paste_changes_only_its_mask_and_the_mask_has_the_rectangles_area(
    draw: Callable[[int, torch.Generator], pasting.Cut], generator: torch.Generator
) -> None:
    images, cut = noise(64, 96), draw(64, generator)
    pasted, mask = pasting.paste(images, cut, torch.full((64,), 0.9))
    assert torch.equal(pasted[~mask], images[~mask])
    assert float((pasted != images)[mask].float().mean()) > 0.98
    pixels, expected = mask.sum((1, 2, 3)), 96**2 * cut.sizes.prod(1)
    assert float(pixels.sum()) == pytest.approx(float(expected.sum()), rel=0.1)


def test_a_patch_is_copied_pixel_by_pixel_and_made_brighter() -> None:
    images = noise(1, 16) / 2
    cut = pasting.Cut(
        torch.tensor([[4 / 16, 2 / 16]]),
        torch.tensor([[4 / 16, 3 / 16]]),
        torch.tensor([[12 / 16, 11 / 16]]),
        torch.zeros(1),
    )
    pasted, mask = pasting.paste(images, cut, torch.tensor([1.1]))
    expected = images.clone()
    expected[..., 10:14, 10:12] = 1.1 * images[..., 2:6, 2:4]
    torch.testing.assert_close(pasted, expected)
    assert mask.sum() == 8


def test_what_is_pasted_comes_from_the_same_spot_of_the_rectangle(generator: torch.Generator) -> None:
    centres = (torch.arange(32) + 0.5) / 32
    rows, columns = (ramp[None, None].expand(64, 1, 32, 32) for ramp in torch.meshgrid(centres, centres, indexing="ij"))
    cut, one = pasting.patches(64, generator), torch.ones(64)
    for axis, ramp in enumerate((rows, columns)):
        pasted, mask = pasting.paste(ramp, cut, one)
        expected = ramp + (cut.sources - cut.targets)[:, axis, None, None, None]
        assert float((pasted - expected)[mask].abs().max()) <= 0.5 / 32 + 1e-5, "off by more than half a pixel"


def test_what_is_pasted_stays_in_0_to_1(generator: torch.Generator) -> None:
    pasted, _ = pasting.paste(torch.ones(8, 1, 32, 32), pasting.patches(8, generator), torch.full((8,), 1.1))
    assert float(pasted.max()) == 1


def test_a_quarter_turn_lays_a_standing_rectangle_down() -> None:
    images = noise(1, 16)
    centre = torch.tensor([[0.5, 0.5]])
    cut = pasting.Cut(torch.tensor([[4 / 16, 2 / 16]]), centre, centre, torch.tensor([math.pi / 2]))
    pasted, _ = pasting.paste(images, cut, torch.ones(1))
    standing = images[0, 0, 6:10, 7:9]
    torch.testing.assert_close(pasted[0, 0, 7:9, 6:10], torch.rot90(standing, 1))


def test_cutpastes_score_is_the_mahalanobis_distance_to_plain_normals() -> None:
    from sklearn.covariance import LedoitWolf

    method = METHODS["CutPaste"](2).fit(NORMALS, augmented=noise(12, 32, seed=5) ** 3)
    assert method.embed(NORMALS).shape == (12, 8 * 4), "features, not the head's three logits"
    gaussian = LedoitWolf().fit(method.embed(NORMALS).double().numpy())
    tests = noise(5, 32, seed=9)
    expected = np.sqrt(gaussian.mahalanobis(method.embed(tests).double().numpy()))
    np.testing.assert_allclose(method.score(tests).numpy(), expected, rtol=1e-3)
