"""Checks of lesson 04: the queue's push, its contents, another size, and how mixed two sets of points are."""

from __future__ import annotations

from typing import Any

import torch

from squidlib.benchmark.two_sample import nearest_own_share
from squidlib.teaching.checks.report import Holds, exercise

__all__ = ["oldest_first", "own_share", "queue_push", "queue_resize"]


def _numbered(first: int, count: int) -> torch.Tensor:
    """(count, 2): rows of equal numbers, first, first + 1, ..."""
    return torch.arange(first, first + count).float()[:, None].repeat(1, 2)


def _read(rows: torch.Tensor) -> list[int]:
    return [int(value) for value in rows[:, 0].tolist()]


@exercise
def queue_push(mine: Any, holds: Holds) -> None:
    """``mine(slots, pointer, features)``: slots and pointer after the push, oldest overwritten first."""
    start = "The i-th feature goes to position (pointer + i) % S; then the pointer moves on by as many."
    empty = torch.zeros(5, 2)
    got = holds.call(mine, empty, 0, _numbered(1, 2), hint=start)
    holds.that("pair", isinstance(got, tuple | list) and len(got) == 2, "it returns slots and pointer").otherwise(
        f"slots and pointer expected, got {type(got).__name__}", "return slots, pointer"
    )
    slots = holds.shape(got[0], (5, 2), "(S, D)", "As many slots come out as went in.")
    holds.that(
        "positions", _read(slots) == [1, 2, 0, 0, 0], "features go to the positions from the pointer on"
    ).otherwise(
        f"features 1, 2 pushed at pointer 0 of five empty slots gave {_read(slots)}",
        "The first feature goes where the pointer is, the next one behind it.",
    )
    holds.that("pointer", int(got[1]) == 2, "the pointer moves on by the number of features").otherwise(
        f"pointer 2 expected after two features, got {int(got[1])}", "pointer + len(features), modulo S."
    )
    full = _numbered(1, 5)
    slots, pointer = holds.call(mine, full, 3, _numbered(6, 4), hint=start)
    holds.that("wrap", _read(slots) == [8, 9, 3, 6, 7], "past the end it goes on at the beginning").otherwise(
        f"6, 7, 8, 9 pushed at pointer 3 of [1, 2, 3, 4, 5] must give [8, 9, 3, 6, 7], got {_read(slots)}",
        "Take every position modulo the number of slots; no feature may be lost.",
        "(pointer + torch.arange(B)) % S",
    )
    holds.that("wrapped pointer", int(pointer) == 2, "so does the pointer").otherwise(
        f"pointer 2 expected after the wrap, got {int(pointer)}", "The pointer stays in 0..S-1: take it modulo S."
    )
    slots, pointer = holds.call(mine, full, 1, _numbered(10, 12), hint=start)
    kept = _read(slots.roll(-int(pointer), dims=0))
    holds.that("large batch", kept == [17, 18, 19, 20, 21], "of more features than slots the last remain").otherwise(
        f"12 features, 10 to 21, pushed into 5 slots must leave 17 to 21, oldest at the pointer; got {kept}",
        "Only the last S features can stay: features[-S:]. Mind where the first of them belongs.",
        "It goes to (pointer + B - S) % S, and the pointer still moves on by B.",
    )
    holds.call(mine, full, 0, _numbered(6, 2), hint=start, copied=False)
    holds.that("in place", _read(full) == [1, 2, 3, 4, 5], "the slots that came in are left alone").otherwise(
        "the function changed the slots it was given; new ones are asked for", "slots = slots.clone() first."
    )
    features = _numbered(1, 2).requires_grad_()
    slots, _ = holds.call(mine, empty, 0, features, hint=start, copied=False)
    holds.that("gradient", not slots.requires_grad, "no gradient reaches what is stored").otherwise(
        "the slots carry a gradient: training would reach back into old steps",
        "Copy the values only: features.detach().",
    )
    features = _numbered(1, 5)
    slots, _ = holds.call(mine, torch.zeros(5, 2), 0, features, hint=start, copied=False)
    features.zero_()
    holds.that("copy", _read(slots) == [1, 2, 3, 4, 5], "the slots are copies").otherwise(
        "the memory changed when the features were changed later",
        "Write into a clone of the slots; do not return the features themselves.",
    )


