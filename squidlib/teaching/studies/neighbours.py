"""Neighbours: when does asking them pay? DigitAnatomy whose digits are written by one hand, or by nine.

For every ``hand`` and seed the laptop preset is trained as it is and without the transformer over the neighbours, and
judged by its own scores. Beside them stand predictions of a patch's feature from the *other* patches alone, so that
nothing of the patch leaks: a ridge regression with the covariance of what it leaves, a copy from the remembered images
whose other patches are nearest, in-painting of masked patches, and ``squidlib.context``; and, as a bar that learns next
to nothing, the regression on pixels. What could be had with labels is ``label_bounds``'s question. All ways learn from
the varied training images; a detector's own context learns from unvaried ones (``learn_context``) and finds more where
the hand is shared in part (``ablation_by_hand``).

    python -m squidlib.teaching.studies.neighbours     # about 40 minutes on one CPU core
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from digitanatomy import cut_tiles
from squidlib.context import context_score
from squidlib.detection.scores import cosine_distance
from squidlib.squid import Squid
from squidlib.teaching.studies.ablation import image_scores, train_variant
from squidlib.teaching.studies.command import run_study
from squidlib.teaching.studies.masked_inpainting import masked_score, train_masked
from squidlib.teaching.studies.results import SEEDS, auc_by_kind
from squidlib.teaching.studies.variants import variants
from squidlib.training.context import FEATURE_BATCH, encoded, train_context

HANDS = (0.0, 0.5, 1.0)
STEPS = 400  #: of SQUID's training, a third of the laptop preset's
IMAGES = 6400  #: normal images that predictions are learned from
COMPONENTS = 20  #: principal components of a patch that the regressions are about
PENALTY = 0.01  #: of the ridge, as a share of the mean variance
COPIED = 5  #: remembered images that a copy is the mean of
METADATA = {
    "hands": list(HANDS),
    "steps": STEPS,
    "seeds": list(SEEDS),
    "command": "python -m squidlib.teaching.studies.neighbours",
}

PatchScore = Callable[[Tensor], Tensor]  # features or tiles (B, R, D) -> (B, R)


def ridge_score(training: Float[Tensor, "N R D"]) -> PatchScore:
    """How unusual is what the other patches leave unexplained of each: its squared Mahalanobis distance."""
    positions = training.shape[1]
    axes = []
    for place in range(positions):
        own = training[:, place]
        components = torch.linalg.svd(own - own.mean(0), full_matrices=False)[2][:COMPONENTS]
        axes.append((own.mean(0), components))

    def reduced(features: Tensor) -> Tensor:
        return torch.stack([(features[:, r] - mean) @ part.T for r, (mean, part) in enumerate(axes)], 1)

    known, fits = reduced(training), []
    for place in range(positions):
        around = _others(known, place)
        penalty = PENALTY * around.square().mean() * len(around) * torch.eye(around.shape[1])
        weights = torch.linalg.solve(around.T @ around + penalty, around.T @ known[:, place])
        left = known[:, place] - around @ weights
        spread = left.T @ left / len(left)
        fits.append((weights, torch.linalg.inv(spread + 1e-4 * spread.diagonal().mean() * torch.eye(len(spread)))))

    def score(features: Tensor) -> Tensor:
        found = reduced(features)
        left = [found[:, r] - _others(found, r) @ weights for r, (weights, _) in enumerate(fits)]
        return torch.stack([(each @ inverse * each).sum(1) for each, (_, inverse) in zip(left, fits, strict=True)], 1)

    return score


def copy_score(slots: Float[Tensor, "R S D"]) -> PatchScore:
    """1 - cosine to the mean of that patch in the remembered images whose *other* patches are most like this image's.

    Slot s of every position is of one image, as ``fill_memory`` pushes them.
    """

    def score(features: Tensor) -> Tensor:
        unit, known = (torch.nn.functional.normalize(each, dim=-1) for each in (features, slots))
        alike = torch.einsum("brd,rsd->brs", unit, known)
        found = []
        for place in range(features.shape[1]):
            nearest = (alike.sum(1) - alike[:, place]).topk(COPIED, dim=1).indices
            found.append(cosine_distance(features[:, place], slots[place][nearest].mean(1)))
        return torch.stack(found, 1)

    return score


def _others(features: Float[Tensor, "N R D"], place: int) -> Float[Tensor, "N P"]:
    return torch.cat([features[:, :place], features[:, place + 1 :]], 1).flatten(1)


def judged(score: PatchScore, calibration: Tensor, test: Tensor, kinds: list[str]) -> dict[str, float]:
    """AUC by anomaly type of the worst patch, each in standard deviations of held-out normals at its position."""
    normal = score(calibration)
    return auc_by_kind(kinds, ((score(test) - normal.mean(0)) / normal.std(0)).amax(1))


def one_run(hand: float, seed: int) -> dict[str, Any]:
    """All ways for one ``hand`` and seed: way -> AUC by anomaly type."""
    known = variants()
    whole, data = train_variant(known["whole"], STEPS, seed, hand)
    alone, _ = train_variant(known["no neighbours"], STEPS, seed, hand)
    test = data.test_digits()
    images, normals, kinds = test.images(), data.calibration(), test.kinds
    found: dict[str, Any] = {}
    for name, detector in (("SQUID", whole), ("no neighbours", alone)):
        scores = image_scores(detector.raw_scores(images), detector.calibration)
        found |= {f"{name}, {score}": auc_by_kind(kinds, values) for score, values in scores.items()}
    learned, seen, held = (
        encoded(whole.squid, data, IMAGES),
        _queries(whole.squid, images),
        _queries(whole.squid, normals),
    )
    slots = whole.squid.inpainting.memory.contents()
    model, masked = train_context(whole.squid, data, seed), train_masked(learned, slots, seed)
    with torch.no_grad():
        found["context prediction"] = judged(partial(_context, model, slots), held, seen, kinds)
        found["masked in-painting"] = judged(partial(masked_score, masked), held, seen, kinds)
        found["copy from like images"] = judged(copy_score(slots), held, seen, kinds)
        found["ridge from the others"] = judged(ridge_score(learned), held, seen, kinds)
        pixels = torch.cat([data.batch(step, FEATURE_BATCH) for step in range(IMAGES // FEATURE_BATCH)])
        found["ridge on pixels"] = judged(ridge_score(_tiles(pixels)), _tiles(normals), _tiles(images), kinds)
    return found


def _context(model: Any, slots: Tensor, queries: Tensor) -> Tensor:
    return torch.cat([context_score(model, batch, slots) for batch in queries.split(FEATURE_BATCH)])


def _queries(squid: Squid, images: Tensor) -> Tensor:
    with torch.no_grad():
        return torch.cat([squid.query(batch) for batch in images.split(FEATURE_BATCH)])


def _tiles(images: Tensor) -> Tensor:
    return cut_tiles(images).reshape(len(images), 9, -1)


def jobs() -> dict[str, Callable[[], dict[str, Any]]]:
    """ "hand/seed" -> its run."""
    return {f"{hand:g}/{seed}": partial(one_run, hand, seed) for hand in reversed(HANDS) for seed in SEEDS}


if __name__ == "__main__":
    run_study("neighbours", METADATA, jobs())
