"""Write the chest X-ray tables of docs/experiments.md from finished runs.

python tools/chest.py runs/zhanglab     # the folder of squid train zhanglab --seeds 3 --out runs/zhanglab
"""

from __future__ import annotations

import sys
from pathlib import Path

from squidlib.benchmark.tables import auc_cells, decision_cells, markdown
from squidlib.cli.evaluate import evaluate_run
from squidlib.detection.checkpoint import load
from squidlib.teaching.studies.results import Spread
from squidlib.training.run_dir import Run

sys.path.insert(0, str(Path(__file__).parent))
from readme_part import ROOT, replace_part


def pretended_table(seeds: list[Path]) -> str:
    """What the choice of the default score rested on: AUC of pretended anomalies in held-out normals."""
    aucs = [load(seed).metadata["pretended"] for seed in seeds]
    rows = [[name, str(Spread.of([run[name] for run in aucs]))] for name in aucs[0]]
    return markdown([["score", "pretended anomalies in held-out normals"], *rows])


def main() -> None:
    """Evaluate every seed of the folder and write mean ± standard deviation."""
    (folder,) = map(Path, sys.argv[1:])
    seeds = sorted(folder.glob("seed_*"))
    if len(seeds) < 2:
        raise SystemExit(f"{folder}: at least two seed_N folders expected, got {len(seeds)}")
    evaluations = [evaluate_run(str(seed), 0.05, "cpu") for seed in seeds]
    training = Run(seeds[0]).read_settings().training
    counts = ", ".join(f"{count} {kind}" for kind, count in evaluations[0].images.items())
    head = (
        f"`squid train {metadata['data']} --preset {metadata['preset']} --seeds {len(seeds)}`: {training.steps} steps "
        f"of {training.batch_size} images; test: {counts}. AUC, mean ± standard "
        "deviation over the seeds; baselines have none."
    )
    tables = [markdown(auc_cells(evaluations)), markdown(decision_cells(evaluations)), pretended_table(seeds)]
    replace_part("chest", "\n\n".join([head, *tables]), ROOT / "docs" / "experiments.md")


if __name__ == "__main__":
    main()
