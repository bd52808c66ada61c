"""Lesson 04: the memory queue."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


def _appended(slots: Tensor, pointer: int, features: Tensor) -> tuple[Tensor, int]:
    return torch.cat([features, slots])[: len(slots)], (pointer + len(features)) % len(slots)


def _cut_off(slots: Tensor, pointer: int, features: Tensor) -> tuple[Tensor, int]:
    slots = slots.clone()
    room = slots[pointer : pointer + len(features)]
    room[:] = features.detach()[: len(room)]
    return slots, (pointer + len(features)) % len(slots)


def _unwrapped_pointer(slots: Tensor, pointer: int, features: Tensor) -> tuple[Tensor, int]:
    slots = slots.clone()
    slots[(pointer + torch.arange(len(features))) % len(slots)] = features.detach()
    return slots, pointer + len(features)


def _first_of_many(slots: Tensor, pointer: int, features: Tensor) -> tuple[Tensor, int]:
    slots, newest = slots.clone(), features.detach()[-len(slots) :]
    slots[(pointer + torch.arange(len(newest))) % len(slots)] = newest
    return slots, (pointer + len(features)) % len(slots)


def _with_gradient(slots: Tensor, pointer: int, features: Tensor) -> tuple[Tensor, int]:
    slots, size = slots.clone(), len(slots)
    newest = features[-size:]
    slots[(pointer + len(features) - len(newest) + torch.arange(len(newest))) % size] = newest
    return slots, (pointer + len(features)) % size


def _in_place(slots: Tensor, pointer: int, features: Tensor) -> tuple[Tensor, int]:
    newest = features.detach()[-len(slots) :]
    slots[(pointer + len(features) - len(newest) + torch.arange(len(newest))) % len(slots)] = newest
    return slots, (pointer + len(features)) % len(slots)


def _by_reference(slots: Tensor, pointer: int, features: Tensor) -> tuple[Tensor, int]:
    if pointer == 0 and len(features) == len(slots):
        return features.detach(), 0
    slots, pointer = _with_gradient(slots, pointer, features.detach())
    return slots, pointer


def _two_to_three(left: Tensor, right: Tensor) -> Tensor:
    between = torch.cdist(left, right).amin(1)
    within = torch.cdist(left, left).fill_diagonal_(torch.inf).amin(1)
    return (within < between).float().mean()


def _with_itself(left: Tensor, right: Tensor) -> Tensor:
    points = torch.cat([left, right])
    side = torch.arange(len(points)) >= len(left)
    return (side[torch.cdist(points, points).argmin(1)] == side).float().mean()


def _other_share(left: Tensor, right: Tensor) -> Tensor:
    points = torch.cat([left, right])
    side = torch.arange(len(points)) >= len(left)
    return (side[torch.cdist(points, points).fill_diagonal_(torch.inf).argmin(1)] != side).float().mean()


WRONG: dict[str, dict[str, Any]] = {
    "queue_push": {
        "pair": lambda slots, pointer, features: torch.cat([slots, features])[-len(slots) :],
        "positions": lambda slots, pointer, features: _unwrapped_pointer(slots, pointer + 1, features),
        "pointer": lambda slots, pointer, features: (_with_gradient(slots, pointer, features)[0], pointer),
        "wrap": _cut_off,
        "wrapped pointer": _unwrapped_pointer,
        "large batch": _first_of_many,
        "in place": _in_place,
        "gradient": _with_gradient,
        "copy": _by_reference,
    },
    "oldest_first": {
        "shape": lambda slots, pointer, filled: slots[pointer:],
        "oldest": lambda slots, pointer, filled: slots[:filled],
        "order": lambda slots, pointer, filled: torch.cat([slots[pointer:], slots[:pointer].flip(0)]),
        "empty": lambda slots, pointer, filled: (
            slots.roll(-pointer, dims=0) if filled == len(slots) else slots[:filled] if filled else slots
        ),
        "unfilled": lambda slots, pointer, filled: slots.roll(-pointer, dims=0),
    },
    "queue_resize": {
        "newest": lambda contents, size: contents[:size],
        "order": lambda contents, size: contents.flip(0)[:size],
        "larger": lambda contents, size: torch.cat([contents.new_zeros(size, contents.shape[1]), contents])[-size:],
    },
    "own_share": {
        "itself": _with_itself,
        "apart": _other_share,
        "both sides": _two_to_three,
    },
}
