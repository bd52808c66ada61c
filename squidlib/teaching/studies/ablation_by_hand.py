"""Ablation by hand: which component matters when the nine digits of an image are one writer's?

Where every digit has a hand of its own, neighbours have nothing to tell, and an ablation cannot show what asking them
is worth. So the pieces that read, ask or hide are taken out on images of ``hand`` .5 and 1, too (``hand`` 0 stands in
``ablation``), and two rows are put to them: the whole with what ``squidlib.context`` learns on its features, alone and
together with the default score.

    python -m squidlib.teaching.studies.ablation_by_hand     # about an hour on one CPU core
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from squidlib.data.digits import SUBTLE_COUNTS, TEST_COUNTS
from squidlib.detection.scores import CONTEXT_SCORES
from squidlib.teaching.studies.ablation import STEPS, judge, train_variant
from squidlib.teaching.studies.command import run_study
from squidlib.teaching.studies.image_order import ORDER, all_packed
from squidlib.teaching.studies.results import SEEDS, auc_by_kind
from squidlib.teaching.studies.variants import variants

HANDS = (1.0, 0.5)
PIECES = ("whole", "no memory", "no neighbours", "no shortcut", "no teacher", "no adversary")
METADATA = {
    "hands": list(HANDS),
    "steps": STEPS,
    "seeds": list(SEEDS),
    "images": TEST_COUNTS | SUBTLE_COUNTS,
    "command": "python -m squidlib.teaching.studies.ablation_by_hand",
}


def one_run(name: str, hand: float, seed: int) -> dict[str, Any]:
    """Train a variant on images of that hand and judge it; the whole also learns which patches belong together."""
    variant = variants()[name]
    if name == "whole":
        preset = variant.preset
        variant = replace(variant, preset=preset._replace(config=replace(preset.config, context=True)))
    detector, data = train_variant(variant, STEPS, seed, hand)
    found = judge(detector, data, variant.has_memory)
    if name == "whole":
        test = data.test_digits()
        scores = detector.scores(test.images())
        asked = {score: scores[score] for score in CONTEXT_SCORES}
        found |= {score: auc_by_kind(test.kinds, values) for score, values in asked.items()}
        found[ORDER] |= all_packed(asked)[ORDER]
    return found


def jobs() -> dict[str, Callable[[], dict[str, Any]]]:
    """ "hand H, variant/seed" -> its run."""
    return {
        f"hand {hand:g}, {name}/{seed}": partial(one_run, name, hand, seed)
        for hand in HANDS
        for seed in SEEDS
        for name in PIECES
    }


if __name__ == "__main__":
    run_study("ablation_by_hand", METADATA, jobs())
