"""Detector: a trained SQUID with what normal images score, ready to judge new ones.

    >>> import squidlib
    >>> detector = squidlib.load("digitanatomy")
    >>> detector.predict(images).verdicts  # "normal", "abnormal" or "unlike the training data"
    >>> detector.score(images)  # (B,), higher = more abnormal

Everything that is known of "normal" comes from held-out normal images (``calibration``), never from labels.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from squidlib.config import SquidConfig
from squidlib.detection.calibration import Calibration
from squidlib.detection.familiarity import LEAST_IMAGES
from squidlib.detection.inputs import check_images
from squidlib.detection.prediction import NotFiniteError, Prediction, joined, moved, none_of, predict, rule_of
from squidlib.detection.scores import BATCH, DEFAULT_SCORE, RawScores, score_batch, score_batches
from squidlib.discriminator import Discriminator
from squidlib.squid import Squid
from squidlib.utils.errors import UserError
from squidlib.utils.modes import evaluating

LISTED = 8  #: positions that are named in a line


class Detector:
    """A trained SQUID that scores images (B, C, H, W) in 0..1.

    Args:
        squid, discriminator: trained networks; put into evaluation mode.
        calibration: of these very networks, see ``calibrate``.
        metadata: how they came to be; JSON values.

    Raises:
        UserError: where the metadata name a default score that there is not.
    """

    def __init__(self, squid: Squid, discriminator: Discriminator, calibration: Calibration, metadata: dict[str, Any]):
        self.squid, self.discriminator = squid.eval(), discriminator.eval()
        self.calibration, self.metadata = calibration, metadata
        self._known(None)

    @property
    def config(self) -> SquidConfig:
        return self.squid.config

    @property
    def device(self) -> torch.device:
        return next(self.squid.parameters()).device

    @property
    def default_score(self) -> str:
        """The score that is reported where none is asked for: what training chose without labels, else
        ``DEFAULT_SCORE``."""
        return str(self.metadata.get("score", DEFAULT_SCORE))

    @property
    def score_names(self) -> tuple[str, ...]:
        """The scores that it has: ``SCORES``, and ``CONTEXT_SCORES`` where it has learned what belongs together."""
        return self.calibration.score_names

    @property
    def knows_unlike(self) -> bool:
        """Whether it can tell what is unlike the training data; see ``limitations``."""
        return self.calibration.familiarity is not None

    def to(self, device: str | torch.device) -> Detector:
        """Move the networks to a device; what is known of normal images follows the images."""
        self.squid.to(device)
        self.discriminator.to(device)
        return self

    def predict(self, images: Float[Tensor, "B C H W"], rate: float = 0.05) -> Prediction:
        """Everything about the images, from one forward pass: scores, pictures and verdicts, on the images' device.

        Args:
            rate: share of normal images that the threshold may call abnormal, above 0 and below 1.
        """
        return joined(list(self.predictions(images, rate)))

    def predictions(self, images: Float[Tensor, "B C H W"], rate: float = 0.05) -> Iterator[Prediction]:
        """``predict`` batch by batch, for sets whose reconstructions and maps are too many to keep; at least one."""
        images, count = check_images(images, self.config.image_shape), len(images)
        rule, slots = rule_of(self.calibration, self.default_score, rate), self.squid.inpainting.memory.contents()
        for number, batch in enumerate((images if count else self._blank(images)).split(BATCH)):
            on_device = batch.to(self.device)
            with evaluating(self.squid, self.discriminator):
                reconstruction, raw = score_batch(self.squid, self.discriminator, slots, on_device)
                try:
                    found = predict(on_device, reconstruction, raw, rule, self.config.grid)
                except NotFiniteError as error:  # its number is that within the batch
                    raise NotFiniteError(number * BATCH + error.image, error.name, error.value) from None
            yield moved(found, images.device) if count else none_of(found)

    def score(self, images: Float[Tensor, "B C H W"], score: str | None = None) -> Float[Tensor, "B"]:
        """How abnormal each image is, in standard deviations of normal images.

        Args:
            score: one of ``score_names``; None is ``default_score``.
        """
        name = self._known(score)
        return torch.cat([part.scores[name] for part in self.predictions(images)])

    def scores(self, images: Float[Tensor, "B C H W"]) -> dict[str, Tensor]:
        """Every image score by name, each (B,)."""
        parts = [part.scores for part in self.predictions(images)]
        return {name: torch.cat([part[name] for part in parts]) for name in self.score_names}

    def patch_scores(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B R"]:
        """The combined score of every patch, in reading order."""
        return torch.cat([part.patch_scores for part in self.predictions(images)])

    def reconstruct(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C H W"]:
        """What normal neighbours and the memory say each image should look like, in 0..1."""
        return torch.cat([part.reconstruction for part in self.predictions(images)])

    def anomaly_map(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B 1 H W"]:
        """Where each image is abnormal; >= 0, about 1 where a normal image is at its worst.

        The difference between image and reconstruction, weighted by how abnormal its patch is.
        """
        return torch.cat([part.anomaly_map for part in self.predictions(images)])

    def normal_scores(self, score: str | None = None) -> Float[Tensor, "N"]:
        """What the calibration images score: for thresholds and histograms."""
        return self.calibration.scores_of_normals(self._known(score))

    def threshold(self, false_positive_rate: float = 0.05, score: str | None = None) -> float:
        """The score that this share of normal images exceeds.

        N calibration images tell no share below 1 / N (``calibration.finest_rate``): the threshold then lies between
        the highest two of their scores.
        """
        return self.calibration.threshold(self._known(score), false_positive_rate)

    def limitations(self, rate: float | None = None) -> list[str]:
        """What this detector cannot tell, in a line each; most have none.

        Args:
            rate: of a threshold that is wanted; the calibration images may be too few to tell it.
        """
        lines, finest = [], self.calibration.finest_rate
        if rate is not None and rate < finest:
            lines.append(
                f"no image of the {round(1 / finest)} that it was calibrated on can tell a rate of {rate:g}; the least "
                f"is {finest:.2g}, so the threshold lies between the highest two of their scores"
            )
        if not self.knows_unlike:
            count = round(1 / finest)
            why = f"it was calibrated on {count} images, and {LEAST_IMAGES} are needed"
            lines.append(
                "this detector cannot tell images that are unlike its training data, so all are called normal or "
                f"abnormal: {why if count < LEAST_IMAGES else 'its file is of an older version; train it again'}"
            )
        constant = self.calibration.constant_positions
        if len(constant) == self.config.positions:
            lines.append(
                "some score hardly varies over the images that it was calibrated on, whatever the patch: it was "
                "trained too briefly, or the images are all alike"
            )
        elif constant:
            lines.append(
                f"{len(constant)} of {self.config.positions} patches have some score that hardly varies over the "
                f"images that it was calibrated on (positions {_listed(constant)}): small changes score high there"
            )
        return lines

    def raw_scores(self, images: Float[Tensor, "B C H W"]) -> RawScores:
        """Unstandardised scores of every patch, from one forward pass."""
        images, count = check_images(images, self.config.image_shape), len(images)
        raw = score_batches(self.squid, self.discriminator, images if count else self._blank(images))
        return raw.each(lambda part: part[: None if count else 0].to(images.device))

    def _blank(self, images: Tensor) -> Tensor:
        """One black image, which goes through the network where there is none: convolutions take no empty batch."""
        return images.new_zeros(1, *self.config.image_shape)

    def _known(self, score: str | None) -> str:
        score = self.default_score if score is None else score
        if score not in self.score_names:
            raise UserError(f"scores are {', '.join(self.score_names)}; got {score!r}")
        return score


def _listed(positions: list[int]) -> str:
    """The first ones by number, the others counted."""
    more = len(positions) - LISTED
    return ", ".join(map(str, positions[:LISTED])) + (f" and {more} more" if more > 0 else "")
