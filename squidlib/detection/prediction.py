"""Prediction: everything that a detector says of images, from one forward pass.

The one road from an image to a verdict. The command line, evaluation, explorer, lessons and benchmark go along it; none
of them compares a score with a threshold by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from squidlib.detection.calibration import Calibration, image_scores, named_patch_scores
from squidlib.detection.familiarity import unlike
from squidlib.detection.scores import RawScores, weighted_difference
from squidlib.patches import Grid
from squidlib.utils.errors import UserError

MAP_RATE = 0.05  #: the patch that this share of normal images exceeds at their worst has weight 1 in the anomaly map
LEAST_LIMIT = 1.0  #: of that patch's score: where all normal images are alike, none of them scores above zero
NORMAL, ABNORMAL, UNLIKE = "normal", "abnormal", "unlike the training data"
VERDICTS = (NORMAL, ABNORMAL, UNLIKE)


class NotFiniteError(UserError):
    """A score is NaN or infinite: that is no verdict.

    Attributes:
        image: which one of the images it is of, 0 the first.
    """

    def __init__(self, image: int, name: str, value: float) -> None:
        super().__init__(
            f"the score {name!r} of image {image} is {value}: that is no verdict; the detector is damaged, train or "
            "copy it again"
        )
        self.image, self.name, self.value = image, name, value


class Prediction(NamedTuple):
    """What a detector says of B images.

    scores: every name of ``Calibration.score_names`` -> (B,), higher = more abnormal.
    patch_scores: (B, R), the combined score of every patch in reading order; or its context's, brought to the same
        unit, where that is higher.
    reconstruction: (B, C, H, W) in 0..1.
    anomaly_map: (B, 1, H, W); >= 0, about 1 where a normal image is at its worst.
    score: (B,), the default score.
    score_name: its name.
    threshold: what the asked share of normal images exceeds.
    abnormal: (B,), whether the score is above the threshold.
    unlike: (B,), whether an image is not of the kind that the detector was trained on; then its score means nothing.
    """

    scores: dict[str, Tensor]
    patch_scores: Tensor
    reconstruction: Tensor
    anomaly_map: Tensor
    score: Tensor
    score_name: str
    threshold: float
    abnormal: Tensor
    unlike: Tensor

    @property
    def verdicts(self) -> list[str]:
        """One of ``VERDICTS`` for each image."""
        pairs = zip(self.abnormal.tolist(), self.unlike.tolist(), strict=True)
        return [UNLIKE if foreign else ABNORMAL if abnormal else NORMAL for abnormal, foreign in pairs]


class Limits(NamedTuple):
    """What the worst patch of a normal image scores: combined, and by context (0 without one)."""

    combined: float
    context: float


def limits_of(calibration: Calibration) -> Limits:
    """Of the images that it was calibrated on: what ``MAP_RATE`` of them exceed."""
    names = [name for name in ("combined", "context") if name in calibration.score_names]
    found = [max(LEAST_LIMIT, calibration.threshold(name, MAP_RATE)) for name in names]
    return Limits(*found, *[0.0] * (2 - len(found)))


class Rule(NamedTuple):
    """By what images are judged: made once a run, not once a batch.

    calibration: of the same network with the same memory.
    score_name: the score that decides.
    threshold: what the asked share of normal images exceeds.
    limits: what the worst patch of a normal image scores.
    """

    calibration: Calibration
    score_name: str
    threshold: float
    limits: Limits


def rule_of(calibration: Calibration, score_name: str, rate: float) -> Rule:
    """The rule that calls a share ``rate`` of normal images abnormal."""
    return Rule(calibration, score_name, calibration.threshold(score_name, rate), limits_of(calibration))


def predict(
    images: Float[Tensor, "B C H W"], reconstruction: Float[Tensor, "B C H W"], raw: RawScores, rule: Rule, grid: Grid
) -> Prediction:
    """Judge one batch by what a forward pass gave for it.

    Args:
        raw: of these images and reconstructions.

    Raises:
        NotFiniteError: where a score is NaN or infinite.
    """
    scores = image_scores(raw, rule.calibration)
    _check_finite(scores)
    patches = patch_scores(raw, rule.calibration, rule.limits)
    return Prediction(
        scores,
        patches,
        reconstruction,
        weighted_difference(images, reconstruction, patches, rule.limits.combined, grid),
        scores[rule.score_name],
        rule.score_name,
        rule.threshold,
        scores[rule.score_name] > rule.threshold,
        _unlike(images, rule.calibration),
    )


def patch_scores(raw: RawScores, calibration: Calibration, limits: Limits) -> Float[Tensor, "B R"]:
    """The patch scores of a ``Prediction``."""
    named = named_patch_scores(raw, calibration)
    if raw.context is None:
        return named["combined"]
    # whichever of the two is farther beyond what normal images have
    return torch.maximum(named["combined"], named["context"] * limits.combined / limits.context)


def joined(parts: Sequence[Prediction]) -> Prediction:
    """The predictions of several batches, at least one, as one."""
    return _each(torch.cat, *parts)


def none_of(prediction: Prediction) -> Prediction:
    """The prediction of an empty batch: every part of the right shape, without an image."""
    return _each(lambda tensors: tensors[0][:0], prediction)


def moved(prediction: Prediction, device: torch.device) -> Prediction:
    """The same on another device."""
    return _each(lambda tensors: tensors[0].to(device), prediction)


def _each(function: Callable[[list[Tensor]], Tensor], *parts: Prediction) -> Prediction:
    """``function`` of the tensors of one name from all parts; what is no tensor is the first one's."""
    first = parts[0]
    return Prediction(
        {name: function([part.scores[name] for part in parts]) for name in first.scores},
        function([part.patch_scores for part in parts]),
        function([part.reconstruction for part in parts]),
        function([part.anomaly_map for part in parts]),
        function([part.score for part in parts]),
        first.score_name,
        first.threshold,
        function([part.abnormal for part in parts]),
        function([part.unlike for part in parts]),
    )


def _unlike(images: Float[Tensor, "B C H W"], calibration: Calibration) -> Bool[Tensor, "B"]:
    if calibration.familiarity is None:
        return torch.zeros(len(images), dtype=torch.bool, device=images.device)
    return unlike(images, calibration.familiarity)


def _check_finite(scores: dict[str, Tensor]) -> None:
    for name, values in scores.items():
        broken = torch.nonzero(~torch.isfinite(values.cpu())).flatten().tolist()
        if broken:
            raise NotFiniteError(broken[0], name, float(values[broken[0]]))
