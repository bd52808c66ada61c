"""2-NN, PaDiM and PANDA: each obeys its equations, and finds broken stripes even with features of random weights."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from scipy.spatial.distance import mahalanobis
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import NearestNeighbors
from torch import Tensor

from squidlib.backbone import backbone
from squidlib.baselines.feature_neighbours import FeatureNeighbours
from squidlib.baselines.padim import REGULARISER, PaDiM, PatchGaussians, smooth, whitening
from squidlib.baselines.panda import Panda, compactness, sum_of_nearest
from squidlib.teaching.lesson import interruptible
from tests.helpers import noise

NETWORK = backbone(size=32, pretrained=False)
METHODS: dict[str, Callable[[], FeatureNeighbours | PaDiM | Panda]] = {
    "2-NN": lambda: FeatureNeighbours(NETWORK),
    "PaDiM": lambda: PaDiM(NETWORK, dims=12),
    "PANDA": lambda: Panda(NETWORK, steps=3, batch_size=4),
}
each_method = pytest.mark.parametrize("name", METHODS)


def striped(count: int, seed: int, broken: bool = False) -> Tensor:
    """(count, 1, 32, 32): stripes with noise; in a broken image those of one quarter run the other way."""
    stripes = ((torch.arange(32) // 4) % 2).float().expand(count, 1, 32, 32).clone()
    if broken:
        stripes[..., :16, :16] = stripes[..., :16, :16].mT
    return 0.95 * stripes + 0.05 * noise(count, 32, seed)


NORMALS = striped(36, 0)


@each_method
def test_each_finds_broken_stripes_in_images_that_it_never_saw(name: str) -> None:
    method = METHODS[name]().fit(NORMALS)
    scores = method.score(torch.cat([striped(20, 1), striped(20, 2, broken=True)]))
    assert scores.shape == (40,)
    assert roc_auc_score([0] * 20 + [1] * 20, scores) > 0.9


@each_method
def test_the_name_says_whose_features_they_are(name: str) -> None:
    assert METHODS[name]().name == f"{name} ({NETWORK.name})"
    assert "random weights" in NETWORK.name


@each_method
def test_the_same_seed_gives_the_same_scores_and_the_given_network_stays(name: str) -> None:
    before = [weights.clone() for weights in NETWORK.parameters()]
    torch.manual_seed(1)
    first = METHODS[name]().fit(NORMALS, seed=3).score(NORMALS)
    torch.manual_seed(2)
    again, other = (METHODS[name]().fit(NORMALS, seed=seed).score(NORMALS) for seed in (3, 4))
    assert torch.equal(first, again)
    assert torch.equal(first, other) == (name == "2-NN"), "only 2-NN has nothing to draw"
    assert all(torch.equal(old, new) for old, new in zip(before, NETWORK.parameters(), strict=True))


@each_method
def test_an_image_is_scored_alike_alone_and_in_company(name: str) -> None:
    method = METHODS[name]().fit(NORMALS)
    images = striped(3, 5)
    torch.testing.assert_close(method.score(images[:1]), method.score(images)[:1], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("name", ["PaDiM", "PANDA"])
def test_an_interruption_leaves_a_usable_method(name: str) -> None:
    method = METHODS[name]()
    with interruptible(name) as progress:

        def interrupted(count: int) -> Iterator[int]:
            for _ in progress(count):
                raise KeyboardInterrupt
            yield 0

        method.fit(NORMALS, progress=interrupted)
    assert torch.isfinite(method.score(NORMALS)).all()


@each_method
def test_too_few_images_are_named(name: str) -> None:
    with pytest.raises(ValueError, match="at least 2 normal images expected, got 1"):
        METHODS[name]().fit(NORMALS[:1])


def test_neighbours_are_those_of_scikit_learn() -> None:
    bank, queries = torch.randn(30, 5), torch.randn(4, 5)
    found = NearestNeighbors(n_neighbors=2).fit(bank.numpy()).kneighbors(queries.numpy())[0]
    np.testing.assert_allclose(sum_of_nearest(queries, bank, 2).numpy(), found.sum(1), rtol=1e-4)
    method = FeatureNeighbours(NETWORK).fit(NORMALS)
    images = striped(4, 5)
    found = NearestNeighbors(n_neighbors=2).fit(NETWORK.pooled(NORMALS).numpy())
    expected = found.kneighbors(NETWORK.pooled(images).numpy())[0].mean(1)
    np.testing.assert_allclose(method.score(images).numpy(), expected, rtol=1e-2)


def test_features_are_computed_once_an_image_and_the_oldest_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    method, seen = FeatureNeighbours(NETWORK, remembered=6), []
    pooled = NETWORK.pooled
    monkeypatch.setattr(NETWORK, "pooled", lambda images: seen.append(len(images)) or pooled(images))
    images = noise(6, 32)
    first = method.features(images[[0, 1, 2, 1]])
    assert sum(seen) == 3
    torch.testing.assert_close(first[1], first[3])
    again = method.features(images[:4])
    assert sum(seen) == 4
    assert torch.equal(again[:3], first[:3])
    method.features(noise(5, 32, seed=1))
    assert len(method._known) == 6
    method.features(images[:1])
    assert sum(seen) == 10, "the first image was forgotten"


def test_streaming_mean_and_covariance_are_numpys() -> None:
    features = 1000 + torch.randn(3, 50, 4, generator=torch.Generator().manual_seed(0)) * torch.tensor([1.0, 2, 3, 4])
    features[..., 1] += features[..., 0]
    gaussians = PatchGaussians(3, 4)
    for batch in features.split([1, 20, 7, 22], dim=1):
        gaussians.push(batch)
    for place in range(3):
        data = features[place].double().numpy()
        np.testing.assert_allclose(gaussians.mean[place, 0].numpy(), data.mean(0), rtol=1e-6)
        np.testing.assert_allclose(gaussians.covariance()[place].numpy(), np.cov(data.T), rtol=1e-3, atol=1e-2)


def test_padims_distances_are_scipys() -> None:
    method = PaDiM(NETWORK, dims=12).fit(NORMALS)
    images = striped(2, 7)
    normal, features = method.features(NORMALS).double().numpy(), method.features(images).double().numpy()
    distances = method.distances(images).flatten(1)
    assert distances.shape == (2, 64)
    for place in (0, 9, 63):
        inverse = np.linalg.inv(np.cov(normal[place].T) + REGULARISER * np.eye(12))
        for index in range(2):
            expected = mahalanobis(features[place, index], normal[place].mean(0), inverse)
            assert distances[index, place].item() == pytest.approx(expected, rel=1e-2)


def test_whitening_makes_distances_of_the_inverse_covariance() -> None:
    root = torch.randn(2, 5, 5, generator=torch.Generator().manual_seed(1))
    covariance = root @ root.mT + torch.eye(5)
    white = whitening(covariance)
    torch.testing.assert_close(white.mT @ white, torch.linalg.inv(covariance), rtol=1e-3, atol=1e-4)


def test_a_shifted_feature_raises_the_distance_of_its_place_only(monkeypatch: pytest.MonkeyPatch) -> None:
    method = PaDiM(NETWORK, dims=12).fit(NORMALS)
    features = method.features(NORMALS[:1])
    centre = method.mean.clone()
    spread = features.std()

    def distances(shift: float) -> Tensor:
        moved = centre.clone()
        moved[20, 0, 3] += shift * spread
        monkeypatch.setattr(method, "features", lambda _: moved)
        return method.distances(NORMALS[:1]).flatten()

    none, some, more = distances(0.0), distances(1.0), distances(3.0)
    assert float(none.max()) == pytest.approx(0, abs=1e-5)
    assert 0 < some[20] < more[20]
    assert more.count_nonzero() == 1


def test_padims_map_is_highest_where_the_stripes_are_broken() -> None:
    method = PaDiM(NETWORK, dims=30, sigma=2.0).fit(NORMALS)
    images = striped(6, 2, broken=True)
    maps = method.anomaly_map(images)
    assert maps.shape == images.shape
    quarters = maps.unfold(2, 16, 16).unfold(3, 16, 16).mean((1, 4, 5)).flatten(1)
    assert (quarters.argmax(1) == 0).all()
    assert torch.equal(method.score(images), maps.flatten(1).max(1).values)


def test_smoothing_is_scipys() -> None:
    maps = noise(2, 40)
    expected = [gaussian_filter(one.numpy(), 4.0, mode="nearest") for one in maps[:, 0]]
    np.testing.assert_allclose(smooth(maps, 4.0)[:, 0].numpy(), np.stack(expected), atol=1e-5)


def test_compactness_is_its_formula() -> None:
    features, centre = torch.tensor([[1.0, 2.0], [3.0, 5.0]]), torch.tensor([1.0, 1.0])
    assert float(compactness(features, centre)) == ((0 + 1) + (4 + 16)) / 2


def test_panda_draws_normal_images_to_their_old_centre_and_trains_two_stages_only() -> None:
    def spread(steps: int) -> tuple[float, Panda]:
        method = Panda(NETWORK, steps=steps, batch_size=8, learning_rate=0.01).fit(NORMALS)
        return float(compactness(method.bank, method.centre)), method

    (before, untrained), (after, trained) = spread(0), spread(20)
    assert after < before
    torch.testing.assert_close(untrained.centre, NETWORK.features(NORMALS)[-1].mean((0, 2, 3)), rtol=1e-3, atol=1e-4)
    assert torch.equal(trained.centre, untrained.centre)
    changed = [
        any(not torch.equal(old, new) for old, new in zip(one.parameters(), other.parameters(), strict=True))
        for one, other in zip(untrained.network.stages, trained.network.stages, strict=True)
    ]
    assert changed == [False, False, True, True]
    statistics = zip(untrained.network.buffers(), trained.network.buffers(), strict=True)
    assert all(torch.equal(old, new) for old, new in statistics)


def test_panda_trains_on_varied_images_and_keeps_the_plain_ones() -> None:
    plain = Panda(NETWORK, steps=0).fit(NORMALS, augmented=noise(4, 32))
    assert torch.equal(plain.bank, Panda(NETWORK, steps=0).fit(NORMALS).bank)
    assert not torch.equal(
        Panda(NETWORK, steps=2, learning_rate=1.0).fit(NORMALS, augmented=noise(4, 32)).bank,
        Panda(NETWORK, steps=2, learning_rate=0.01).fit(NORMALS).bank,
    )
