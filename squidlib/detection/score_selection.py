"""Score choice: which score a detector reports by default, decided on held-out normal images alone.

Half of the images say what is normal, the other half are scored as they are and with pretended anomalies
(``squidlib.detection.synthetic_anomalies``). The score that tells the two apart best is taken. No abnormal image and
no label is seen. Where it is known how other acquisitions would have given the same images, both are asked for under
each of them, too: a score that finds everything on one machine is not chosen where another one holds on all. A SQUID
that has learned what belongs together is also asked for patches of another image: each by itself is normal.

Differs from the paper: it always reports the discriminator's score (eq. 6), which is one of the candidates here.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Generator, Tensor, nn

from squidlib.detection.calibration import calibration_of, image_scores
from squidlib.detection.metrics import auc
from squidlib.detection.scores import BATCH, RawScores, score_batches
from squidlib.detection.synthetic_anomalies import SYNTHETIC_ANOMALIES, transplanted
from squidlib.squid import Squid
from squidlib.utils.errors import UserError

LEAST_NORMALS = 3  #: held-out normal images: two say what is normal, one is changed
THIRDS = 3  #: each acquisition is asked for on one of so many parts of the changed images, in turn, to save time


class ScoreChoice(NamedTuple):
    """The chosen name of ``ALL_SCORES``, and of every name the mean AUC over acquisitions and the ways to pretend."""

    best: str
    aucs: dict[str, float]


def choose_score(
    squid: Squid,
    discriminator: nn.Module,
    normals: Float[Tensor, "N C H W"],
    seed: int = 0,
    shifted: Sequence[Float[Tensor, "N C H W"]] = (),
    scored: Sequence[RawScores] = (),
) -> ScoreChoice:
    """Rank all scores by how well they find pretended anomalies in held-out normal images.

    Args:
        normals: images that training has not seen, in 0..1; neighbours should not be of one patient.
        seed: of the pretended anomalies.
        shifted: the same images as other acquisitions would have given them; every acquisition counts as much as the
            images as they are.
        scored: what ``score_batches`` gives for normals and each of shifted, where that is known already.

    Raises:
        UserError: where there are fewer than three images.
    """
    if len(normals) < LEAST_NORMALS:
        raise UserError(
            f"at least {LEAST_NORMALS} held-out normal images are needed to choose a score, got {len(normals)}"
        )
    device = next(squid.parameters()).device

    def raw(images: Tensor) -> RawScores:
        return score_batches(squid, discriminator, images.to(device), BATCH)

    def standardised(parts: RawScores) -> dict[str, np.ndarray]:
        return {name: values.cpu().numpy() for name, values in image_scores(parts, calibration).items()}

    groups = (normals, *shifted)
    parts = scored or [raw(group) for group in groups]
    calibration = calibration_of(RawScores.joined([part.each(lambda values: values[::2]) for part in parts]))
    found: dict[str, list[float]] = {name: [] for name in calibration.score_names}
    pretended = dict(SYNTHETIC_ANOMALIES)
    if squid.context is not None:
        pretended["transplanted"] = partial(transplanted, grid=squid.config.grid)
    for place, group in enumerate(groups):
        chosen = torch.arange(1, len(group), 2)
        if place and len(chosen) > THIRDS:
            chosen = chosen[place % THIRDS :: THIRDS]
        others, intact = group.cpu()[chosen], standardised(parts[place].each(partial(_at, chosen)))
        for number, pretend in enumerate(pretended.values()):
            generator = Generator().manual_seed((seed << 8) + number)
            for name, values in standardised(raw(pretend(others, generator))).items():
                labels = np.repeat([0, 1], [len(values), len(values)])
                found[name].append(auc(labels, np.concatenate([intact[name], values])))
    aucs = {name: round(float(np.mean(values)), 4) for name, values in found.items()}
    return ScoreChoice(max(aucs, key=lambda name: aucs[name]), aucs)


def _at(places: Tensor, values: Tensor) -> Tensor:
    return values[places.to(values.device)]
