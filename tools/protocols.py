"""Write what runs do under every protocol into docs/chest_xrays.md, from what ``squid evaluate --protocol`` wrote.

    squid evaluate RUN... --protocol acquisition --json docs/protocols/backbone/acquisition.json
    squid evaluate RUN... --protocol series --json docs/protocols/backbone/series_IM.json      # and series_NORMAL2.json
    squid evaluate RUN... --protocol types --json docs/protocols/backbone/types.json           # and all four of laptop
    python -m squidlib.teaching.studies.adaptation RUN...
    python tools/protocols.py

The worst test set of all is named first.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

import numpy as np
from readme_part import ROOT, replace_part

from squidlib.benchmark.protocols import ProtocolRow, protocol_cells
from squidlib.benchmark.tables import markdown
from squidlib.teaching.studies import adaptation
from squidlib.teaching.studies.results import load_runs, path_of

FOLDER = ROOT / "docs" / "protocols"
PRESETS = ("backbone", "laptop")
FILES = ("acquisition", "series_IM", "series_NORMAL2", "types")


def read(path: Path) -> dict[str, list[ProtocolRow]]:
    """Test set -> one run after the other."""
    found = json.loads(path.read_text())
    return {title: [ProtocolRow.from_json(run) for run in runs] for title, runs in found.items() if title != "runs"}


class Measured(NamedTuple):
    """Rows of a preset by test set, the names of the worst and of the one with most false alarms; files that lack."""

    rows: dict[str, list[ProtocolRow]]
    worst: str
    loudest: str
    missing: list[str]

    def auc(self, title: str) -> float:
        """The mean over the runs."""
        return float(np.mean([run.auc.value for run in self.rows[title]]))

    def alarms(self, title: str) -> float:
        """The share of normal images above the threshold, mean over the runs."""
        return float(np.mean([run.false_alarms for run in self.rows[title]]))


def measured(preset: str) -> Measured | None:
    """What was measured of a preset; None: nothing."""
    paths = {name: FOLDER / preset / f"{name}.json" for name in FILES}
    rows = {title: runs for path in paths.values() if path.is_file() for title, runs in read(path).items()}
    if not rows:
        return None
    found = Measured(rows, "", "", [name for name, path in paths.items() if not path.is_file()])
    return found._replace(worst=min(rows, key=found.auc), loudest=max(rows, key=found.alarms))


def headline() -> str:
    """The worst test set of each preset, for the first page: never the best."""
    told = []
    for preset, what in zip(
        PRESETS, ("on the features of a network that saw ImageNet", "on X-rays alone"), strict=True
    ):
        found = measured(preset)
        if found is None:
            continue
        first, count = found.rows[found.worst][0], len(found.rows[found.worst])
        name = max(first.baselines, key=lambda method: first.baselines[method])
        p = first.p_values.get(name, 1.0)
        told.append(
            f"SQUID {what} (`{preset}`, {count} run{'s' if count > 1 else ''}) has an AUC of "
            f"{found.auc(found.worst):.3f} on its worst test set ({found.worst}), and at most "
            f"{found.alarms(found.loudest):.1%} false alarms on any where 5 % were asked for; "
            f"{'not distinguishable from' if p >= 0.05 else 'different from'} the best simple method there, {name}, "
            f"{first.baselines[name]:.3f} (p = {p:.2f})"
        )
    return (
        f"On the hardest of all X-ray tests (other patients, series, machines, types of pneumonia): {'. '.join(told)}."
        if told
        else ""
    )


def part(preset: str) -> str:
    """A sentence on the worst test set, and the table of all of them."""
    found = measured(preset)
    if found is None:
        return f"Preset `{preset}`: not measured yet."
    count = len(next(iter(found.rows.values())))
    missing = f" Not measured yet: {', '.join(found.missing)}." if found.missing else ""
    head = (
        f"**Preset `{preset}`**, {count} run{'s' if count > 1 else ''}, default score: AUC "
        f"**{found.auc(found.worst):.3f}** on the worst test set ({found.worst}); at most "
        f"{found.alarms(found.loudest):.1%} false alarms ({found.loudest}) where 5 % were asked for.{missing}"
    )
    return f"{head}\n\n{markdown(protocol_cells(found.rows))}"


def main() -> None:
    """The tables of protocols, and that of adaptation."""
    replace_part("worst", headline())
    replace_part("protocols", "\n\n".join(part(preset) for preset in PRESETS))
    if path_of("adaptation").is_file():
        replace_part("adaptation", markdown(adaptation.cells_of(load_runs("adaptation"))))


if __name__ == "__main__":
    main()
