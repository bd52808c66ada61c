"""Write tables and sentences of docs/benchmark.md and docs/results.md, and charts, from the stored benchmarks.

make benchmark         # runs what is missing first
"""

from __future__ import annotations

import sys
from pathlib import Path

from squidlib.benchmark.paper_table import PAPER
from squidlib.benchmark.pictures import auc_chart
from squidlib.benchmark.registry import METHODS, NAIVE
from squidlib.benchmark.report import auc_cells, told_apart
from squidlib.benchmark.stored import DATASETS, Stored, folder_of, stored
from squidlib.benchmark.summary import (
    Row,
    agreement,
    auc_of,
    beaten_by,
    best_naive,
    impossible,
    not_shown_different,
    rank_of,
    spread,
)
from squidlib.benchmark.tables import markdown
from squidlib.utils.plotting import png
from squidlib.utils.safetensors_io import write_atomically

sys.path.insert(0, str(Path(__file__).parent))
from readme_part import ROOT, replace_part

DOCUMENT = ROOT / "docs" / "benchmark.md"
TITLES = {
    "digitanatomy": "DigitAnatomy",
    "digitanatomy_hand": "DigitAnatomy, each image by one hand",
    "zhanglab": "X-rays of other patients",
    "zhanglab_IM": "X-rays, learned from the series IM, tested with the other one's normals",
    "zhanglab_NORMAL2": "X-rays, learned from NORMAL2, tested with the other one's normals",
}
CLEARLY = 0.05  #: above one half
FAR = 0.1  #: a difference to the paper that is named


def part(found: Stored) -> str:
    """What one benchmark gave: its size, SQUID's rank, the bar that learns nothing, the table."""
    rows, settings = found
    seconds = sum(run["job_seconds"] for row in rows for run in row.runs.values())
    jobs, failed = sum(len(row.runs) for row in rows), sum(len(row.failures) for row in rows)
    counts = ", ".join(f"{count} {kind}" for kind, count in settings["test_images"].items())
    opening = (
        f"{jobs} jobs ({failed} failed), {60 * settings['minutes_each']:g} s of fitting each, one after another "
        f"{seconds / 3600:.1f} h in all ({settings['device']}). Test images: {counts}."
    )
    cells = auc_cells(rows, settings["data"])
    families = [["method", "family"], *([cells[1 + index][0], row.family] for index, row in enumerate(rows))]
    table = markdown([[*left, *right[1:]] for left, right in zip(families, cells, strict=True)])
    return "\n\n".join([opening, *squids_rank(rows), naive_bar(rows), *no_better_than_chance(rows), table])


def squids_rank(rows: list[Row]) -> list[str]:
    """By how much SQUID is ahead of the next, or what is ahead of it, and to whom no difference could be shown."""
    ranking = rank_of(rows)
    own = next(row for row in rows if row.name == "SQUID")
    alike = not_shown_different(rows)
    place = "the highest AUC" if ranking.rank == 1 else f"the {ordinal(ranking.rank)} highest AUC"
    which = f", not distinguishable (p ≥ 0.05) from {', '.join(alike)}" if alike else ""
    text = f"**SQUID has {place} of {ranking.of}**, {spread(own.values('auc', 'mean'))}{which}."
    others = ranking.ahead or [row for row in rows if row.runs and row.name != "SQUID"][:1]
    word = "Ahead of it" if ranking.ahead else "Next"
    told = [f"{row.title} {spread(row.values('auc', 'mean'))} ({compared(row)})" for row in others]
    return [f"{text} {word}: {'; '.join(told)}."]


def compared(row: Row) -> str:
    """Difference to SQUID and its p-value."""
    if row.comparison is None or row.corrected_p is None:
        return "not compared"
    p = "p < 0.001" if row.corrected_p < 0.001 else f"p = {row.corrected_p:.3f}"
    return f"{row.comparison.difference:+.3f}, {p} after Holm"


