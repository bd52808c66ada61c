"""Checks of lesson 06: the eight neighbours, asking them, positions in binary, the masked shortcut."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from squidlib import inpainting, patches
from squidlib.teaching.checks.report import Holds, exercise

__all__ = ["ask_neighbours", "masked_shortcut", "neighbourhood", "position_bits"]


@exercise
def neighbourhood(mine: Any, holds: Holds) -> None:
    """``mine(tokens, grid)``: the eight tokens around each, in reading order, zeros outside, no centre."""
    start = "tokens.unflatten(1, (grid, grid)) puts them on the grid; F.pad(on_grid, (0, 0, 1, 1, 1, 1)) adds a border."
    numbers = torch.arange(1.0, 10).reshape(1, 9, 1)  # token i is i, in reading order
    tokens = torch.cat([numbers, numbers + 10])
    got = holds.call(mine, tokens, 3, hint=start)
    got = holds.shape(
        got, (2, 9, 8, 1), "(B, R, 8, D)", "Nine positions make a window; eight are left when the centre is dropped."
    )
    around = got[:, :, :, 0]
    own = tokens[:, :, 0, None]
    holds.that("centre", not bool((around == own).any()), "no token is its own neighbour").otherwise(
        f"the middle token is 5, and its neighbours are {_whole(around[0, 4])}",
        "The position to leave out is the fifth of nine: row 1, column 1, counted from 0.",
        "for row in range(3) for column in range(3) if (row, column) != (1, 1)",
    )
    zeros = (around[0] == 0).sum(-1).tolist()  # in whatever order the eight stand
    holds.that("outside", zeros == [5, 3, 5, 3, 0, 3, 5, 3, 5], "zeros stand where the grid ends").otherwise(
        f"token 1 stands in a corner and has 2, 4 and 5 around it and five zeros; got {_whole(around[0, 0])}",
        "What leaves the grid on one side must not come in on the other: torch.roll does that.",
        "Pad the grid with a border of zeros, then cut nine shifted pieces out of it.",
    )
    holds.that("order", _whole(around[0, 4]) == [1, 2, 3, 4, 6, 7, 8, 9], "they come in reading order").otherwise(
        f"around the middle stand 1 2 3 4 6 7 8 9, in this order; got {_whole(around[0, 4])}",
        "Row by row from the top, and from left to right in each row.",
        "The loop over rows is the outer one.",
    )
    holds.that(
        "batch",
        torch.equal(around[1], torch.where(around[0] > 0, around[0] + 10, around[0])),
        "every image has its own",
    ).otherwise(
        f"in image 1 the tokens are 11..19; around its middle you have {_whole(around[1, 4])}",
        "The first dimension is the batch: leave it alone.",
        "Pad and cut the two grid dimensions only.",
    )
    small = torch.arange(1.0, 9).reshape(1, 4, 2)
    got = holds.call(mine, small, 2, hint="Here the grid is 2 x 2: write grid where you wrote 3 for its side.")
    holds.that(
        "two features",
        isinstance(got, Tensor) and torch.equal(got, patches.neighbours(small, 2)),
        "it works for another grid and longer tokens",
    ).otherwise(
        "with a 2 x 2 grid and tokens of length 2 something else came out",
        "A token is a vector: its D numbers stay together, and come last.",
        "torch.stack(pieces, dim=3).flatten(1, 2)",
    )


@exercise
def ask_neighbours(mine: Any, holds: Holds) -> None:
    """``mine(query, tokens)``: attention of one query (B, D) over eight tokens (B, 8, D)."""
    start = "The similarities are torch.einsum('bd,bnd->bn', query, tokens); then divide, softmax, weighted sum."
    generator = torch.Generator().manual_seed(0)
    query, tokens = torch.randn(3, 16, generator=generator), torch.randn(3, 8, 16, generator=generator)
    got = holds.call(mine, query, tokens, hint=start)
    got = holds.shape(got, (3, 16), "(B, D)", "One answer for each query: sum the weighted tokens over the eight.")
    alone = torch.cat([holds.call(mine, query[i : i + 1], tokens[i : i + 1], hint=start) for i in range(3)])
    holds.that(
        "alone", torch.allclose(got, alone, atol=1e-5), "an answer does not depend on the other images of the batch"
    ).otherwise(
        "the same query, asked alone, gets another answer",
        "The softmax runs over the eight neighbours, not over the batch.",
        "torch.softmax(..., dim=-1) of a (B, 8).",
    )
    same = holds.call(mine, query, tokens[:, :1].expand(-1, 8, -1).clone(), hint=start)
    holds.that(
        "agree", torch.allclose(same, tokens[:, 0], atol=1e-4), "where all neighbours say the same, that is the answer"
    ).otherwise(
        "eight equal tokens must be answered with that token",
        "The weights must sum to 1.",
        "Put the similarities through a softmax before you use them as weights.",
    )
    loud = holds.call(mine, 1e4 * tokens[:, 6], F.normalize(tokens, dim=-1), hint=start)
    holds.that(
        "similar",
        torch.allclose(loud, F.normalize(tokens, dim=-1)[:, 6], atol=1e-3),
        "the token that is most like the query has the largest weight",
    ).otherwise(
        "a very long query in the direction of token 6 must be answered with token 6",
        "Where does your answer depend on the query?",
        "The weight grows with the dot product of query and token.",
    )
    expected = F.scaled_dot_product_attention(query[:, None], tokens, tokens)[:, 0]
    holds.that(
        "scale", torch.allclose(got, expected, atol=1e-4), "similarities are divided by the root of D"
    ).otherwise(
        f"expected to begin {_row(expected)}, got {_row(got)}",
        "A dot product of D numbers grows with the root of D, and the softmax gets the sharper the longer the tokens.",
        "Divide the similarities by query.shape[-1] ** 0.5 before the softmax.",
    )


@exercise
def position_bits(mine: Any, holds: Holds) -> None:
    """``mine(positions, bits)``: 0..positions-1 in binary, as floats, most significant bit first."""
    start = (
        "positions is a number, 9 say: torch.arange(positions)[:, None] >> shifts moves the wanted bit of each of them "
        "to the end; & 1 keeps only that."
    )
    got = holds.shape(holds.call(mine, 9, 4, hint=start), (9, 4), "(R, bits)", "One row a position, one column a bit.")
    holds.that(
        "float", got.is_floating_point(), "they are floats, as the features are that they stand beside"
    ).otherwise(
        f"a floating point tensor expected, got {got.dtype}",
        "Convolutions do not take whole numbers or booleans.",
        ".float()",
    )
    holds.that("bits", bool(((got == 0) | (got == 1)).all()), "every number is 0 or 1").otherwise(
        f"position 8 became {_row(got, 8)}",
        "A shift alone leaves the higher bits in the number.",
        "(number >> shift) & 1",
    )
    holds.that("from 0", not bool(got[0].any()), "the first position is 0").otherwise(
        f"position 0 is 0000 in binary, got {_row(got, 0)}",
        "Positions are counted from 0, as Python does.",
        "torch.arange(positions), without + 1.",
    )
    holds.that("distinct", len({tuple(row) for row in got.tolist()}) == 9, "no two positions are alike").otherwise(
        f"positions 1 and 2 became {_row(got, 1)} and {_row(got, 2)}",
        "Nine positions need nine different rows.",
        "Each column looks at another bit: shifts 3, 2, 1, 0.",
    )
    holds.that(
        "order", torch.equal(got.float(), inpainting.binary_positions(9, 4)), "the most significant bit comes first"
    ).otherwise(
        f"position 1 is 0001 and position 8 is 1000; got {_row(got, 1)} and {_row(got, 8)}",
        "As in writing: eights, fours, twos, ones.",
        "The shifts go down: torch.arange(bits - 1, -1, -1).",
    )


@exercise
def masked_shortcut(mine: Any, holds: Holds) -> None:
    """``mine(inpainted, raw, probability, training)``: each position shows one of the two; closed in evaluation."""
    start = "torch.rand(batch, 1, height, width) < probability is a mask; torch.where(mask, inpainted, raw) uses it."
    torch.manual_seed(0)  # the check's own random numbers; see ``exercise``
    ones, zeros = torch.ones(8, 3, 40, 40), torch.zeros(8, 3, 40, 40)
    got = holds.call(mine, ones, zeros, 0.5, True, hint=start)
    got = holds.shape(got, (8, 3, 40, 40), "that of the features", "Both features have this shape, and so has the mix.")
    closed = holds.call(mine, ones, zeros, 0.5, False, hint=start)
    holds.that("evaluation", torch.equal(closed, ones), "in evaluation the in-painted features pass alone").otherwise(
        f"with training = False {float((closed == 0).float().mean()):.0%} of the positions show the raw feature",
        "The shortcut is a help while training; at test it would let anomalies through.",
        "if not training: return inpainted",
    )
    kept = holds.call(mine, ones, zeros, 1.0, True, hint=start)
    holds.that("inverted", torch.equal(kept, ones), "with probability 1 nothing raw passes").otherwise(
        "with probability 1 the raw features came through",
        "The probability is that of the *in-painted* feature.",
        "rand < probability is true where it is in-painted.",
    )
    holds.that(
        "either", bool(((got == 0) | (got == 1)).all()), "a position shows the one or the other, never a blend"
    ).otherwise(
        f"in-painted is 1 everywhere and raw is 0, and there is a value of {_between(got):.3g}",
        "Multiplying by the probability itself is a blend.",
        "Draw random numbers and compare them with it.",
    )
    holds.that(
        "channels", torch.equal(got, got[:, :1].expand_as(got)), "all channels of a position go together"
    ).otherwise(
        "one position shows the raw feature in one channel and the in-painted one in another",
        "A feature is a vector: half of the one and half of the other is neither.",
        "The mask has one channel, (B, 1, H, W), and torch.where spreads it.",
    )
    holds.that(
        "positions", bool((got[:, 0].flatten(1).std(dim=1) > 0).all()), "each position has a draw of its own"
    ).otherwise(
        "in one image all positions show the same",
        "One number for a whole image is drawn; there shall be one for each position.",
        "torch.rand(batch, 1, height, width)",
    )
    holds.that("images", not torch.equal(got[0], got[1]), "each image has draws of its own").otherwise(
        "all images of the batch have the same mask",
        "The mask needs a batch dimension as long as that of the features.",
        "torch.rand(len(inpainted), 1, height, width)",
    )
    share = float(holds.call(mine, ones, zeros, 0.95, True, hint=start).mean())
    holds.that("share", abs(share - 0.95) < 0.02, "the share of in-painted positions is the probability").otherwise(
        f"with probability 0.95 the share is {share:.3f}",
        "Random numbers that lie evenly in 0..1 are below 0.95 in 95 % of all cases.",
        "torch.rand, not torch.randn.",
    )


def _whole(tensor: Tensor) -> list[int]:
    return [int(value) for value in tensor.tolist()]


def _row(tensor: Tensor, row: int = 0) -> list[float]:
    return [round(float(value), 3) for value in tensor[row][:4]]


def _between(tensor: Tensor) -> float:
    blended = tensor[(tensor != 0) & (tensor != 1)]
    return float(blended[0]) if len(blended) else 0.0
