"""Stored: the benchmarks that the kit was run through, which its lessons and documents read.

squidlib/benchmark/results/NAME/   what ``squid benchmark DATA --out`` writes; ``make benchmark`` runs it again
"""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

from squidlib.benchmark.figures import check_figures, unsealed
from squidlib.benchmark.significance import Comparison
from squidlib.benchmark.summary import Row
from squidlib.utils.errors import UserError

FOLDER = Path(str(files("squidlib"))) / "benchmark" / "results"
#: Of digits, each by a hand of its own and all nine by one; of X-rays, all normals and those of one series alone.
DATASETS = ("digitanatomy", "digitanatomy_hand", "zhanglab", "zhanglab_IM", "zhanglab_NORMAL2")


class Stored(NamedTuple):
    """Rows, the highest mean AUC first, and what all jobs shared: data, test_images, minutes_each, device."""

    rows: list[Row]
    settings: dict[str, Any]


def folder_of(dataset: str) -> Path:
    """Where results.md, results.csv, results.json, auc.png and, of digits, methods.png are."""
    return FOLDER / dataset


def stored(dataset: str) -> Stored:
    """The kit's own results on one of ``DATASETS``.

    Raises:
        UserError: where they are missing or damaged.
    """
    path = folder_of(dataset) / "results.json"
    if not path.is_file():
        raise UserError(f"no results of {dataset!r}: those of {' and '.join(DATASETS)} come with the kit")
    try:
        return from_json(path.read_text(encoding="utf-8"))
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path} is damaged ({error}); make benchmark writes it again") from error


def from_json(text: str) -> Stored:
    """What ``report.as_json`` wrote.

    Raises:
        ValueError, KeyError, TypeError: where it is something else, or was changed since.
    """
    content = unsealed(json.loads(text))
    return Stored([_row(method) for method in content["methods"]], dict(content["settings"]))


def _row(method: dict[str, Any]) -> Row:
    return Row(
        method["name"],
        method["family"],
        {int(seed): check_figures(figures) for seed, figures in method["runs"].items()},
        {int(seed): text for seed, text in method["failures"].items()},
        Comparison(**method["comparison"]) if method["comparison"] else None,
        method["corrected_p"],
    )
