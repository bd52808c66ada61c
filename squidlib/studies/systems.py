"""Systems: auto-encoder, MemAE and Ganomaly on DigitAnatomy, beside the whole SQUID of the ablation.

Each trains for about as long as SQUID does there (400 steps, about a minute on two CPU cores), on the same kind of
varied training digits, with three seeds, and is judged on the fixed test set by its own score.

    python -m squidlib.studies.systems     # about a quarter of an hour on one CPU core
"""

from __future__ import annotations

from functools import partial
from typing import Any

from squidlib.baselines import AutoEncoder, Ganomaly, MemAE
from squidlib.digits import Digits
from squidlib.presets import laptop_digitanatomy
from squidlib.studies.results import SEEDS, auc_by_kind, one_thread, run_all

IMAGES = 6400  #: varied normal images to learn from
STEPS = {"auto-encoder": 600, "MemAE": 700, "Ganomaly": 430}


def one_run(system: str, seed: int, steps: int, images: int = IMAGES) -> dict[str, Any]:
    """Train one system on normal images; AUC by kind on the test set."""
    data = Digits(seed=seed, jitter=laptop_digitanatomy().jitter)
    test = data.test()
    build = {"auto-encoder": AutoEncoder, "MemAE": MemAE, "Ganomaly": Ganomaly}[system]
    fitted = build(steps=steps).fit(data.fresh.batch(0, images), seed)
    return auc_by_kind(test.kinds, fitted.score(test.images()))


if __name__ == "__main__":
    one_thread()
    run_all(
        "systems",
        {"steps": STEPS, "images": IMAGES, "seeds": list(SEEDS), "command": "python -m squidlib.studies.systems"},
        {f"{system}/{seed}": partial(one_run, system, seed, STEPS[system]) for seed in SEEDS for system in STEPS},
    )
