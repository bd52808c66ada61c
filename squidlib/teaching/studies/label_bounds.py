"""What could be had: two networks that are trained with labels of strangers, on tiles alone and on whole images.

A bound and no method: nobody has such labels. Both have the same encoder and the same training; the first sees one tile
and where it stands, the second the mean of the others' codes, too. Where digits are written by one hand, a stranger is
as likely a tile as any other: the first should be no better than chance, the second nearly right.

    python -m squidlib.teaching.studies.label_bounds     # about 50 minutes on one CPU core
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor, nn

from digitanatomy import DigitAnatomy, cut_tiles
from squidlib.data.digits import Digits
from squidlib.teaching.studies.command import run_study
from squidlib.teaching.studies.results import SEEDS, auc_by_kind
from squidlib.training.context import minimise

HANDS = (0.5, 1.0)
STEPS, BATCH, WIDTH, CODE = 2400, 48, 24, 64
RATE = 3e-3
METADATA = {
    "hands": list(HANDS),
    "steps": STEPS,
    "seeds": list(SEEDS),
    "command": "python -m squidlib.teaching.studies.label_bounds",
}
TRAINING_SEED = 1 << 20  #: of the labelled images; the test set has another one


class TileJudge(nn.Module):
    """A logit for each tile: is it a stranger?

    Args:
        sees_all: whether the other tiles of the image are seen, too.
    """

    def __init__(self, sees_all: bool) -> None:
        super().__init__()
        self.sees_all = sees_all
        layers: list[nn.Module] = []
        for before, after in ((1, WIDTH), (WIDTH, 2 * WIDTH), (2 * WIDTH, 4 * WIDTH)):
            layers += [nn.Conv2d(before, after, 3, 2, 1), nn.BatchNorm2d(after), nn.ReLU()]
        self.encoder = nn.Sequential(*layers, nn.Flatten(), nn.Linear(16 * 4 * WIDTH, CODE))
        self.position = nn.Parameter(0.1 * torch.randn(9, CODE))
        self.judge = nn.Sequential(nn.Linear((2 + sees_all) * CODE, CODE), nn.ReLU(), nn.Linear(CODE, 1))

    def forward(self, images: Float[Tensor, "B 1 96 96"]) -> Float[Tensor, "B 9"]:
        tiles = cut_tiles(images).reshape(-1, 1, 32, 32)
        codes = self.encoder(tiles).unflatten(0, (len(images), 9))
        seen = [codes, self.position.expand_as(codes)]
        if self.sees_all:
            seen.append((codes.sum(1, keepdim=True) - codes) / 8)
        return self.judge(torch.cat(seen, -1))[..., 0]


def with_labels(
    data: Digits, hand: float, seed: int, images: Float[Tensor, "B 1 96 96"], kinds: Sequence[str]
) -> dict[str, dict[str, float]]:
    """AUC by anomaly type of both bounds, by their worst tile; only "stranger" is what they were trained for."""
    shown = DigitAnatomy(data.glyphs.train, {"stranger": STEPS * BATCH}, TRAINING_SEED + seed, hand=hand)
    found = {}
    for name, judge in _trained(shown, seed).items():
        with torch.no_grad():
            logits = torch.cat([judge(batch) for batch in images.split(BATCH)])
        found[name] = auc_by_kind(kinds, logits.amax(1))
    return found


def _trained(shown: DigitAnatomy, seed: int) -> dict[str, TileJudge]:
    """Both judges, on the same images in the same order."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        judges = {"one tile alone": TileJudge(sees_all=False), "all tiles": TileJudge(sees_all=True)}

    def loss_of(step: int) -> Tensor:
        samples = [shown[step * BATCH + number] for number in range(BATCH)]
        images, wrong = torch.stack([s.image for s in samples]), torch.stack([s.wrong for s in samples])
        both = torch.stack([_loss(judge(images), wrong) for judge in judges.values()])
        return both.sum()  # they share nothing: two trainings

    minimise(nn.ModuleList(judges.values()), loss_of, STEPS, RATE)
    return {name: judge.eval() for name, judge in judges.items()}


def _loss(logits: Float[Tensor, "B 9"], wrong: Bool[Tensor, "B 9"]) -> Tensor:
    """Cross-entropy in which the one stranger of an image counts as much as the eight others."""
    return F.binary_cross_entropy_with_logits(logits, wrong.float(), pos_weight=torch.tensor(8.0))


def one_run(hand: float, seed: int) -> dict[str, Any]:
    """Both bounds for one ``hand`` and seed: name -> AUC by anomaly type."""
    data = Digits(seed=seed, hand=hand)
    test = data.test_digits()
    return with_labels(data, hand, seed, test.images(), test.kinds)


def jobs() -> dict[str, Callable[[], dict[str, Any]]]:
    """ "hand/seed" -> its run."""
    return {f"{hand:g}/{seed}": partial(one_run, hand, seed) for hand in reversed(HANDS) for seed in SEEDS}


if __name__ == "__main__":
    run_study("label_bounds", METADATA, jobs())
