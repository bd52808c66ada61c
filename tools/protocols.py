"""Write what runs do under every protocol of testing into README.md, from what ``squid evaluate --protocol`` wrote.

    squid evaluate RUN... --protocol acquisition --json docs/protocols/backbone/acquisition.json
    squid evaluate RUN... --protocol series --json docs/protocols/backbone/series_IM.json      # and series_NORMAL2.json
    squid evaluate RUN... --protocol types --json docs/protocols/backbone/types.json           # and all four of laptop
    python -m squidlib.teaching.studies.adaptation RUN...
    python tools/protocols.py

The worst test set of the protocols patients, series and acquisition is named first.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from readme_part import ROOT, replace_part

from squidlib.benchmark.protocols import TYPES, ProtocolRow, protocol_cells
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


def part(preset: str) -> str:
    """A sentence on the worst test set, and the table of all of them."""
    paths = {name: FOLDER / preset / f"{name}.json" for name in FILES}
    missing = ", ".join(name for name, path in paths.items() if not path.is_file())
    found = {title: runs for path in paths.values() if path.is_file() for title, runs in read(path).items()}
    if not found:
        return f"Preset `{preset}`: not measured yet."
    judged = {title: float(np.mean([run.auc.value for run in found[title]])) for title in found if title not in TYPES}
    alarms = {title: float(np.mean([run.false_alarms for run in runs])) for title, runs in found.items()}
    worst, loudest = min(judged, key=lambda title: judged[title]), max(alarms, key=lambda title: alarms[title])
    count = len(next(iter(found.values())))
    head = (
        f"**Preset `{preset}`**, {count} run{'s' if count > 1 else ''}, default score: AUC **{judged[worst]:.3f}** on "
        f"the worst of the {len(judged)} test sets ({worst}); at most {alarms[loudest]:.1%} false alarms ({loudest}) "
        "where 5 % were asked for." + (f" Not measured yet: {missing}." if missing else "")
    )
    return f"{head}\n\n{markdown(protocol_cells(found))}"


def main() -> None:
    """The tables of protocols, and that of adaptation."""
    replace_part("protocols", "\n\n".join(part(preset) for preset in PRESETS))
    if path_of("adaptation").is_file():
        replace_part("adaptation", markdown(adaptation.cells_of(load_runs("adaptation"))))


if __name__ == "__main__":
    main()
