"""Write the tables of docs/experiments.md from the stored studies (squidlib/teaching/studies/*.json).

make studies           # runs what is missing first
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from digitanatomy import ANOMALIES
from squidlib.data.digits import TEST_COUNTS
from squidlib.detection.scores import DEFAULT_SCORE
from squidlib.teaching.studies import (
    ablation_by_hand,
    chest_contamination,
    cleaning,
    contamination,
    memory_size,
    sharpness,
    shortcuts,
)
from squidlib.teaching.studies.differences import difference_over_images
from squidlib.teaching.studies.results import load_runs, spread
from squidlib.teaching.studies.variants import variants

sys.path.insert(0, str(Path(__file__).parent))
from readme_part import ROOT, replace_part

MARGIN = 0.01  #: of AUC; within it a difference is of no account
DOCUMENT = ROOT / "docs" / "experiments.md"


def table(head: list[str], rows: Iterable[list[str]]) -> str:
    """A Markdown table whose first column is text."""
    lines = ["| " + " | ".join(head) + " |", "| --- |" + " --: |" * (len(head) - 1)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)])


def cell(runs: dict[str, Any], setting: str, *names: str) -> str:
    """Mean ± standard deviation, or a dash where a setting has no such figure."""
    has = all(names[0] in figures for key, figures in runs.items() if key.rpartition("/")[0] == setting)
    return str(spread(runs, setting, *names)) if has else "–"


def ablation_table() -> str:
    """A row for each variant."""
    runs, scores = load_runs("ablation"), ("combined", "reconstruction", "memory", "discriminator")
    rows = []
    for name, variant in variants().items():
        own = difference_over_images(runs, TEST_COUNTS, name, "whole", "combined", ANOMALIES)
        apart = "" if name == "whole" else f"{own} {own.verdict(MARGIN)}"
        rows.append([f"**{name}**: {variant.what}", *(cell(runs, name, score, "mean") for score in scores), apart])
    return table(["variant", *scores, "combined, minus the whole"], rows)


def seen(runs: dict[str, Any], setting: str, *names: str) -> str:
    """Mean ± standard deviation; of a single seed the value, which says so; a dash where there is none."""
    own = [figures for key, figures in runs.items() if key.rpartition("/")[0] == setting]
    if not own or names[0] not in own[0] or names[1] not in own[0][names[0]]:
        return "–"
    return str(spread(runs, setting, *names)) if len(own) > 1 else f"{own[0][names[0]][names[1]]:.3f} (one seed)"


def neighbours_table() -> str:
    """A row for each way to ask the neighbours; mean of the four classic anomalies and the stranger, by hand."""
    runs, hands = load_runs("neighbours"), ("1", "0.5", "0")
    there = [hand for hand in hands if f"{hand}/0" in runs]
    ways = [way for way in runs["1/0"] if way != "seconds"]
    columns = [(hand, kind) for hand in there for kind in ("mean", "stranger") if hand != "0" or kind == "mean"]
    head = [f"hand {hand}: {'classic mean' if kind == 'mean' else kind}" for hand, kind in columns]
    return table(["", *head], [[way, *(seen(runs, hand, way, kind) for hand, kind in columns)] for way in ways])


def label_bounds_table() -> str:
    """A row for each bound; AUC of strangers, by hand."""
    runs, hands = load_runs("label_bounds"), ("0.5", "1")
    bounds = [name for name in runs["1/0"] if name != "seconds"]
    head = ["trained with labels", *(f"hand {hand}: stranger" for hand in hands)]
    return table(head, [[name, *(seen(runs, hand, name, "stranger") for hand in hands)] for name in bounds])


def ablation_by_hand_table() -> str:
    """A row for each piece that is taken out; hand 0 is the ablation's."""
    plain, runs = load_runs("ablation"), load_runs("ablation_by_hand")
    rows = []
    for name in ablation_by_hand.PIECES:
        own = [
            seen(runs, f"hand {hand}, {name}", "combined", kind)
            for hand in ("0.5", "1")
            for kind in ("mean", "stranger")
        ]
        rows.append([name, cell(plain, name, "combined", "mean"), *own])
    for score in ("context", "either"):
        own = [seen(runs, f"hand {hand}, whole", score, kind) for hand in ("0.5", "1") for kind in ("mean", "stranger")]
        rows.append([f"whole, score {score}", "–", *own])
    head = ["default score", "hand 0: classic mean", "hand .5", "hand .5: stranger", "hand 1", "hand 1: stranger"]
    return table(head, rows)


def contamination_table() -> str:
    """A row for each method, a column for each share of normal images."""
    runs, shares = load_runs("contamination"), contamination.SHARES
    rows = [[method, *(cell(runs, f"{method} {share}", "mean") for share in shares)] for method in contamination.STEPS]
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


def chest_contamination_table() -> str:
    """What ``squid contamination`` wrote, kept with the kit; a row for each method and each score of SQUID."""
    head, *rows = chest_contamination.cells(load_runs("chest_contamination"), chest_contamination.SHARES)
    return table(head, rows)


def sharpness_table() -> str:
    """A row for each shortcut, each method and each score of SQUID; a column for each condition."""
    runs, columns = load_runs("sharpness"), (shortcuts.AS_IS, sharpness.TESTED, *shortcuts.CONDITIONS[1:])

    def judged(column: str, method: str) -> list[dict[str, Any]]:
        condition = shortcuts.AS_IS if column == sharpness.TESTED else column
        own = [run for key, run in runs.items() if key.rpartition("/")[0] == f"{condition}: {method}"]
        return [run[column] for run in own if column in run] if column == sharpness.TESTED else own

    def row(method: str, group: str, name: str) -> list[str]:
        return [
            chest_contamination.summary([run[group][name] if group else run[name] for run in judged(column, method)])
            for column in columns
        ]

    every = {key.partition(": ")[2].rpartition("/")[0] for key in runs} - {"matching", "SQUID"}
    scores = list(runs[f"{shortcuts.AS_IS}: SQUID/0"]["scores"])
    rows = [["shortcut: " + name.replace("|", "\\|"), *row("matching", "checks", name)] for name in shortcuts.CHECKS]
    rows += [[method, *row(method, "", "auc")] for method in sorted(every)]
    rows += [
        [f"SQUID, {score}{' (default)' if score == DEFAULT_SCORE else ''}", *row("SQUID", "scores", score)]
        for score in scores
    ]
    return table(["", *columns], rows)


def matching_table() -> str:
    """How the matching went: a row for each condition and class."""
    runs, fields = load_runs("sharpness"), ("images", "too soft", "too sharp", "median blur")
    rows = []
    for condition in (shortcuts.SHARP, shortcuts.BOTH):
        matching = runs.get(f"{condition}: matching/0", {})
        for name, figures in matching.items():
            if isinstance(figures, dict) and "images" in figures:
                rows.append(
                    [f"{condition}, {name}", str(matching["level"]), *(str(figures[field]) for field in fields)]
                )
    return table(["", "level", "images", "softer already", "too sharp", "median blur, px"], rows)


if __name__ == "__main__":
    for part in (
        ablation_table,
        ablation_by_hand_table,
        neighbours_table,
        label_bounds_table,
        contamination_table,
        cleaning_table,
        memory_size_table,
        chest_contamination_table,
        sharpness_table,
        matching_table,
    ):
        replace_part(part.__name__.removesuffix("_table"), part(), DOCUMENT)
