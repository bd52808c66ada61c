"""Sharpness: minus the mean absolute horizontal gradient. It learns nothing.

A table without it misleads: on chest X-rays blur alone separates pneumonia from normal surprisingly well.
"""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from squidlib.baselines.fitting import Ticks


class Sharpness:
    """Blurred images count as abnormal."""

    name = "sharpness"

    def fit(
        self,
        normals: Float[Tensor, "N 1 H W"],
        seed: int = 0,
        ticks: Ticks = range,
        varied: Float[Tensor, "M 1 H W"] | None = None,
    ) -> Sharpness:
        """Nothing is learned."""
        return self

    def score(self, images: Float[Tensor, "B 1 H W"]) -> Float[Tensor, "B"]:
        """-mean |x(i, j+1) - x(i, j)|, in -1..0."""
        return -images.diff(dim=-1).abs().mean(dim=(1, 2, 3))
