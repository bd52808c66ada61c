"""SQUID as scikit-learn's outlier detector: its checks, its sign, and images in every form that people hand over."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.utils.estimator_checks import estimator_checks_generator

from squidlib.training.estimator import SquidOutlierDetector
from tests.conftest import tiny_config  # noqa: F401  (installs the shape checks before the first import)

#: What images do not allow: a batch's size changes the last bits of a convolution, and this check tolerates 1e-7.
NOT_HELD = {"check_methods_subset_invariance": "convolutions of batches of other sizes differ in the last bits"}
CHECKS = list(estimator_checks_generator(SquidOutlierDetector(steps=1, device="cpu", random_state=0)))


@pytest.mark.parametrize("number", range(len(CHECKS)), ids=lambda number: CHECKS[number][1].func.__name__)
def test_scikit_learns_own_checks(number: int, as_users: None) -> None:
    estimator, check = CHECKS[number]
    if check.func.__name__ in NOT_HELD:
        with pytest.raises(AssertionError, match="invariant"):
            check(estimator)
    else:
        check(estimator)


def pictures(count: int, seed: int = 0) -> np.ndarray:
    """(count, 24, 32): bright at the left, with some noise."""
    noise = np.random.default_rng(seed).normal(0, 4, (count, 24, 32))
    return np.linspace(200, 20, 32)[None, None] + noise


@pytest.fixture(scope="module")
def fitted() -> SquidOutlierDetector:
    return SquidOutlierDetector(steps=20, device="cpu", random_state=0).fit(pictures(60))


def test_lower_is_more_abnormal_and_outliers_are_minus_one(fitted: SquidOutlierDetector) -> None:
    normal, turned = pictures(40, seed=1), pictures(40, seed=1)[:, :, ::-1]
    assert fitted.score_samples(turned).max() < fitted.score_samples(normal).min()
    assert (fitted.predict(turned) == -1).all()
    assert (fitted.predict(normal) == 1).mean() > 0.7
    below = fitted.decision_function(normal) < 0
    assert np.array_equal(fitted.predict(normal) == -1, below)
    opposite = -fitted.detector_.score(fitted._images(normal.reshape(40, -1).astype(np.float32))).numpy()
    np.testing.assert_allclose(fitted.score_samples(normal), opposite, rtol=1e-5)


def test_flat_rows_and_images_are_the_same_thing(fitted: SquidOutlierDetector) -> None:
    images = pictures(8, seed=2)
    flat = SquidOutlierDetector(steps=2, image_shape=(24, 32), device="cpu", random_state=0)
    flat.fit(pictures(20).reshape(20, -1))
    assert flat.image_shape_ == fitted.image_shape_ == (24, 32, 1)
    assert flat.score_samples(images.reshape(8, -1)).shape == (8,)
    assert np.array_equal(flat.score_samples(images), flat.score_samples(images.reshape(8, -1)))


def test_colour_keeps_its_three_channels() -> None:
    images = np.random.default_rng(0).integers(0, 255, (12, 16, 16, 3)).astype(np.uint8)
    fitted = SquidOutlierDetector(steps=1, device="cpu", random_state=0).fit(images)
    assert fitted.detector_.config.image_shape == (3, 128, 128)


@pytest.mark.parametrize("shape", [(5, 5), (24, 32, 2), (24,)])
def test_a_shape_that_does_not_fit_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="image_shape is"):
        SquidOutlierDetector(image_shape=shape, device="cpu").fit(pictures(10).reshape(10, -1))
