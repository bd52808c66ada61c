"""Memory that ran out: which errors say so, in one line with the amount that was asked for."""

from __future__ import annotations

import re

_SAID = re.compile(r"(can't|cannot|unable to) allocate|not enough memory|out of memory", re.IGNORECASE)
_AMOUNT = re.compile(r"(?:allocate|allocating) ([\d.]+) ?(bytes|[KMGTP]?i?B)\b", re.IGNORECASE)


def out_of_memory(error: BaseException) -> str | None:
    """A line about an error of PyTorch, NumPy or Python that says memory ran out; None for any other error."""
    text = str(error)
    if not isinstance(error, MemoryError) and not (isinstance(error, RuntimeError) and _SAID.search(text)):
        return None
    where = next((device for device in ("CUDA", "MPS") if device in text), "")
    found = _AMOUNT.search(text)
    needed = f": {_readable(*found.groups())} more were needed" if found else ""
    return (
        f"too little {'memory' if not where else where + ' memory'}{needed}; close other programs, "
        "or take a smaller preset, fewer slots or smaller images"
    )


def _readable(number: str, unit: str) -> str:
    return f"{float(number) / 2**30:.2f} GiB" if unit.lower() == "bytes" else f"{number} {unit}"
