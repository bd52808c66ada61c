"""Masked shortcut: while training, a few places of the in-painted features are replaced by the raw ones.

Paper: section 3.4, eq. 2: F' = m * inpaint(F) + (1 - m) * F, m ~ Bernoulli(rho), rho = 95 %.
Authors' file: models/inpaint.py and models/memory.py (two copies).

Differs from the original: one function for both places; nothing else.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Generator, Tensor


def masked_shortcut(
    inpainted: Float[Tensor, "B C H W"],
    raw: Float[Tensor, "B C H W"],
    probability: float,
    training: bool,
    generator: Generator | None = None,
) -> Float[Tensor, "B C H W"]:
    """Mix in-painted and raw features place by place; in evaluation the shortcut is closed.

    Args:
        probability: that a place shows the in-painted feature; 1 closes the shortcut, 0 leaves only it.
        generator: of the features' device; None uses the global one.

    Raises:
        ValueError: where the probability is outside 0..1.
    """
    if not 0 <= probability <= 1:
        raise ValueError(f"a mask probability lies in 0..1, got {probability}")
    if not training:
        return inpainted
    batch, _, height, width = inpainted.shape
    uniform = torch.rand(batch, 1, height, width, device=inpainted.device, generator=generator)
    return torch.where(uniform < probability, inpainted, raw)