@exercise
def oldest_first(mine: Any, holds: Holds) -> None:
    """``mine(slots, pointer, filled)``: what the queue holds, oldest first, (filled, D)."""
    start = "A full queue's oldest feature is the next one to be overwritten: it stands at the pointer."
    full = torch.tensor([[8.0, 8], [9, 9], [5, 5], [6, 6], [7, 7]])
    got = holds.shape(holds.call(mine, full, 2, 5, hint=start), (5, 2), "(filled, D)", "A full queue gives all slots.")
    holds.that("oldest", _read(got)[0] == 5, "the oldest comes first").otherwise(
        f"slots [8, 9, 5, 6, 7] with pointer 2: the oldest is 5, got {_read(got)[0]} first",
        "The pointer stands at the oldest: begin there.",
        "slots.roll(-pointer, dims=0): mind the sign.",
    )
    holds.that("order", _read(got) == [5, 6, 7, 8, 9], "and the others in the order in which they came").otherwise(
        f"[5, 6, 7, 8, 9] expected, got {_read(got)}", "Behind the last slot it goes on with the first one."
    )
    part = holds.call(mine, torch.tensor([[1.0, 1], [2, 2], [0, 0], [0, 0]]), 2, 2, hint=start)
    holds.that("unfilled", _read(part) == [1, 2], "a slot that was never filled is not given").otherwise(
        f"two of four slots are filled with 1, 2; got {_read(part)}",
        "While the queue is not full, the features are slots[:filled], in order.",
    )
    none = holds.call(mine, full, 0, 0, hint=start)
    holds.that("empty", len(none) == 0, "and an empty queue holds nothing").otherwise(
        f"nothing was pushed yet, and {len(none)} slots came out", "slots[:0] is empty, but slots[-0:] is everything."
    )


@exercise
def queue_resize(mine: Any, holds: Holds) -> None:
    """``mine(contents, size)``: the newest of the contents that fit, oldest first."""
    start = "The newest stand at the end: a slice from the end."
    got = holds.call(mine, _numbered(1, 6), 4, hint=start)
    got = holds.shape(got, (4, 2), "(size, D)", "A smaller queue holds as many as its size.")
    holds.that("newest", 6 in _read(got) and 1 not in _read(got), "the newest stay").otherwise(
        f"of 1 to 6, oldest first, the newest four stay; got {_read(got)}", "Slice from the end: contents[-size:]."
    )
    holds.that("order", _read(got) == [3, 4, 5, 6], "in their order").otherwise(
        f"[3, 4, 5, 6] expected, got {_read(got)}", "Do not turn them round: oldest first, newest last."
    )
    larger = holds.call(mine, _numbered(1, 3), 5, hint=start)
    holds.that("larger", _read(larger) == [1, 2, 3], "a larger queue keeps all and invents none").otherwise(
        f"three features in a queue of five stay three; got {_read(larger)}",
        "There is nothing to fill the new slots with yet: return what there is.",
    )


@exercise
def own_share(mine: Any, holds: Holds) -> None:
    """``mine(left, right)``: share of points whose nearest other point is of their own side."""
    start = "torch.cdist of all points with all, the diagonal set to infinity, argmin: the nearest other point."
    left, right = torch.tensor([[0.0], [1.0], [10.0]]), torch.tensor([[0.9], [20.0], [21.0]])
    got = float(holds.call(mine, left, right, hint=start))
    apart = float(holds.call(mine, left, left + 100.0, hint=start))
    holds.that("itself", not (got == 1.0 and apart == 1.0), "a point is not its own neighbour").otherwise(
        "every point has a neighbour of its own side: each found itself",
        "The distance of a point to itself is 0: fill_diagonal_(inf) before argmin.",
    )
    holds.that("apart", apart == 1.0, "it is 1 where the two sides lie apart").otherwise(
        f"two sides 100 apart must give 1, got {apart:.3g}",
        "Look among all points, own and other side alike, and count those whose nearest is of their own side.",
    )
    expected = float(nearest_own_share(left, right))
    holds.that("both sides", abs(got - expected) < 1e-6, "points of both sides count").otherwise(
        f"left 0, 1, 10 and right 0.9, 20, 21 must give {expected:.3f}, got {got:.3f}",
        "Average over all 2N points, not over one side. Nearest is the smallest distance.",
    )
