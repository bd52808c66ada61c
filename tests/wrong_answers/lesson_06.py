"""Lesson 06: in-painting."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

NINE = [(row, column) for row in range(3) for column in range(3)]
EIGHT = [position for position in NINE if position != (1, 1)]


def windows(tokens: Tensor, grid: int, positions: list[tuple[int, int]]) -> Tensor:
    """The tokens at these positions of each 3x3 window; (1, 1) is the centre."""
    padded = F.pad(tokens.unflatten(1, (grid, grid)), (0, 0, 1, 1, 1, 1))
    return torch.stack([padded[:, i : i + grid, j : j + grid] for i, j in positions], dim=3).flatten(1, 2)


def rolled(tokens: Tensor, grid: int) -> Tensor:
    on_grid = tokens.unflatten(1, (grid, grid))
    return torch.stack([on_grid.roll((1 - i, 1 - j), (1, 2)) for i, j in EIGHT], dim=3).flatten(1, 2)


def attend(query: Tensor, tokens: Tensor, dim: int = -1, scale: float | None = None) -> Tensor:
    similar = torch.einsum("bd,bnd->bn", query, tokens) / (scale or query.shape[-1] ** 0.5)
    return torch.einsum("bn,bnd->bd", torch.softmax(similar, dim=dim), tokens)


def shifted(positions: int, bits: int, first: int = 0) -> Tensor:
    return torch.arange(first, positions + first)[:, None] >> torch.arange(bits - 1, -1, -1)


def mixed(inpainted: Tensor, raw: Tensor, probability: float, training: bool, mask_shape: tuple[int, ...]) -> Tensor:
    return torch.where(torch.rand(mask_shape) < probability, inpainted, raw) if training else inpainted


WRONG: dict[str, dict[str, Any]] = {
    "neighbourhood": {
        "shape": lambda tokens, grid: windows(tokens, grid, NINE),  # with the centre
        "centre": lambda tokens, grid: windows(tokens, grid, NINE[:8]),  # dropped the last one instead
        "outside": rolled,
        "order": lambda tokens, grid: windows(tokens, grid, [(j, i) for i, j in EIGHT]),
        "batch": lambda tokens, grid: windows(tokens[:1], grid, EIGHT).expand(len(tokens), -1, -1, -1),
        "raises": lambda tokens, grid: windows(tokens, 3, EIGHT),  # only for a 3x3 grid
    },
    "ask_neighbours": {
        "alone": lambda query, tokens: attend(query, tokens, dim=0),
        "agree": lambda query, tokens: torch.einsum("bd,bnd,bne->be", query, tokens, tokens) / query.shape[-1] ** 0.5,
        "similar": lambda query, tokens: tokens.mean(1),
        "scale": lambda query, tokens: attend(query, tokens, scale=1.0),
        "shape": lambda query, tokens: F.scaled_dot_product_attention(query[:, None], tokens, tokens),
    },
    "position_bits": {
        "order": lambda positions, bits: (shifted(positions, bits) & 1).flip(1).float(),
        "from 0": lambda positions, bits: (shifted(positions, bits, 1) & 1).float(),
        "bits": lambda positions, bits: shifted(positions, bits).float(),
        "float": lambda positions, bits: shifted(positions, bits) & 1,
        "shape": lambda positions, bits: torch.eye(positions),  # one-hot
        "distinct": lambda positions, bits: (shifted(positions, bits)[:, :1].expand(-1, bits) & 1).float(),
    },
    "masked_shortcut": {
        "evaluation": lambda i, r, p, training: mixed(i, r, p, True, (len(i), 1, *i.shape[2:])),
        "inverted": lambda i, r, p, training: mixed(r, i, p, True, (len(i), 1, *i.shape[2:])) if training else i,
        "either": lambda i, r, p, training: p * i + (1 - p) * r if training else i,
        "channels": lambda i, r, p, training: mixed(i, r, p, training, tuple(i.shape)),
        "positions": lambda i, r, p, training: mixed(i, r, p, training, (len(i), 1, 1, 1)),
        "images": lambda i, r, p, training: mixed(i, r, p, training, (1, 1, *i.shape[2:])),
        "share": lambda i, r, p, training: (
            torch.where(torch.randn(len(i), 1, *i.shape[2:]) < p if p < 1 else torch.tensor(True), i, r)
            if training
            else i
        ),
    },
}
