"""What a data set holds at the moment: counts and a hash of each part, so that a later change does not go unnoticed.

Only data made of a user's own files can change between two uses; those offer ``contents``. The hash is of the pixels
that a detector gets and of the test labels: it stays what it is where files are moved, renamed in the same order, or
saved again without loss.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np


class Part(NamedTuple):
    """images: (N, ...), decoded, as they are kept. labels: what is known of them, in text; empty where nothing is."""

    images: np.ndarray
    labels: Sequence[str] = ()


@runtime_checkable
class Changeable(Protocol):
    """Data made of files that can change between two uses."""

    def contents(self) -> dict[str, Part]:
        """The parts by name: "training", "calibration", "validation", "test"."""
        ...


def content_of(data: object) -> dict[str, dict[str, Any]]:
    """Of each part how many images it has ("images") and 16 hexadecimal digits that depend on all of it ("hash").

    Returns:
        JSON values; empty for data that cannot change.
    """
    if not isinstance(data, Changeable):
        return {}
    return {name: {"images": len(part.images), "hash": _hash(part)} for name, part in data.contents().items()}


def _hash(part: Part) -> str:
    digest = hashlib.sha256(repr((part.images.shape, list(part.labels))).encode())
    digest.update(np.ascontiguousarray(part.images).data)
    return digest.hexdigest()[:16]


def changes(before: Mapping[str, Mapping[str, Any]], now: Mapping[str, Mapping[str, Any]]) -> str:
    """What differs between two results of ``content_of``, in some words; empty where nothing does."""
    lines = []
    for name in dict.fromkeys([*before, *now]):
        then, today = before.get(name, {}), now.get(name, {})
        if then.get("images", 0) != today.get("images", 0):
            lines.append(f"{name} images: {then.get('images', 0)} then, {today.get('images', 0)} now")
        elif then != today:
            lines.append(f"{name} images: as many ({today['images']}), but other pixels, order or labels")
    return "; ".join(lines)
