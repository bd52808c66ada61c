"""Distillation: a teacher decoder, fed with raw features, keeps the student decoder aware of the input.

Paper: section 3.1 ("knowledge distillation") and eq. 3. Authors' file: models/squid.py (``dist``).

The teacher is a ``Decoder`` like the student, without skip memories; it reads the *detached* encoder features, so that
it learns to decode and does not shape the encoder. It is dropped at test.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor


def feature_matching(student: list[Tensor], teacher: list[Tensor]) -> Float[Tensor, ""]:
    """Sum over decoder levels of the mean squared difference; both sides receive gradients, as in the original.

    Raises:
        ValueError: where the two do not have the same number of levels, or none.
    """
    if len(student) != len(teacher) or not student:
        raise ValueError(f"as many student as teacher levels expected, got {len(student)} and {len(teacher)}")
    return torch.stack([F.mse_loss(own, other) for own, other in zip(student, teacher, strict=True)]).sum()
