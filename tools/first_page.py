"""Write the README's table of results, from the figures that other tools keep in docs/: never only the best.

python tools/first_page.py
"""

from __future__ import annotations

import json

import numpy as np
from digits import HAND, PENS
from protocols import PRESETS, measured, read
from readme_part import ROOT, replace_part

from squidlib.benchmark.protocols import ProtocolRow
from squidlib.benchmark.tables import markdown
from squidlib.teaching.studies.results import Spread, load_runs, spread

AS_THEY_ARE = "as they are"
QUESTION = "question (AUC)"


def digits_row() -> list[str]:
    """Plain digits: the default score's mean over the anomaly types, and the best simple score's."""
    runs = list(json.loads((ROOT / "docs" / "figures.json").read_text())["runs"].values())
    ours = Spread.of([run["scores"][run["default"]]["mean"] for run in runs])
    name, value = best({name: row["mean"] for name, row in runs[0]["baselines"].items()})
    return ["digits never trained on, four anomaly types", str(ours), f"{name} {value:.3f}"]


def pens_row() -> list[str]:
    """The worst of the sets of digits by other pens."""
    sets = read(PENS)
    worst = min(sets, key=lambda title: Spread.of(aucs(sets[title])).mean)
    name, value = best(sets[worst][0].baselines)
    alarms, strange = (np.mean([getattr(run, name) for run in sets[worst]]) for name in ("false_alarms", "unlike"))
    what = (
        f"digits of another source, the worst of {len(sets) - 1}: {worst} ({alarms:.0%} false alarms; {strange:.0%} "
        "are said to be unlike the training data)"
    )
    return [what, str(Spread.of(aucs(sets[worst]))), f"{name} {value:.3f}"]


def stranger_row() -> list[str]:
    """One digit by another hand: each tile by itself, and by asking the others."""
    runs = list(json.loads(HAND.read_text()).values())

    def of(score: str) -> Spread:
        return Spread.of([run["scores"][score]["kinds"]["stranger"]["value"] for run in runs])

    simple = {name: row["kinds"]["stranger"]["value"] for name, row in runs[0]["baselines"].items()}
    simple["ridge regression from the other tiles"] = spread(
        load_runs("neighbours"), "1", "ridge on pixels", "stranger"
    ).mean
    name, value = best(simple)
    return [
        "one digit by another hand: default score / a loss that asks the neighbours",
        f"{of('combined')} / {of('context')}",
        f"{name} {value:.3f}",
    ]


def chest_rows() -> list[list[str]]:
    """For each preset: X-rays of other patients, and the worst test set; simple scores of either preset's tables."""
    every = {preset: found for preset in PRESETS if (found := measured(preset)) is not None}
    simple: dict[str, dict[str, float]] = {}
    for found in every.values():
        for title, runs in found.rows.items():
            known = simple.setdefault(title, {})
            known |= {name: max(value, known.get(name, 0.0)) for name, value in runs[0].baselines.items()}
    rows = []
    for preset, found in every.items():
        for title in (AS_THEY_ARE, found.worst):
            name, value = best(simple[title])
            what = "other patients" if title == AS_THEY_ARE else f"the worst of all tests: {title}"
            ours = Spread.of(aucs(found.rows[title]))
            rows.append([f"X-rays, preset `{preset}`, {what}", str(ours), f"{name} {value:.3f}"])
    return rows


def aucs(runs: list[ProtocolRow]) -> list[float]:
    """One a run."""
    return [run.auc.value for run in runs]


def best(values: dict[str, float]) -> tuple[str, float]:
    """The simple score with the highest AUC."""
    name = max(values, key=lambda each: values[each])
    return name, values[name]


def table() -> str:
    """All rows."""
    return markdown([[QUESTION, "SQUID", "best simple score"], digits_row(), pens_row(), stranger_row(), *chest_rows()])


if __name__ == "__main__":
    replace_part("first", table())