def naive_bar(rows: list[Row]) -> str:
    """How many methods that learn stay below the best score that does not."""
    bar = best_naive(rows)
    below, learning = beaten_by(rows, bar), [row for row in rows if row.runs and not row.naive]
    names = f": {', '.join(row.name for row in below)}" if below else ""
    known = {row.name for row in rows}
    younger = [name for name, entry in METHODS.items() if entry.family == NAIVE and name not in known]
    absent = f" Younger than this table and not in it: {', '.join(younger)}." if younger else ""
    return (
        f"The best score that learns (next to) nothing is {bar.name}, {auc_of(bar):.3f}; {len(below)} of the "
        f"{len(learning)} methods that learn are below it{names}.{absent}"
    )


def no_better_than_chance(rows: list[Row]) -> list[str]:
    """Methods whose mean AUC is less than ``CLEARLY`` above one half, and by which kind they are held down."""
    told = []
    for row in rows:
        if row.runs and not row.naive and auc_of(row) < 0.5 + CLEARLY:
            kinds = [kind for kind in next(iter(row.runs.values()))["auc"] if kind not in ("mean", "all")]
            means = ", ".join(f"{kind} {row.mean('auc', kind):.2f}" for kind in kinds)
            told.append(f"{row.name} ({means})")
    return [f"Not clearly better than chance (mean AUC below {0.5 + CLEARLY:g}): {'; '.join(told)}."] if told else []


def paper_part(found: Stored) -> str:
    """Our order against the paper's, and the differences."""
    agreed = agreement(found.rows, "zhanglab")
    far = sorted(agreed.differences.items(), key=lambda pair: -abs(pair[1]))
    named = "; ".join(f"{name} {100 * value:+.1f}" for name, value in far if abs(value) >= FAR)
    higher = sum(value > 0 for value in agreed.differences.values())
    wrong = impossible("zhanglab")
    printed = {name: float(row.auc.split("±")[0]) / 100 for name, row in PAPER["zhanglab"].items()}
    bar = best_naive(found.rows)
    under = [name for name, value in printed.items() if value < auc_of(bar)]
    return (
        f"- Order: Spearman's correlation of ours with the paper's is {agreed.spearman:+.2f} over "
        f"{len(agreed.differences)} methods; {agreed.inverted} of {agreed.pairs} pairs stand the other way round.\n"
        f"- Height: ours is higher for {higher} of them. Differences of {100 * FAR:.0f} points of AUC or more, ours "
        f"minus the paper's: {named or 'none'}.\n"
        f"- {' and '.join(wrong)}: no counts of 234 normal and 390 abnormal images give their printed accuracy and F1 "
        "(`squidlib.benchmark.confusion`).\n"
        f"- {bar.name}, which learns (next to) nothing, has {100 * auc_of(bar):.1f} on our test images; {len(under)} "
        f"of {len(printed)} methods are printed with less, on theirs."
    )


def summary_part() -> str:
    """The sentences of docs/results.md."""
    lines = []
    for name in DATASETS:
        rows, settings = stored(name)
        told = " ".join([*squids_rank(rows), naive_bar(rows)])
        lines.append(f"- {TITLES[name]}, {60 * settings['minutes_each']:g} s to fit each: {told}")
    return "\n".join(lines)


def ordinal(number: int) -> str:
    """2 -> second, 3 -> third, and so on in digits."""
    words = {2: "second", 3: "third"}
    return words.get(number, f"{number}th")


if __name__ == "__main__":
    for name in DATASETS:
        replace_part(name, part(stored(name)), DOCUMENT)
        found, settings = stored(name)
        chart = auc_chart(found, settings["data"], told_apart(settings))
        write_atomically(folder_of(name) / "auc.png", png(chart, dpi=150))
    replace_part("paper", paper_part(stored("zhanglab")), DOCUMENT)
    replace_part("benchmark", summary_part())
