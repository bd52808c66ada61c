"""Acquisition shifts and spectra: they change how an image was made, each in its own direction, and nothing else."""

from __future__ import annotations

import pytest
import torch
from torch import Generator, Tensor

from squidlib.data.chest import ChestData, open_images, zhanglab
from squidlib.data.chest.acquisition import SHIFTS, varied
from squidlib.data.chest.phantom import draw_chests
from squidlib.data.chest.sharpness import gradient
from squidlib.data.chest.spectrum import match_spectrum, radial_spectrum
from tests.chest_folders import zhanglab_folder


@pytest.fixture(scope="module")
def chests() -> Tensor:
    return draw_chests(range(6), range(6), abnormal=False, seed=3, size=224)


@pytest.mark.parametrize("name", SHIFTS)
def test_a_shift_is_seeded_stays_in_range_and_leaves_its_argument(name: str, chests: Tensor) -> None:
    before = chests.clone()
    once, again = (SHIFTS[name](chests, Generator().manual_seed(4)) for _ in range(2))
    assert torch.equal(once, again)
    assert torch.equal(chests, before)
    assert once.shape == chests.shape
    assert 0 <= once.min() < once.max() <= 1
    assert all((image - other).abs().max() > 0.005 for image, other in zip(once, chests, strict=True))


def test_each_shift_does_what_it_is_called(chests: Tensor) -> None:
    changed = {name: shift(chests, Generator().manual_seed(4)) for name, shift in SHIFTS.items()}
    plain = gradient(chests)
    assert (gradient(changed["softened"]) < plain).all()
    assert (gradient(changed["sharpened"]) > plain).all()
    order = chests[0].flatten().argsort()  # gamma keeps which pixel is brighter
    assert (changed["re-exposed"][0].flatten()[order].diff() >= 0).all()
    black = torch.zeros(1, 1, 224, 224)
    black[0, 0, 70:154, 70:154] = 1
    enlarged = SHIFTS["cropped"](black, Generator().manual_seed(1))
    assert 1.05 < enlarged.sum() / black.sum() < 1.5  # by 1 / .95 to 1 / .85, squared: 1.11 to 1.38


def test_an_image_is_varied_by_its_own_seed_whatever_is_beside_it(chests: Tensor) -> None:
    together = varied(chests, [Generator().manual_seed(seed) for seed in range(5, 11)])
    alone = varied(chests[3:4], [Generator().manual_seed(8)])
    assert torch.equal(together[3:4], alone)
    each = [Generator().manual_seed(seed) for seed in range(6)]
    assert len({tuple(image.flatten().tolist()) for image in varied(chests[:1].expand(6, -1, -1, -1), each)}) == 6


def test_the_spectrum_of_a_wave_is_in_its_ring_and_matching_gives_it_to_another(chests: Tensor) -> None:
    right = torch.arange(224) / 224
    wave = (0.5 + 0.25 * torch.sin(2 * torch.pi * 8 * right)).expand(1, 1, 224, 224)
    power = radial_spectrum(wave)[0]
    assert power[0] == pytest.approx(0.25, rel=1e-4)  # the mean, squared
    assert power[1:].argmax() + 1 == 8
    common = radial_spectrum(chests).mean(0)
    soft = SHIFTS["softened"](chests, Generator().manual_seed(2))
    apart = (radial_spectrum(soft)[:, 10:90].log() - common[10:90].log()).abs().mean()
    matched = radial_spectrum(match_spectrum(soft, common))
    assert (matched[:, 10:90].log() - common[10:90].log()).abs().mean() < 0.3 * apart
    assert torch.allclose(match_spectrum(chests[:1], radial_spectrum(chests[:1])[0]), chests[:1], atol=1e-4)


def test_every_second_training_image_is_varied_and_all_calibration_images_in_every_way(tmp_path) -> None:  # type: ignore[no-untyped-def]
    arrays = open_images(zhanglab(zhanglab_folder(tmp_path)), 128)
    plain, wide = ChestData(arrays, 1), ChestData(arrays, 1, acquisition=True)
    for one, other in ((plain.batch(2, 4), wide.batch(2, 4)), (plain.reference(), wide.varied_reference())):
        changed = [not torch.equal(left, right) for left, right in zip(one, other, strict=True)]
        assert changed == [row % 2 == 1 for row in range(len(one))]
    assert torch.equal(plain.varied_reference(), plain.reference())
    assert torch.equal(wide.calibration(), plain.calibration())
    assert [part.shape for part in wide.shifted_calibration()] == [wide.calibration().shape] * len(SHIFTS)
    assert plain.shifted_calibration() == []
    other = ChestData(arrays, 2, acquisition=True)  # another seed remembers other acquisitions
    assert not torch.equal(other.varied_reference(), wide.varied_reference())
