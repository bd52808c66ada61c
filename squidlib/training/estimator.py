"""SQUID by scikit-learn's convention for outlier detectors, for pipelines and comparisons that expect it.

    >>> from squidlib.training.estimator import SquidOutlierDetector
    >>> detector = SquidOutlierDetector().fit(normals)  # (N, H, W), (N, H, W, 3), or flat rows (N, H * W)
    >>> detector.predict(images)                         # +1 inlier, -1 outlier

The sign is scikit-learn's: ``score_samples`` and ``decision_function`` are *lower* where an image is more abnormal, and
``predict`` gives +1 and -1. Everywhere else in this kit, and in PyOD, it is the other way round: higher is more
abnormal, and PyOD's ``predict`` gives 1 for an outlier and 0 for an inlier.

The threshold comes from normal images that ``fit`` holds back, not from the training images: ``false_positive_rate`` of
them lie below it. So there is no parameter "contamination", which counts outliers among the training images.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, OutlierMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data
from torch import Tensor

from digitanatomy import seeded_generator
from digitanatomy.image_files import scaled
from squidlib.detection.calibration import calibrate
from squidlib.detection.detector import Detector
from squidlib.training.loop import train
from squidlib.training.presets import Preset, fit_to, preset_for
from squidlib.training.state import start, unwrapped

HELD_BACK = 0.2  #: share of the images of ``fit`` that calibrate the scores and are not trained on
LEAST = 4  #: images that ``fit`` needs: two to train on, two to calibrate with
TILE = 32  #: pixels a side of the laptop preset's tiles; images are scaled to multiples of it
LONGEST = 128  #: pixels of the longer side


class SquidOutlierDetector(OutlierMixin, BaseEstimator):
    """An outlier detector that is trained on normal images.

    Args:
        steps: of training; None is the laptop preset's 1,200 (minutes on two CPU cores).
        image_shape: (height, width) or (height, width, channels) of images that come as flat rows. None: a square
            where the number of values is one, else the two factors nearest to each other.
        false_positive_rate: share of normal images that ``predict`` may call outliers.
        device: "auto", "cpu", "cuda" or "mps".
        random_state: seed of weights, order and of what is held back: an int, a RandomState or None.

    Attributes:
        detector_: the trained ``squidlib.detection.detector.Detector``.
        image_shape_: height, width and channels of what it was trained on.
        value_range_: smallest and largest value of the training images; they become 0 and 1, and what lies outside is
            clipped.
        offset_: what ``decision_function`` subtracts from ``score_samples``.
        n_features_in_: values of one image.
    """

    def __init__(
        self,
        steps: int | None = None,
        image_shape: tuple[int, ...] | None = None,
        false_positive_rate: float = 0.05,
        device: str = "auto",
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.steps = steps
        self.image_shape = image_shape
        self.false_positive_rate = false_positive_rate
        self.device = device
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: object = None) -> SquidOutlierDetector:  # noqa: N803 (scikit-learn's name)
        """Learn from normal images.

        Args:
            X: (N, H, W), (N, H, W, 3), or flat rows (N, H * W); any range of values.
            y: passed over.

        Raises:
            ValueError: where there are fewer than ``LEAST`` images, or they are no numbers.
        """
        shape = X.shape if isinstance(X, np.ndarray) else ()
        rows = validate_data(self, _flat(X), dtype=np.float32, ensure_min_samples=LEAST)
        self.image_shape_ = _image_shape(shape, self.image_shape, rows.shape[1])
        self.value_range_ = (float(rows.min()), float(rows.max()))
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        images = self._images(rows)
        order = torch.randperm(len(images), generator=torch.Generator().manual_seed(seed))
        held = max(2, round(HELD_BACK * len(images)))
        preset = self._preset(images, seed)
        state = start(preset.config, preset.training, self.device)
        for _ in train(state, _Rows(images[order[held:]], seed), preset.training, preset.weights):
            pass
        squid, discriminator = unwrapped(state.squid), unwrapped(state.discriminator)
        calibration = calibrate(squid, discriminator, images[order[:held]])
        self.detector_ = Detector(squid, discriminator, calibration, {"seed": seed})
        self.offset_ = -self.detector_.threshold(self.false_positive_rate)
        return self

    def score_samples(self, X: ArrayLike) -> NDArray[np.float64]:  # noqa: N803
        """How normal each image is, (N,): the detector's score with the opposite sign, lower = more abnormal."""
        check_is_fitted(self)
        rows = validate_data(self, _flat(X), dtype=np.float32, reset=False)
        return -self.detector_.score(self._images(rows)).double().numpy()

    def decision_function(self, X: ArrayLike) -> NDArray[np.float64]:  # noqa: N803
        """``score_samples`` less ``offset_``, (N,): below 0 for outliers."""
        return self.score_samples(X) - self.offset_

    def predict(self, X: ArrayLike) -> NDArray[np.int64]:  # noqa: N803
        """+1 for inliers, -1 for outliers, (N,)."""
        return np.where(self.decision_function(X) < 0, -1, 1)

    def _images(self, rows: NDArray[np.float32]) -> Tensor:
        """Rows as images (N, C, H, W) in 0..1, of sides that the network can cut into tiles."""
        height, width, channels = self.image_shape_
        low, high = self.value_range_
        values = ((rows - low) / (high - low if high > low else 1.0)).clip(0, 1)
        factor = LONGEST / max(height, width)
        tall, wide = (max(2, round(side * factor / TILE)) * TILE for side in (height, width))
        images = [scaled(row.reshape(height, width, channels)[..., 0 if channels == 1 else slice(None)], tall, wide)
                  for row in values]  # fmt: skip
        stacked = torch.from_numpy(np.stack(images))
        return stacked[:, None] if channels == 1 else stacked.permute(0, 3, 1, 2).contiguous()

    def _preset(self, images: Tensor, seed: int) -> Preset:
        channels, height, width = images.shape[1:]
        preset = fit_to(preset_for("laptop", "folder"), (channels, height, width))
        steps = preset.training.steps if self.steps is None else self.steps
        return preset._replace(training=replace(preset.training, steps=steps, schedule_steps=steps, seed=seed))


