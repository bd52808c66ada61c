"""IGD: its terms by their formulas, its Gaussian, its mixtures, its score's units."""

from __future__ import annotations

import math

import numpy as np
import torch

from squidlib.baselines import igd
from squidlib.baselines.base import in_batches
from squidlib.baselines.ssim import ms_ssim
from tests.fitted_toys import METHODS, NORMALS
from tests.helpers import noise


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
    method = METHODS["IGD"](4).fit(NORMALS, augmented=noise(12, 32, seed=5) ** 3)
    codes = in_batches(method.network.encoder, NORMALS)
    torch.testing.assert_close(method.centre, codes.mean(0))
    torch.testing.assert_close(method.spread, (codes - codes.mean(0)).square().sum(1).mean())


def test_igd_scores_half_and_half_and_calibrating_gives_both_terms_one_unit() -> None:
    method = METHODS["IGD"](4).fit(NORMALS)
    terms = method.terms(NORMALS)
    reconstructed, codes = method.reconstruct(NORMALS), in_batches(method.network.encoder, NORMALS)
    torch.testing.assert_close(terms[:, 0], igd.reconstruction_term(NORMALS, reconstructed))
    torch.testing.assert_close(terms[:, 1], igd.gaussian_term(codes, method.centre, method.spread))
    torch.testing.assert_close(method.anomaly_map(NORMALS), (NORMALS - reconstructed).abs())
    torch.testing.assert_close(method.score(NORMALS), terms.sum(1) / 2)
    method.calibrate(NORMALS)
    standard = (terms - terms.mean(0)) / terms.std(0)
    torch.testing.assert_close(method.score(NORMALS), standard.sum(1) / 2, rtol=1e-3, atol=1e-4)
