"""Auto-encoder, MemAE and Ganomaly: one interface, reproducible by seed, and each obeys its own equations."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from squidlib.baselines import AutoEncoder, Ganomaly, MemAE
from squidlib.baselines.auto_encoder import decoder, encoder
from squidlib.baselines.base import batches, in_batches, seeded
from squidlib.baselines.ganomaly import GanomalyNetworks
from squidlib.baselines.memae import MemAENetwork, entropy
from squidlib.config import SquidConfig
from squidlib.teaching.lesson import interruptible
from squidlib.training.presets import PRESETS
from tests.helpers import noise

SMALL = SquidConfig(
    image_size=24, width=4, levels=1, fold=2, code_channels=4, slots=5, topk=2, heads=2, skips=0, joined_levels=0
)
NORMALS, SHAPE = noise(12, 48), (1, 48, 48)
METHODS: dict[str, Callable[[int], AutoEncoder | MemAE | Ganomaly]] = {
    "auto-encoder": lambda steps: AutoEncoder(code=4, width=2, steps=steps, batch_size=4),
    "MemAE": lambda steps: MemAE(PRESETS["laptop"]["digitanatomy"].config, slots=20, steps=steps, batch_size=2),
    "Ganomaly": lambda steps: Ganomaly(code=4, width=2, steps=steps, batch_size=4),
}
each_method = pytest.mark.parametrize("name", METHODS)


def normals_of(name: str) -> Tensor:
    return noise(12, 96) if name == "MemAE" else NORMALS


@each_method
def test_every_method_scores_reconstructs_and_maps(name: str) -> None:
    normals = normals_of(name)
    method = METHODS[name](2).fit(normals, seed=0)
    assert method.name == name
    scores, pictures, maps = method.score(normals), method.reconstruct(normals), method.anomaly_map(normals)
    assert scores.shape == (12,)
    assert pictures.shape == maps.shape == normals.shape
    assert float(pictures.min()) >= 0
    assert float(pictures.max()) <= 1
    assert float(maps.min()) >= 0
    assert not any(result.requires_grad for result in (scores, pictures, maps))


@each_method
def test_the_same_seed_gives_the_same_scores_and_another_others(name: str) -> None:
    normals = normals_of(name)
    torch.manual_seed(1)
    first = METHODS[name](2).fit(normals, seed=3).score(normals)
    torch.manual_seed(2)
    again, other = (METHODS[name](2).fit(normals, seed=seed).score(normals) for seed in (3, 4))
    assert torch.equal(first, again)
    assert not torch.allclose(first, other)


@each_method
def test_an_image_is_scored_alike_alone_and_in_company(name: str) -> None:
    normals = normals_of(name)
    method = METHODS[name](2).fit(normals, seed=0)
    torch.testing.assert_close(method.score(normals[:1]), method.score(normals)[:1], rtol=1e-3, atol=1e-6)


@each_method
def test_an_interruption_leaves_a_usable_method(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    normals, method = normals_of(name), METHODS[name](50)
    with interruptible(name) as progress:

        def interrupted(count: int) -> Iterator[int]:
            for step in progress(count):
                yield step
                if step == 1:
                    raise KeyboardInterrupt

        method.fit(normals, seed=0, progress=interrupted)
    assert "step 1 of 50" in capsys.readouterr().out
    assert torch.isfinite(method.score(normals)).all()


@each_method
def test_no_image_to_learn_from_is_named(name: str) -> None:
    with pytest.raises(ValueError, match="at least 1 normal image expected, got 0"):
        METHODS[name](1).fit(normals_of(name)[:0])


def test_an_auto_encoder_learns_what_it_is_shown() -> None:
    pattern = (torch.arange(48) // 12 % 2).float().expand(1, 1, 48, 48).repeat(8, 1, 1, 1)
    before = AutoEncoder(code=4, width=4, steps=1).fit(pattern).score(pattern).mean()
    after = AutoEncoder(code=4, width=4, steps=60, learning_rate=1e-2).fit(pattern).score(pattern).mean()
    assert after < 0.3 * before


def test_a_side_that_cannot_be_halved_four_times_is_named() -> None:
    with pytest.raises(ValueError, match="multiples of 16 expected, got 24"):
        AutoEncoder().fit(noise(2, 24))


def test_encoder_and_decoder_have_the_code_between_them() -> None:
    assert encoder((1, 32, 32), 7, 2)(noise(3, 32)).shape == (3, 7)
    assert decoder((1, 32, 32), 7, 2)(torch.randn(3, 7)).shape == (3, 1, 32, 32)


def test_entropy_is_its_formula_and_counts_zero_weights_as_nothing() -> None:
    weights = torch.tensor([[[0.5, 0.25, 0.25, 0.0], [1.0, 0.0, 0.0, 0.0]]])
    by_hand = -(0.5 * torch.tensor(0.5).log() + 2 * 0.25 * torch.tensor(0.25).log())
    assert float(entropy(weights)) == pytest.approx(float(by_hand) / 2, abs=1e-6)


@pytest.mark.parametrize("positions", [1, 9])
def test_memaes_decoder_sees_nothing_but_mixtures_of_slots(positions: int) -> None:
    network = MemAENetwork(SMALL, positions, 6).eval()
    queries = network.query(noise(2, 24))
    features, weights = network.recall(queries)
    slots = network.memory.slots.expand(9, -1, -1)
    torch.testing.assert_close(features, torch.einsum("brs,rsd->brd", weights, slots))
    torch.testing.assert_close(weights.sum(-1), torch.ones(2, 9))


def test_a_global_memory_answers_alike_at_every_place() -> None:
    shared, own = (MemAENetwork(SMALL, positions, 6).eval() for positions in (1, 9))
    same = torch.randn(1, 1, SMALL.features).expand(1, 9, -1)
    assert torch.allclose(shared.recall(same).features[0, 0], shared.recall(same).features[0, 5])
    assert not torch.allclose(own.recall(same).features[0, 0], own.recall(same).features[0, 5])


def test_ganomalys_score_is_the_difference_of_its_two_codes() -> None:
    method = METHODS["Ganomaly"](1).fit(NORMALS, seed=0)
    networks = method.network.eval()  # type: ignore[union-attr]
    code = networks.encoder(NORMALS)
    again = networks.second_encoder(networks.decoder(code))
    expected = torch.stack([F.mse_loss(one, other) for one, other in zip(code, again, strict=True)])
    torch.testing.assert_close(method.score(NORMALS), expected.detach(), rtol=1e-4, atol=1e-7)


def test_batches_follow_the_seed() -> None:
    images = noise(7, 4)
    first, again, other = (list(islice(batches(images, 3, seed), 4)) for seed in (0, 0, 1))
    assert all(len(batch) == 3 for batch in first)
    assert all(torch.equal(one, two) for one, two in zip(first, again, strict=True))
    assert not all(torch.equal(one, two) for one, two in zip(first, other, strict=True))


def test_seeded_weights_do_not_disturb_other_random_numbers() -> None:
    torch.manual_seed(5)
    expected = torch.rand(2)
    torch.manual_seed(5)
    left, right = (seeded(1, lambda: torch.nn.Linear(3, 3)) for _ in range(2))
    assert torch.equal(torch.rand(2), expected)
    assert torch.equal(left.weight, right.weight)


def test_in_batches_gives_what_one_batch_gives() -> None:
    images = noise(7, 4)
    torch.testing.assert_close(in_batches(lambda batch: batch.mean((1, 2, 3)), images, 3), images.mean((1, 2, 3)))


def test_ganomalys_makers_minimise_its_three_terms() -> None:
    networks = seeded(0, lambda: GanomalyNetworks(SHAPE, 4, 2)).eval().double()  # doubles: one term is much the largest
    images = NORMALS.double()
    reconstruction, code, again = networks(images)
    real, fake = networks.features(images), networks.features(reconstruction)
    expected = ((real - fake) ** 2).mean() + 50 * (images - reconstruction).abs().mean() + ((code - again) ** 2).mean()
    torch.testing.assert_close(networks.generator_loss(images, reconstruction, code, again), expected)


def test_ganomalys_judge_calls_images_real_and_reconstructions_fake_and_teaches_no_maker() -> None:
    networks = seeded(0, lambda: GanomalyNetworks(SHAPE, 4, 2)).eval()
    reconstruction = networks(NORMALS)[0]
    real, fake = (networks.verdict(networks.features(images))[:, 0].sigmoid() for images in (NORMALS, reconstruction))
    loss = networks.discriminator_loss(NORMALS, reconstruction)
    torch.testing.assert_close(loss, -(real.log().mean() + (1 - fake).log().mean()) / 2)
    loss.backward()
    assert all(value.grad is None for value in networks.decoder.parameters())
    assert all(value.grad is not None for value in networks.verdict.parameters())
