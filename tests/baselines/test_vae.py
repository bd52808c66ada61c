"""VAE: its KL, its draws and its score are what the equations say."""

from __future__ import annotations

import pytest
import torch
from torch import Generator
from torch.distributions import Normal, kl_divergence

from squidlib.baselines.vae import VAE, divergence, negative_elbo, reparametrised
from tests.helpers import noise

MEAN, LOG_VARIANCE = noise(2, 5).flatten(1) * 4 - 2, noise(2, 5, seed=1).flatten(1) * 4 - 2


def test_the_divergence_is_that_of_torch_distributions() -> None:
    gaussian = Normal(MEAN, (LOG_VARIANCE / 2).exp())
    standard = Normal(torch.zeros_like(MEAN), torch.ones_like(MEAN))
    torch.testing.assert_close(divergence(MEAN, LOG_VARIANCE), kl_divergence(gaussian, standard).sum(1))


def test_draws_have_the_mean_and_the_deviation_and_pass_gradients_to_both() -> None:
    mean, log_variance = torch.tensor([[1.5, -2.0]]), torch.tensor([[0.5, -3.0]])
    many = torch.randn(40_000, 2, generator=Generator().manual_seed(0))
    draws = reparametrised(mean.expand(40_000, 2), log_variance.expand(40_000, 2), many)
    torch.testing.assert_close(draws.mean(0, keepdim=True), mean, rtol=0, atol=0.02)
    torch.testing.assert_close(draws.std(0, keepdim=True), (log_variance / 2).exp(), rtol=0.02, atol=0)
    for parameter in (mean, log_variance):
        parameter.requires_grad_()
    reparametrised(mean, log_variance, many[:1]).sum().backward()
    torch.testing.assert_close(mean.grad, torch.ones(1, 2))
    torch.testing.assert_close(log_variance.grad, (many[:1] * (log_variance / 2).exp() / 2).detach())


def test_the_elbo_is_the_gaussian_log_likelihood_and_the_divergence() -> None:
    """-beta * (log p(x | z) - KL) with pixels of variance beta / 2, up to the density's constant."""
    images, other, beta = noise(2, 6), noise(2, 6, seed=1), 0.3
    pixel = Normal(other, (beta / 2) ** 0.5)
    likelihood = (pixel.log_prob(images) - pixel.log_prob(other)).sum(dim=(1, 2, 3))
    expected = -beta * (likelihood - divergence(MEAN, LOG_VARIANCE)) / 36
    torch.testing.assert_close(negative_elbo(images, other, MEAN, LOG_VARIANCE, beta), expected)


def test_the_score_reads_the_mean_code_and_the_networks_own_gaussian() -> None:
    images = noise(5, 32)
    method = VAE(code=3, width=2, beta=0.4, steps=2, batch_size=4).fit(images)
    mean, log_variance = method.network.eval().gaussian(images)
    expected = negative_elbo(images, method.network.decoder(mean), mean, log_variance, 0.4)
    torch.testing.assert_close(method.score(images), expected.detach())
    torch.testing.assert_close(method.reconstruct(images), method.network.decoder(mean).detach())


def test_a_heavy_divergence_leaves_nothing_in_the_code() -> None:
    """beta decides: the same training keeps images apart with a light one and not with a heavy one."""
    images = torch.cat([torch.zeros(8, 1, 32, 32), torch.ones(8, 1, 32, 32)])
    light, heavy = (
        VAE(code=2, width=4, beta=beta, steps=60, batch_size=8, learning_rate=5e-3).fit(images) for beta in (1e-3, 1e4)
    )
    assert divergence(*light.network.eval().gaussian(images)).mean() > 1
    assert divergence(*heavy.network.eval().gaussian(images)).mean() < 0.1


def test_training_draws_noise_but_scoring_does_not() -> None:
    images = noise(6, 32)
    method = VAE(code=3, width=2, steps=2, batch_size=4).fit(images)
    assert torch.equal(method.score(images), method.score(images))
    with pytest.raises(ValueError, match="multiples of 16"):
        method.fit(noise(2, 24))
