"""Leak: does a prediction for a patch look at the patch itself?"""

from __future__ import annotations

from collections.abc import Callable

from jaxtyping import Float
from torch import Tensor


def leak(
    predict: Callable[[Float[Tensor, "B R D"]], Float[Tensor, "B R E"]], tokens: Float[Tensor, "B R D"], position: int
) -> float:
    """How far the prediction at ``position`` moves if *only* that position's own token is exchanged.

    Args:
        predict: tokens of images -> predictions for every position.
        tokens: of two images at least; each image gets the token of the one before it.

    Returns:
        The squared change, summed over E, mean over images; 0 where nothing of the patch itself gets through.

    Raises:
        ValueError: where there are fewer than two images, for then nothing is exchanged.
    """
    if len(tokens) < 2:
        raise ValueError(f"tokens of at least two images expected, to exchange them; got {len(tokens)}")
    changed = tokens.clone()
    changed[:, position] = tokens[:, position].roll(1, dims=0)
    apart = predict(changed)[:, position] - predict(tokens)[:, position]
    return float(apart.square().sum(-1).mean())
