"""Score choice: which score a detector reports by default, decided on held-out normal images alone.

Half of the images say what is normal, the other half are scored as they are and with pretended anomalies
(``squidlib.detection.synthetic_anomalies``). The score that tells the two apart best is taken. No abnormal image and
no label is seen.

Differs from the paper: it always reports the discriminator's score (eq. 6), which is one of the candidates here.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from torch import Generator, Tensor, nn

from squidlib.detection.calibration import calibration_of, image_scores
from squidlib.detection.metrics import auc
from squidlib.detection.scores import BATCH, score_batches
from squidlib.detection.synthetic_anomalies import SYNTHETIC_ANOMALIES
from squidlib.squid import Squid
from squidlib.utils.errors import UserError

LEAST_NORMALS = 3  #: held-out normal images: two say what is normal, one is changed


class ScoreChoice(NamedTuple):
    """The chosen name of ``SCORES``, and of every name the mean AUC over the ways to pretend."""

    best: str
    aucs: dict[str, float]


def choose_score(
    squid: Squid, discriminator: nn.Module, normals: Float[Tensor, "N C H W"], seed: int = 0
) -> ScoreChoice:
    """Rank all scores by how well they find pretended anomalies in held-out normal images.

    Args:
        normals: images that training has not seen, in 0..1; neighbours should not be of one patient.
        seed: of the pretended anomalies.

    Raises:
        UserError: where there are fewer than three images.
    """
    if len(normals) < LEAST_NORMALS:
        raise UserError(
            f"at least {LEAST_NORMALS} held-out normal images are needed to choose a score, got {len(normals)}"
        )
    device = next(squid.parameters()).device

    def scored(images: Tensor) -> dict[str, np.ndarray]:
        raw = score_batches(squid, discriminator, images.to(device), BATCH)
        return {name: values.cpu().numpy() for name, values in image_scores(raw, calibration).items()}

    calibration = calibration_of(score_batches(squid, discriminator, normals[::2].to(device), BATCH))
    intact, others = scored(normals[1::2]), normals[1::2].cpu()
    found: dict[str, list[float]] = {name: [] for name in intact}
    for number, pretend in enumerate(SYNTHETIC_ANOMALIES.values()):
        generator = Generator().manual_seed((seed << 8) + number)
        for name, values in scored(pretend(others, generator)).items():
            labels = np.repeat([0, 1], [len(values), len(values)])
            found[name].append(auc(labels, np.concatenate([intact[name], values])))
    aucs = {name: round(float(np.mean(values)), 4) for name, values in found.items()}
    return ScoreChoice(max(aucs, key=lambda name: aucs[name]), aucs)
