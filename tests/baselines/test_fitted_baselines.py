"""IF 2D, IGD, CutPaste and M-KD behind one interface: reproducible by seed, whole after an interruption."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import suppress

import numpy as np
import pytest
import torch

from squidlib.detection.metrics import auc
from tests.fitted_toys import METHODS, NORMALS, discs
from tests.helpers import noise

each_method = pytest.mark.parametrize("name", METHODS)


@each_method
def test_every_method_offers_what_its_method_has(name: str) -> None:
    method = METHODS[name](2).fit(NORMALS, seed=0)
    assert method.name == name
    if hasattr(method, "calibrate"):
        method.calibrate(NORMALS)
    scores = method.score(NORMALS)
    assert scores.shape == (12,)
    assert torch.isfinite(scores).all()
    assert not scores.requires_grad
    for part, highest in (("reconstruct", 1.0), ("anomaly_map", math.inf)):
        if hasattr(method, part):
            pictures = getattr(method, part)(NORMALS)
            assert pictures.shape == NORMALS.shape
            assert not pictures.requires_grad
            assert float(pictures.min()) >= -1e-6
            assert float(pictures.max()) <= highest + 1e-6


@each_method
def test_the_same_seed_gives_the_same_scores_and_another_others(name: str) -> None:
    torch.manual_seed(1)
    first = METHODS[name](2).fit(NORMALS, seed=3).score(NORMALS)
    torch.manual_seed(2)
    again, other = (METHODS[name](2).fit(NORMALS, seed=seed).score(NORMALS) for seed in (3, 4))
    assert torch.equal(first, again)
    assert not torch.allclose(first, other)
    expected = torch.rand(1, generator=torch.Generator().manual_seed(2))
    assert torch.equal(torch.rand(1), expected), "the global generator was used"


@each_method
def test_an_image_is_scored_alike_alone_and_in_company(name: str) -> None:
    method = METHODS[name](2).fit(NORMALS, seed=0)
    torch.testing.assert_close(method.score(NORMALS[:1]), method.score(NORMALS)[:1], rtol=1e-3, atol=1e-5)


@each_method
@pytest.mark.parametrize("raised", [True, False], ids=["through fit", "kept by the wrapper"])
def test_an_interruption_leaves_a_usable_method(name: str, raised: bool) -> None:
    def interrupted(count: int) -> Iterator[int]:
        yield 0
        if raised:
            raise KeyboardInterrupt

    method = METHODS[name](50)
    with suppress(KeyboardInterrupt):
        method.fit(NORMALS, seed=0, progress=interrupted)
    assert torch.isfinite(method.score(NORMALS)).all()


@each_method
def test_steps_are_what_the_ticks_count_and_varied_images_are_learned_from(name: str) -> None:
    counts: list[int] = []

    def counting(count: int) -> range:
        counts.append(count)
        return range(count)

    plain = METHODS[name](3).fit(NORMALS, progress=counting).score(NORMALS)
    assert counts == [3]
    augmented = METHODS[name](3).fit(NORMALS, augmented=noise(12, 32, seed=5) ** 3).score(NORMALS)
    assert not torch.allclose(plain, augmented)


@each_method
def test_no_image_to_learn_from_is_named(name: str) -> None:
    with pytest.raises(ValueError, match=r"normal images? expected"):
        METHODS[name](1).fit(NORMALS[:0])


@pytest.mark.parametrize(
    ("name", "steps"), [("IF 2D", 150), ("IGD", 60), ("CutPaste", 60), ("M-KD (small, random weights)", 150)]
)
def test_a_shape_never_seen_scores_higher(name: str, steps: int) -> None:
    method = METHODS[name](steps).fit(discs(96, 0), seed=0)
    if hasattr(method, "calibrate"):
        method.calibrate(discs(32, 3))
    scores = torch.cat([method.score(discs(32, 1)), method.score(discs(32, 2, square=True))])
    assert auc(np.repeat([0, 1], 32), scores.numpy()) > 0.9
