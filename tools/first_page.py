"""Write the README's table of results, from the figures that other tools keep in docs/: never only the best.

python tools/first_page.py
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from digits import HAND, PENS
from protocols import FOLDER, PRESETS, measured, read
from readme_part import ROOT, replace_part

from squidlib.benchmark.protocols import ProtocolRow
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
    sets = {title: [ProtocolRow.from_json(run) for run in runs] for title, runs in loaded(PENS).items()}
    worst = min(sets, key=lambda title: Spread.of(aucs(sets[title])).mean)
    name, value = best(sets[worst][0].baselines)
    alarms, strange = (np.mean([getattr(run, name) for run in sets[worst]]) for name in ("false_alarms", "unlike"))
    what = (
        f"digits of another source, the worst of {len(sets) - 1}: {worst} ({alarms:.0%} false alarms; {strange:.0%} "
        "are said to be unlike the training data)"
    )
    return [what, str(Spread.of(aucs(sets[worst]))), f"{name} {value:.3f}"]


def stranger_rows() -> list[str]:
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
    rows, simple = [], dict[str, dict[str, float]]()
    for preset in PRESETS:
        for title, runs in read_all(preset).items():
            simple.setdefault(title, {}).update(runs[0].baselines)
    for preset in PRESETS:
        found = measured(preset)
        if found is None:
            continue
        for title in (AS_THEY_ARE, found.worst):
            runs = read_all(preset)[title]
            name, value = best(simple[title])
            what = "other patients" if title == AS_THEY_ARE else f"the worst of all tests: {title}"
            rows.append([f"X-rays, preset `{preset}`, {what}", str(Spread.of(aucs(runs))), f"{name} {value:.3f}"])
    return rows


def read_all(preset: str) -> dict[str, list[ProtocolRow]]:
    """Every test set of a preset."""
    return {title: runs for path in sorted((FOLDER / preset).glob("*.json")) for title, runs in read(path).items()}


def loaded(path: Path) -> dict[str, list[dict[str, object]]]:
    """The test sets of a file that ``squid evaluate --protocol`` wrote."""
    return {title: runs for title, runs in json.loads(path.read_text()).items() if title != "runs"}


def aucs(runs: list[ProtocolRow]) -> list[float]:
    """One a run."""
    return [run.auc.value for run in runs]


def best(values: dict[str, float]) -> tuple[str, float]:
    """The simple score with the highest AUC."""
    name = max(values, key=lambda each: values[each])
    return name, values[name]


def table() -> str:
    """All rows."""
    rows = [[QUESTION, "SQUID", "best simple score"], ["---", "--:", "--:"]]
    rows += [digits_row(), pens_row(), stranger_rows(), *chest_rows()]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


if __name__ == "__main__":
    replace_part("first", table())
