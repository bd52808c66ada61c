"""Write what runs do under every protocol of testing into README.md, from what ``squid evaluate --protocol`` wrote.

    squid evaluate RUN... --protocol acquisition --json docs/protocols/acquisition.json
    squid evaluate RUN... --protocol series --json docs/protocols/series_IM.json           # and series_NORMAL2.json
    squid evaluate RUN... --protocol types --json docs/protocols/types.json
    python -m squidlib.teaching.studies.adaptation RUN... --out docs/protocols/adaptation.json
    python tools/protocols.py

The worst test set of the protocols patients, series and acquisition is named first.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from readme_part import ROOT, replace_part

FOLDER = ROOT / "docs" / "protocols"
FILES = ("acquisition", "series_IM", "series_NORMAL2", "types")


def spread(values: Sequence[float]) -> str:
    """Mean ± standard deviation over the runs; one number where all are the same."""
    same = len(set(values)) == 1
    return f"{np.mean(values):.3f}" if same else f"{np.mean(values):.3f} ± {np.std(values, ddof=1):.3f}"


def rows(name: str) -> dict[str, list[dict[str, Any]]]:
    """Test set -> one run after the other."""
    found: dict[str, list[dict[str, Any]]] = json.loads((FOLDER / f"{name}.json").read_text())
    return {title: runs for title, runs in found.items() if title != "runs"}


def main() -> None:
    """The table of protocols, and that of adaptation."""
    found = {title: runs for name in FILES if (FOLDER / f"{name}.json").is_file() for title, runs in rows(name).items()}
    methods = list(next(iter(found.values()))[0]["baselines"])
    lines = [
        f"| test images | normal + abnormal | AUC | false alarms at 5 % | found | {' | '.join(methods)} |",
        "| --- " * (5 + len(methods)) + "|",
    ]
    for title, runs in found.items():
        shares = (spread([run[name] for run in runs]) for name in ("false_alarms", "detected"))
        others = (spread([run["baselines"][method] for run in runs]) for method in methods)
        auc = spread([run["auc"]["value"] for run in runs])
        lines.append(
            f"| {title} | {' + '.join(map(str, runs[0]['images']))} | {auc} | {' | '.join((*shares, *others))} |"
        )
    judged = {title: float(np.mean([run["auc"]["value"] for run in runs])) for title, runs in found.items()}
    judged = {title: value for title, value in judged.items() if title not in ("bacteria", "virus")}
    alarms = max(float(np.mean([run["false_alarms"] for run in runs])) for runs in found.values())
    worst = min(judged, key=lambda title: judged[title])
    count = len(next(iter(found.values())))
    missing = [name for name in FILES if not (FOLDER / f"{name}.json").is_file()]
    head = (
        f"Preset `backbone`, {count} runs, default score: AUC {judged[worst]:.3f} on the worst of the {len(judged)} "
        f"test sets measured ({worst}), at most {alarms:.1%} false alarms where 5 % were asked for."
        + (f" Not measured yet: {', '.join(missing)}." if missing else "")
        + "\n"
    )
    replace_part("protocols", "\n".join([head, *lines]))
    adaptation = FOLDER / "adaptation.json"
    if adaptation.is_file():
        replace_part("adaptation", "\n".join(adapted(json.loads(adaptation.read_text()))))


def adapted(found: dict[str, dict[str, dict[str, float]]]) -> list[str]:
    """The table of the study."""
    lines = ["| adapted with | AUC | false alarms at 5 % | found |", "| --- | --- | --- | --- |"]
    for setting in next(iter(found.values())):
        cells = (spread([run[setting][name] for run in found.values()]) for name in ("auc", "false_alarms", "found"))
        lines.append(f"| {setting} | {' | '.join(cells)} |")
    return lines


if __name__ == "__main__":
    main()
