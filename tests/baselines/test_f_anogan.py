"""f-AnoGAN: the gradient penalty, who is trained in which phase, and the score."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pytest
import torch
from torch import Generator, Tensor, nn

from squidlib.baselines.base import seeded
from squidlib.baselines.f_anogan import FAnoGAN, FAnoGANNetworks, gradient_penalty
from squidlib.baselines.trained import Phase
from tests.helpers import noise

IMAGES, OTHERS = noise(6, 32), noise(6, 32, seed=1)
SHARES = torch.rand(6, 1, 1, 1, generator=Generator().manual_seed(2))


def small(steps: int = 8) -> FAnoGAN:
    return FAnoGAN(code=4, width=2, steps=steps, batch_size=4)


def state(module: nn.Module) -> list[Tensor]:
    return [value.clone() for value in module.state_dict().values()]


def alike(one: list[Tensor], other: list[Tensor]) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("length", [0.25, 1.0, 3.0])
def test_the_penalty_of_a_linear_critic_depends_on_its_weights_length_alone(length: float) -> None:
    weights = torch.randn(1024, generator=Generator().manual_seed(0))
    weights *= length / weights.norm()
    penalty = gradient_penalty(lambda images: images.flatten(1) @ weights, IMAGES, OTHERS, SHARES)
    assert float(penalty) == pytest.approx((length - 1) ** 2, abs=1e-5)


def test_the_penalty_of_a_quadratic_critic_is_taken_between_real_and_fake() -> None:
    """The gradient of |x|^2 / 2 is x itself: here real + share * (fake - real)."""
    penalty = gradient_penalty(lambda images: (images**2).sum(dim=(1, 2, 3)) / 2, IMAGES, OTHERS, SHARES)
    lengths = ((1 - SHARES) * IMAGES + SHARES * OTHERS).flatten(1).norm(dim=1)
    torch.testing.assert_close(penalty, ((lengths - 1) ** 2).mean())


def test_training_the_penalty_makes_gradients_as_long_as_one() -> None:
    critic = seeded(0, lambda: nn.Sequential(nn.Flatten(), nn.Linear(1024, 8), nn.Softplus(), nn.Linear(8, 1)))
    optimizer = torch.optim.Adam(critic.parameters(), 0.002)
    losses = []
    for _ in range(60):
        losses.append(gradient_penalty(critic, IMAGES, OTHERS, SHARES))
        optimizer.zero_grad()
        losses[-1].backward()
        optimizer.step()
    assert losses[-1] < 0.1 * losses[0]


def test_the_critic_judges_each_image_for_itself() -> None:
    networks = FAnoGANNetworks((1, 32, 32), 4, 2).train()
    torch.testing.assert_close(networks.critic(IMAGES)[:1], networks.critic(IMAGES[:1]))


class Watched(FAnoGAN):
    """Notes the weights before each of the two phases."""

    def phases(self, normals: Tensor, shown: Tensor, seed: int) -> Iterator[Phase]:
        noted = []
        for phase in super().phases(normals, shown, seed):
            noted.append({name: state(part) for name, part in self.network.named_children()})
            yield phase
        self.start, self.middle = noted


def test_first_the_gan_is_trained_and_then_the_encoder_alone() -> None:
    method = Watched(code=4, width=2, steps=8, batch_size=4)
    counts: list[int] = []

    def progress(count: int) -> Iterable[int]:
        counts.append(count)
        return range(count)

    method.fit(IMAGES, progress=progress)
    assert counts == [6, 2]
    for name, part in method.network.named_children():
        assert alike(method.start[name], method.middle[name]) == (name == "encoder")
        assert alike(method.middle[name], state(part)) == (name != "encoder")


def test_the_generator_moves_once_in_five_steps_of_the_critic() -> None:
    few, enough = (Watched(code=4, width=2, steps=steps, batch_size=4).fit(IMAGES) for steps in (5, 6))
    weight = next(name for name, _ in few.network.generator.named_parameters())
    moved = [not torch.equal(s.start["generator"][0], s.network.generator.state_dict()[weight]) for s in (few, enough)]
    assert moved == [False, True]  # 4 and 5 steps of the critic


def test_the_score_is_the_residual_of_pixels_and_of_the_critics_features() -> None:
    method = small().fit(IMAGES)
    networks = method.network
    found = method.reconstruct(IMAGES)
    expected = []
    for image, own in zip(IMAGES, found, strict=True):
        features = networks.features(image[None]) - networks.features(own[None])
        expected.append(((image - own) ** 2).mean() + (features**2).mean())
    torch.testing.assert_close(method.score(IMAGES), torch.stack(expected).detach(), rtol=1e-4, atol=1e-6)
    assert torch.equal(found, networks.generator(networks.encoder(IMAGES)).detach())
