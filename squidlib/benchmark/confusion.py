"""Possible figures: which accuracy and F1 a number of normal and abnormal images can give at all.

Both come from the same counts. With P abnormal and N normal images, h hits and a false alarms:
accuracy = (h + N - a) / (N + P) and F1 = 2h / (h + a + P).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def possible_row(accuracy: float, f1: float, normal: int, abnormal: int, tolerance: float = 0.005) -> bool:
    """Whether any counts give both figures.

    Args:
        accuracy, f1: in 0..1.
        normal, abnormal: numbers of images; F1 is that of the abnormal class.
        tolerance: for rounding, and because a printed figure may be the mean of several runs.

    Raises:
        ValueError: where a class has no image.
    """
    if min(normal, abnormal) < 1:
        raise ValueError(f"both classes need an image, got {normal=}, {abnormal=}")
    hits, alarms = np.arange(abnormal + 1)[:, None], np.arange(normal + 1)[None]
    accuracies = (hits + normal - alarms) / (normal + abnormal)
    f1s = 2 * hits / (hits + alarms + abnormal)
    return bool(((np.abs(accuracies - accuracy) <= tolerance) & (np.abs(f1s - f1) <= tolerance)).any())


def f1_limits(accuracy: ArrayLike, normal: int, abnormal: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The smallest and the largest F1 that go with an accuracy in 0..1, if counts need not be whole numbers.

    The errors are (1 - accuracy)(N + P). F1 is largest where as many of them as can be are false alarms, smallest where
    they are misses.
    """
    errors = (normal + abnormal) * (1 - np.asarray(accuracy, dtype=float))
    most = abnormal - np.clip(errors - normal, 0, None)
    fewest = abnormal - np.minimum(errors, abnormal)
    return 2 * fewest / (2 * fewest + errors), 2 * most / (2 * most + errors)
