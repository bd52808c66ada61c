"""Image order: which test image scored higher than which, kept with a run, so that AUCs can be compared image by image.

An AUC depends on the order of the scores alone, and so does its uncertainty over test images (DeLong). The order of
1,200 images takes 3 kB as text, whatever the score's unit.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Float
from torch import Tensor

from squidlib.utils.errors import UserError

ORDER = "order"  #: the key of a run's figures that holds it: score -> text


def packed(scores: Float[Tensor, "B"]) -> str:
    """The place of every image from the lowest score to the highest, equal scores sharing one: 16 bits each, base64.

    Raises:
        ValueError: where a score is no number, or there are more than 65,536 images.
    """
    values = scores.detach().cpu().double().numpy()
    if not np.isfinite(values).all() or len(values) > 2**16:
        raise ValueError(f"at most 65,536 scores that are numbers can be kept, got {len(values)}")
    places = np.unique(values, return_inverse=True)[1]
    return b64encode(places.astype("<u2").tobytes()).decode()


def unpacked(text: str) -> np.ndarray:
    """What ``packed`` made: (B,) int."""
    return np.frombuffer(b64decode(text), dtype="<u2").astype(int)


def all_packed(scores: Mapping[str, Float[Tensor, "B"]]) -> dict[str, dict[str, str]]:
    """What a study puts into the figures of a run."""
    return {ORDER: {name: packed(values) for name, values in scores.items()}}


def order_of(figures: Mapping[str, Any], score: str) -> np.ndarray:
    """The order of one score in a run's figures.

    Raises:
        UserError: where the run was made before orders were kept.
    """
    kept = figures.get(ORDER, {})
    if score not in kept:
        raise UserError(f"this run keeps no order of its test images by {score!r}; run its study again")
    return unpacked(kept[score])