class _Rows:
    """Images as training wants them: drawn with replacement, a function of the step."""

    def __init__(self, images: Tensor, seed: int) -> None:
        self.images, self.seed = images, seed

    def batch(self, step: int, size: int) -> Tensor:
        places = range(step * size, (step + 1) * size)
        drawn = [torch.randint(len(self.images), (), generator=seeded_generator(self.seed, place)) for place in places]
        return self.images[torch.stack(drawn)]

    def reference(self) -> Tensor:
        return self.images

    def calibration(self) -> Tensor:
        """Asked for by nobody: ``fit`` holds its own images back."""
        return self.images[:0]


def _flat(X: ArrayLike) -> ArrayLike:  # noqa: N803
    """Images as rows; what is no array of three or four dimensions is left for scikit-learn to check."""
    return np.reshape(X, (len(X), -1)) if isinstance(X, np.ndarray) and X.ndim in (3, 4) else X


def _image_shape(shape: tuple[int, ...], asked: tuple[int, ...] | None, count: int) -> tuple[int, int, int]:
    """Height, width and channels of images of ``count`` values each."""
    known = shape[1:] if len(shape) > 2 else asked
    if known is None:
        height = next(side for side in range(math.isqrt(count), 0, -1) if count % side == 0)
        known = (height, count // height)
    full = (*known, 1) if len(known) == 2 else known
    if len(full) != 3 or math.prod(full) != count or full[2] not in (1, 3):
        raise ValueError(f"image_shape is (height, width) or (height, width, 3) of {count} values, got {tuple(known)}")
    return int(full[0]), int(full[1]), int(full[2])
