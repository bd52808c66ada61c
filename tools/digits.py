"""Digits by other pens and by one hand: what three runs of each do, written into docs/ and the README.

    make figures                # first: the three runs of DigitAnatomy as it is
    python tools/digits.py      # trains the three on images by one hand, a quarter of an hour on two CPU cores
    python tools/digits.py --pens   # only the pens, for which nothing is trained
    python tools/digits.py --text   # only writes the pages' parts again

Finished runs are not trained again.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import squidlib
from squidlib.benchmark.evaluate import Evaluation
from squidlib.benchmark.protocols import protocol_cells
from squidlib.benchmark.tables import auc_cells, markdown
from squidlib.cli.evaluate import evaluate_run, write_json
from squidlib.cli.main import main
from squidlib.cli.protocol import as_json, evaluate_protocol
from squidlib.data.digits import Digits
from squidlib.detection.neighbours_picture import neighbours_picture
from squidlib.training.run_dir import Run
from squidlib.utils.plotting import png
from squidlib.utils.safetensors_io import write_atomically

sys.path.insert(0, str(Path(__file__).parent))
from figures import evaluation_of
from protocols import read
from readme_part import ROOT, replace_part

SEEDS = (0, 1, 2)
RATE = 0.05
PENS, HAND = (ROOT / "docs" / "digits" / f"{name}.json" for name in ("pens", "hand"))
COMMAND = "squid train digitanatomy --hand 1 --seed {seed} --out runs/hand-{seed}"


def trained_by_hand() -> list[Path]:
    """The three runs on images by one hand; what is not finished is trained."""
    folders = [ROOT / "runs" / f"hand-{seed}" for seed in SEEDS]
    for seed, folder in zip(SEEDS, folders, strict=True):
        if Run(folder).model_path.is_file():
            continue
        words = COMMAND.format(seed=seed).split()[1:-1]
        if main([*words, str(folder), "--overwrite"]):
            raise SystemExit(f"training of seed {seed} did not finish")
    return folders


def by_hand(runs: list[Evaluation]) -> str:
    """The part of docs/results.md: AUC of every score against every anomaly, and what the figures say."""
    classic = ("novel", "disorder", "missing", "flipped")
    either = [run.scores["either"] for run in runs]
    lowest = min(sum(row.kinds[kind].value for row in either) / len(either) for kind in classic)
    mean = sum(row.kinds[kind].value for row in either for kind in classic) / (len(either) * len(classic))
    lines = [
        f"Three runs of `{COMMAND.format(seed='SEED')}`; AUC, mean ± standard deviation over the runs. With `either` "
        f"the mean over the four anomalies of a tile is {mean:.3f}, the lowest of them {lowest:.3f}.",
        "",
        markdown(auc_cells(runs)),
    ]
    return "\n".join(lines)


PAGE = "docs/results.md#images-by-one-hand"


def stranger(runs: list[Evaluation]) -> str:
    """The first page's sentence beside the picture."""

    def auc(score: str) -> str:
        return f"{sum(run.scores[score].kinds['stranger'].value for run in runs) / len(runs):.2f}"

    return (
        "In these images one digit is by another hand. Nothing is wrong with it by itself. SQUID's score "
        f"`combined`, the default elsewhere, does not find it (AUC {auc('combined')}, {len(runs)} runs), although the "
        "block sees the neighbours. `context`, a score that is trained to ask the neighbours, does "
        f"({auc('context')}; [how]({PAGE}))."
    )


def measure_pens() -> None:
    """Evaluate the runs of ``make figures`` on digits by other pens, and keep the figures."""
    plain = [str(ROOT / "runs" / f"laptop-{seed}") for seed in SEEDS]
    found = evaluate_protocol(plain, "pens", RATE, "cpu")
    names = [Path(name).name for name in plain]
    write_atomically(PENS, (json.dumps(as_json(found, names), indent=1) + "\n").encode())


def measure_hand() -> None:
    """Train what is missing on images by one hand, evaluate, and keep the figures and the picture."""
    folders = trained_by_hand()
    runs = [evaluate_run(str(folder), RATE, "cpu") for folder in folders]
    write_json(HAND, {folder.name: run for folder, run in zip(folders, runs, strict=True)})
    picture = png(neighbours_picture(squidlib.load(folders[0]), Digits(hand=1.0).test_digits()), dpi=90)
    write_atomically(ROOT / "docs" / "neighbours.png", picture)


def write() -> None:
    """The pages' parts, from the figures that are kept."""
    runs = [evaluation_of(plain) for plain in json.loads(HAND.read_text()).values()]
    replace_part("pens", markdown(protocol_cells(read(PENS))))
    replace_part("hand", by_hand(runs))
    replace_part("stranger", stranger(runs))


if __name__ == "__main__":
    if "--text" not in sys.argv[1:]:
        measure_pens()
        if "--pens" not in sys.argv[1:]:
            measure_hand()
    write()
