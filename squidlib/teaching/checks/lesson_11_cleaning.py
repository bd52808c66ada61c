"""Checks of lesson 11: cleaning a memory, and a threshold from contaminated scores."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from squidlib.detection.memory_pruning import drop_isolated, isolation
from squidlib.teaching.checks.report import Holds, exercise

__all__ = ["contaminated_threshold", "drop_isolated_slots"]

BAD = torch.tensor([[2, 7, 11], [0, 5, 14]])  #: slots that have to go, of each position


@exercise
def drop_isolated_slots(mine: Any, holds: Holds) -> None:
    """``mine(slots, count, nearest)``: each position without its most isolated slots."""
    start = "unit = F.normalize(slots, dim=-1); unit @ unit.transpose(1, 2) holds every cosine of two slots: (R, S, S)."
    slots = _slots()
    got = holds.shape(
        holds.call(mine, slots, 3, 7, hint=start),
        (2, 12, 6),
        "(R, S - count, D)",
        "Of S slots the S - count least isolated stay, with all their D numbers.",
    )
    members = (got[:, :, None] == slots[:, None]).all(-1)  # (R, kept, S)
    holds.that("copies", bool(members.any(-1).all()), "what is kept are slots of that position, unchanged").otherwise(
        "something came back that is no slot of its position, or was scaled",
        "Normalise only to compare; return rows of slots itself, position by position.",
        "torch.stack([slots[r, kept[r]] for r in range(len(slots))])",
    )
    _most_isolated(~members.any(1), slots, holds)
    expected = drop_isolated(slots, 3, 7)
    holds.that("order", torch.equal(got, expected), "the rest stays in its old order").otherwise(
        "the right slots are kept, but not in their old order (a queue drops its oldest first)",
        "topk sorts by value. Sort the indices that it returns.",
        "kept.sort(-1).values",
    )
    pair = torch.tensor([[[1.0, 0.0], [0.9, 0.436], [0.0, 1.0], [0.8, 0.6], [0.7, 0.714]]])
    holds.that(
        "itself",
        torch.equal(holds.call(mine, pair, 2, 1, hint=start), drop_isolated(pair, 2, 1)),
        "a slot does not count as its own neighbour",
    ).otherwise(
        "with nearest = 1 other slots were dropped than expected",
        "The cosine of a slot with itself is 1.",
        "Set the diagonal to -1: cosine.diagonal(dim1=1, dim2=2).fill_(-1)",
    )


def _slots() -> Tensor:
    """(2, 15, 6): 12 slots that look along one axis, 3 (``BAD``) that are alike and look along another.

    One of each is long.
    """
    slots = 0.02 * torch.randn(2, 15, 6, generator=torch.Generator().manual_seed(0))
    slots[..., 0] += 1
    for position in range(2):
        slots[position, BAD[position]] = torch.eye(6)[1] + 0.001 * torch.randn(
            3, 6, generator=torch.Generator().manual_seed(1)
        )
        slots[position, BAD[position, 1]] *= 20
    slots[:, 3] = 20 * torch.eye(6)[0]
    return slots


def _most_isolated(dropped: Tensor, slots: Tensor, holds: Holds) -> None:
    """Whether the dropped ones, (2, 15) bool, are those that are least like the others of their position."""
    wanted = torch.zeros(2, 15, dtype=torch.bool).scatter(1, BAD, True)
    crowded = isolation(slots, 7).topk(3, largest=False).indices
    holds.that(
        "end",
        not torch.equal(dropped, torch.zeros_like(wanted).scatter(1, crowded, True)),
        "it is not the least isolated that go",
    ).otherwise(
        "the three slots that are most like the others were dropped: the wrong end",
        "The most isolated leave, so keep the S - count with the *smallest* isolation.",
        "alone.topk(slots.shape[1] - count, largest=False).indices",
    )
    holds.that(
        "alone",
        bool((dropped.sum(1) == 3).all()) and not bool(dropped[:, 3].any()),
        "a long slot that points the same way stays",
    ).otherwise(
        "the slot that differs only in its length was dropped, or one was kept twice",
        "Compare directions: cosines, not products or distances of the raw slots.",
        "F.normalize(slots, dim=-1) first.",
    )
    long, short = dropped.gather(1, BAD[:, 1:2])[:, 0], dropped.gather(1, BAD[:, ::2])
    holds.that("long", bool((long | ~short.any(1)).all()), "and one that points elsewhere goes").otherwise(
        f"slot {int(BAD[0, 1])} of position 0 points elsewhere; it is 20 times as long as the others, and it was kept",
        "A product grows with the length, so that a long slot seems to be like any other: make all lengths 1 first.",
        "unit = F.normalize(slots, dim=-1); unit @ unit.transpose(1, 2)",
    )
    holds.that(
        "isolated", bool((dropped == wanted).all()), "the most isolated are dropped, also where a few are alike"
    ).otherwise(
        f"slots {BAD[0].tolist()} of position 0 are unlike the rest (but like each other); "
        f"{torch.nonzero(dropped[0]).flatten().tolist()} were dropped",
        "Take the mean over the nearest cosines, of many others: a single nearest one may be a twin.",
        "isolation = 1 - cosine.topk(nearest, dim=-1).values.mean(-1); keep the smallest: largest=False.",
    )


@exercise
def contaminated_threshold(mine: Any, holds: Holds) -> None:
    """``mine(scores, share, rate)``: a threshold from contaminated scores, given a guess of the normal share."""
    start = "If every abnormal image scores above the normal ones, the normal ones are the lowest share."
    scores = torch.cat([torch.arange(100.0, 140.0), torch.arange(0.0, 60.0)])
    clean = holds.call(mine, scores[40:], 1.0, 0.05, hint=start)
    holds.that(
        "number", isinstance(clean, float) or (isinstance(clean, torch.Tensor) and clean.ndim == 0), "it is one number"
    ).otherwise(
        f"one number expected, got {type(clean).__name__}", "Return a float.", "float(torch.quantile(scores, q))"
    )
    holds.that(
        "clean",
        abs(float(clean) - float(torch.quantile(scores[40:], 0.95))) < 0.1,
        "with share 1 it is the usual threshold",
    ).otherwise(
        f"of 0..59, all normal, 5 % lie above 56.05; got {float(clean):.4g}",
        "With share = 1 and rate = 0.05 it must be the 0.95 quantile.",
        "torch.quantile(scores, ... (1 - rate))",
    )
    contaminated = float(holds.call(mine, scores, 0.6, 0.05, hint=start))
    above = int((scores[40:] > contaminated).sum())
    holds.that("share", above == 3, "of the normal images, the rate lies above").otherwise(
        f"60 normal images (0..59) and 40 abnormal ones (100..139): 3 normals should lie above, {above} do "
        f"(the threshold is {contaminated:.4g})",
        "Only the lowest share of the scores is normal: the quantile is below share.",
        "Of all images, share * (1 - rate) lie below the threshold.",
    )
    shuffled = float(holds.call(mine, scores.flip(0), 0.6, 0.05, hint=start))
    holds.that("order", abs(shuffled - contaminated) < 1e-4, "the order of the scores does not matter").otherwise(
        "the same scores in another order gave another threshold",
        "The scores come unsorted; do not cut the list.",
        "torch.quantile sorts for you.",
    )
