"""Memory sizes: the numbers of slots that are looked at, in the study of memory size and by the explorer's slider."""

from __future__ import annotations

SLOTS = (1, 2, 3, 5, 10, 20, 35, 50, 100, 200, 350)  #: as far as there are slots


def sizes(slots: int) -> list[int]:
    """The sizes that are looked at of a memory of ``slots``; the last of them is all."""
    return [size for size in SLOTS if size < slots] + [slots]
