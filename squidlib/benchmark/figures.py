"""Figures: what a job found, in files that say by a hash whether anybody has changed them.

A hash keeps no one from forging results. It finds what happens by itself: an edit that was forgotten, a merge, half a
copy, a file of another folder.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from typing import Any

HASH = "sha256"
#: What every report reads of a job, and its type; None is allowed where something was not measured.
NEEDED: dict[str, type | tuple[type, ...]] = {
    "name": str, "auc": dict, "calibrated": dict, "oracle": dict, "pixel_auc": dict, "steps": int, "fit_seconds": float,
    "images_a_second": float, "parameters": int, "peak_memory_bytes": int, "peak_cuda_bytes": int, "threads": int,
    "device": str,
}  # fmt: skip
ALWAYS = ("name", "auc", "fit_seconds", "threads", "device")  #: never None


def digest_of(content: Mapping[str, Any]) -> str:
    """SHA-256 of the content, whatever the order of its keys."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def sealed(content: Mapping[str, Any]) -> dict[str, Any]:
    """The content with its hash beside it."""
    return {**content, HASH: digest_of(content)}


def unsealed(content: object) -> dict[str, Any]:
    """The content without its hash.

    Raises:
        ValueError: where it is no JSON object, has no hash or was changed since.
    """
    if not isinstance(content, dict):
        raise ValueError(f"a JSON object expected, got {type(content).__name__}")
    plain = {key: value for key, value in content.items() if key != HASH}
    if HASH not in content:
        raise ValueError("it names no hash of its content: another version of squid wrote it, or something else")
    if digest_of(plain) != content[HASH]:
        raise ValueError("its hash does not match: a figure was changed after it was written")
    return plain


def check_figures(figures: object) -> dict[str, Any]:
    """The figures of one job, if they are whole.

    Raises:
        ValueError: where one is missing, of another type, or no finite number.
    """
    if not isinstance(figures, dict):
        raise ValueError(f"figures by name expected, got {type(figures).__name__}")
    for key, kind in NEEDED.items():
        value = figures.get(key)
        if key not in figures or (value is None and key in ALWAYS):
            raise ValueError(f"the figure {key!r} is missing")
        if value is not None and not isinstance(value, int | float if kind is float else kind):
            raise ValueError(f"the figure {key!r} is {value!r}")
    for name, value in _leaves(figures):
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"the figure {name!r} is {value}, which is no finite number")
    areas = figures["auc"]
    if "mean" not in areas or not all(isinstance(area, int | float) and 0 <= area <= 1 for area in areas.values()):
        raise ValueError(f"AUCs in 0..1 with their mean expected, got {areas}")
    return figures


def _leaves(figures: Mapping[str, Any], before: str = "") -> list[tuple[str, Any]]:
    found = []
    for key, value in figures.items():
        found += _leaves(value, f"{before}{key}.") if isinstance(value, dict) else [(before + key, value)]
    return found
