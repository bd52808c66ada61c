"""Write the tables of docs/experiments.md from the stored studies (squidlib/studies/*.json).

make studies           # runs what is missing first
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from digitanatomy import ANOMALIES
from squidlib.studies import cleaning, contamination, memory_size, systems
from squidlib.studies.results import load_runs, spread
from squidlib.studies.variants import variants

sys.path.insert(0, str(Path(__file__).parent))
from readme_part import ROOT, replace_part

DOCUMENT = ROOT / "docs" / "experiments.md"


def table(head: list[str], rows: Iterable[list[str]]) -> str:
    """A Markdown table whose first column is text."""
    lines = ["| " + " | ".join(head) + " |", "| --- |" + " --: |" * (len(head) - 1)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)])


def cell(runs: dict[str, Any], setting: str, *names: str) -> str:
    """Mean ± deviation, or a dash where a setting has no such figure."""
    has = all(names[0] in figures for key, figures in runs.items() if key.rpartition("/")[0] == setting)
    return str(spread(runs, setting, *names)) if has else "–"


def ablation_table() -> str:
    """A row for each variant."""
    runs, scores = load_runs("ablation"), ("combined", "reconstruction", "memory", "discriminator")
    rows = [
        [f"**{name}**: {variant.what}", *(cell(runs, name, score, "mean") for score in scores)]
        for name, variant in variants().items()
    ]
    return table(["variant", *scores], rows)


def systems_table() -> str:
    """A row for each system, SQUID's from the ablation."""
    runs, names = load_runs("systems"), [*ANOMALIES, "mean"]
    rows = [["SQUID (400 steps)", *(cell(load_runs("ablation"), "whole", "combined", name) for name in names)]]
    rows += [
        [f"{system} ({steps} steps)", *(cell(runs, system, name) for name in names)]
        for system, steps in systems.STEPS.items()
    ]
    return table(["system", *names], rows)


def contamination_table() -> str:
    """A row for each system, a column for each share of normal images."""
    runs, shares = load_runs("contamination"), contamination.SHARES
    rows = [[system, *(cell(runs, f"{system} {share}", "mean") for share in shares)] for system in contamination.STEPS]
    return table(["normal images", *(f"{share} %" for share in shares)], rows)


def cleaning_table() -> str:
    """A row for each share of normal images."""
    runs, names = load_runs("cleaning"), ("as it is", "cleaned", "both clean")
    rows = [
        [f"{share} %", *(cell(runs, f"SQUID {share}", name, "mean") for name in names)] for share in cleaning.SHARES
    ]
    return table(["normal images", *names], rows)


def memory_size_table() -> str:
    """A row for each memory, a column for some of the sizes."""
    runs, shown = load_runs("memory_size"), ("1", "3", "10", "35", "100", "350")
    rows = [[name, *(cell(runs, name, size, "combined", "mean") for size in shown)] for name in memory_size.MEMORIES]
    return table(["slots left", *shown], rows)


if __name__ == "__main__":
    for part in (ablation_table, systems_table, contamination_table, cleaning_table, memory_size_table):
        replace_part(part.__name__.removesuffix("_table"), part(), DOCUMENT)
