"""Make the figures of docs/results.md: train the laptop preset with three seeds, ship one, evaluate, write the tables.

    make figures                          # a quarter of an hour on two CPU cores; finished runs are not trained again
    python tools/figures.py --baselines   # only the simple methods anew, beside the runs that docs/figures.json holds

What is written: squidlib/detection/checkpoints/digitanatomy.safetensors, docs/figures.json, docs/detections.png, and
the part of docs/results.md between the two markers.
"""

from __future__ import annotations

import csv
import json
import shutil
import sys
import time
from pathlib import Path
from typing import Any

import squidlib
from squidlib.benchmark.evaluate import Evaluation, Row
from squidlib.benchmark.tables import auc_cells, decision_cells, localisation_cells, markdown
from squidlib.cli.evaluate import evaluate_run, print_evaluations
from squidlib.cli.main import main
from squidlib.data.digits import Digits
from squidlib.detection.checkpoint import save
from squidlib.detection.metrics import Decision, Interval
from squidlib.detection.pictures import detection_picture
from squidlib.utils.plotting import png
from squidlib.utils.safetensors_io import write_atomically

sys.path.insert(0, str(Path(__file__).parent))
from readme_part import ROOT, replace_part

SEEDS = (0, 1, 2)
SHIPPED_SEED = 0
SHIPPED = ROOT / "squidlib" / "detection" / "checkpoints" / "digitanatomy.safetensors"
COMMAND = "squid train digitanatomy --preset laptop --seed {seed} --out runs/laptop-{seed}"


def train_all() -> dict[int, float]:
    """Train what is not finished yet; minutes of training by seed, remembered beside each run."""
    minutes = {}
    for seed in SEEDS:
        folder = ROOT / "runs" / f"laptop-{seed}"
        clock = folder / "minutes.txt"
        if not clock.is_file():
            shutil.rmtree(folder, ignore_errors=True)
            begun = time.perf_counter()
            if main(["train", "digitanatomy", "--preset", "laptop", "--seed", str(seed), "--out", str(folder)]):
                raise SystemExit(f"training of seed {seed} did not finish")
            clock.write_text(f"{(time.perf_counter() - begun) / 60:.2f}\n")
        minutes[seed] = float(clock.read_text())
    return minutes


def ship() -> str:
    """Write one run's detector in 16 bits into the package; returns its content hash."""
    detector = squidlib.load(ROOT / "runs" / f"laptop-{SHIPPED_SEED}")
    detector.metadata["command"] = COMMAND.format(seed=SHIPPED_SEED) + " && make figures"
    return save(detector, SHIPPED, half=True)


def readme_text(runs: list[Evaluation], shipped: Evaluation, minutes: dict[int, float], digest: str) -> str:
    """The page's part, every number of it computed."""
    default = shipped.scores[shipped.default]
    lowest, size = min(interval.value for interval in default.kinds.values()), SHIPPED.stat().st_size / 1e6
    lines = [
        f"Laptop preset, seeds {', '.join(map(str, SEEDS))}; training took "
        f"{', '.join(f'{value:.1f}' for value in minutes.values())} minutes on two CPU cores. Test images: "
        f"{', '.join(f'{count} {kind}' for kind, count in shipped.images.items())}, of digits never trained on. "
        "AUC, mean ± standard deviation over the seeds; the baselines learn from the same normal images "
        "and have no seed.",
        "",
        markdown(auc_cells(runs)),
        "",
        markdown(decision_cells(runs)),
        "",
        markdown(localisation_cells(runs)),
        "",
        f"The shipped detector `digitanatomy` (seed {SHIPPED_SEED}, 16-bit, {size:.1f} MB, made by "
        f"`{COMMAND.format(seed=SHIPPED_SEED)}`, content hash `{digest[:16]}`) has a mean AUC of "
        f"**{default.mean:.4f}** over the four anomaly types, the lowest of them {lowest:.4f}.",
    ]
    return "\n".join(lines)


def write_loss_curve_summary() -> dict[str, float]:
    """First and last mean reconstruction error of the shipped run's log, for docs/figures.json."""
    rows = list(csv.DictReader((ROOT / "runs" / f"laptop-{SHIPPED_SEED}" / "log.csv").open()))
    errors = [float(row["reconstruction"]) for row in rows]
    return {"first": sum(errors[:20]) / 20, "last": sum(errors[-20:]) / 20}


def make() -> None:
    """Everything, in order."""
    minutes = train_all()
    digest = ship()
    runs = [evaluate_run(str(ROOT / "runs" / f"laptop-{seed}"), 0.05, "cpu") for seed in SEEDS]
    shipped = evaluate_run("digitanatomy", 0.05, "cpu")
    print_evaluations(runs, [str(seed) for seed in SEEDS])
    figures = {
        "runs": {str(seed): run.as_json() for seed, run in zip(SEEDS, runs, strict=True)},
        "shipped": shipped.as_json(),
        "minutes": minutes,
        "hash": digest,
        "training_error": write_loss_curve_summary(),
    }
    write_atomically(ROOT / "docs" / "figures.json", (json.dumps(figures, indent=1) + "\n").encode())
    replace_part("figures", readme_text(runs, shipped, minutes, digest))
    picture = png(detection_picture(squidlib.load("digitanatomy"), Digits().test_digits()), dpi=90)
    write_atomically(ROOT / "docs" / "detections.png", picture)


def make_baselines() -> None:
    """The simple methods once more, which no run has a part in; the figures of the runs stay."""
    path = ROOT / "docs" / "figures.json"
    figures = json.loads(path.read_text())
    shipped = evaluate_run("digitanatomy", 0.05, "cpu").as_json()
    for plain in (*figures["runs"].values(), figures["shipped"]):
        plain["baselines"] = shipped["baselines"]
    write_atomically(path, (json.dumps(figures, indent=1) + "\n").encode())
    runs = [evaluation_of(plain) for plain in figures["runs"].values()]
    replace_part("figures", readme_text(runs, evaluation_of(figures["shipped"]), figures["minutes"], figures["hash"]))


def evaluation_of(plain: dict[str, Any]) -> Evaluation:
    """What ``Evaluation.as_json`` gave, as docs/figures.json keeps it."""

    def rows(group: str) -> dict[str, Row]:
        return {
            name: Row(
                {kind: Interval(**each) for kind, each in row["kinds"].items()}, row["mean"], Interval(**row["overall"])
            )
            for name, row in plain[group].items()
        }

    parts: dict[str, Any] = {name: Decision(**plain[name]) for name in ("decision", "oracle")}
    parts |= {name: rows(name) for name in ("scores", "baselines")}
    worst = {kind: float("nan") if share is None else share for kind, share in plain["worst_tile"].items()}
    return Evaluation(**plain | parts | {"worst_tile": worst})


if __name__ == "__main__":
    make_baselines() if sys.argv[1:] == ["--baselines"] else make()
