"""Calibration: what held-out normal images score, so that a score says how far from normal an image is.

Paper: eq. 6, A = 1 - sigmoid((D(student) - mu) / sigma), with mu and sigma of normal training images.
Authors' file: alert.py.

Differs from the original: mu and sigma are those of *held-out* normal images, for every patch score and position. A
standard deviation has a floor: a position that shows the same in every normal image (a black border, a mask) would
otherwise have a standard deviation of zero, and the first grey pixel in it an infinite score.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from squidlib.detection.familiarity import LEAST_IMAGES, Familiarity, familiarity_of
from squidlib.detection.metrics import threshold_at
from squidlib.detection.scores import ALL_SCORES, PATCH_SCORES, SCORES, RawScores, score_batches
from squidlib.squid import Squid
from squidlib.utils.errors import UserError

#: Least standard deviation of a patch score, as a share of the largest position's; a trained one's exceed a tenth.
LEAST_SHARE = 0.05
#: Least standard deviation in the scores' own units: squared grey values, 1 - a cosine, a logarithm of odds.
LEAST = {"error": 1e-4, "structure": 1e-3, "mismatch": 1e-3, "distance": 1e-3, "context": 1e-2}
LEAST_LOGIT = 1e-3  #: likewise, of the discriminator's logit
LEAST_SCALE = 1e-2  #: likewise, of image scores, which are in standard deviations already
#: A patch counts as at most so many standard deviations *better* than normal: one score cannot hide others in the sum.
MOST_NORMAL = -10.0


class Calibration(NamedTuple):
    """What N held-out normal images score.

    mean, std: (P, R), of the patch scores in the order of ``PATCH_SCORES``, and behind them of the context's where the
        network has one; the standard deviations have their floor.
    discriminator: (2,), mean and standard deviation of the negative logit.
    normal_scores: (Q, N), image scores in the order of ``ALL_SCORES``, for thresholds and histograms; Q is 6, or 8
        with a context.
    familiarity: what images of the right kind measure; None where there were too few images to tell.
    shifted_scores: (Q, G, N), what the same images score as G other acquisitions would have given them; None: unknown.
    image_scale: (2, 2), mean and standard deviation of the image scores combined and context; None without a context.
    """

    mean: Tensor
    std: Tensor
    discriminator: Tensor
    normal_scores: Tensor
    familiarity: Familiarity | None = None
    shifted_scores: Tensor | None = None
    image_scale: Tensor | None = None

    def as_tensors(self) -> dict[str, Tensor]:
        """By name, for a file."""
        plain = {name: part for name, part in self._asdict().items() if isinstance(part, Tensor)}
        known = {} if self.familiarity is None else self.familiarity._asdict()
        return plain | {f"familiarity.{name}": part for name, part in known.items()}

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, Tensor]) -> Calibration:
        """What ``as_tensors`` gave; of older files, too, in which ``std`` is called "deviation" and has no floor.

        Raises:
            KeyError, TypeError: where a name is missing or unknown.
        """
        prefix = "familiarity."
        known = {name.removeprefix(prefix): part for name, part in tensors.items() if name.startswith(prefix)}
        plain = {name: part for name, part in tensors.items() if not name.startswith(prefix)}
        if "deviation" in plain:
            plain["std"] = plain.pop("deviation")
        std = plain.pop("std")
        expected = len(PATCH_SCORES) + ("image_scale" in plain)
        if std.ndim != 2 or len(std) != expected or not std.numel() or plain["discriminator"].shape != (2,):
            shape = tuple(std.shape)
            raise UserError(f"the calibration has standard deviations of shape {shape}, not ({expected}, positions)")
        std = torch.maximum(std, floors(std)[:, None])
        mean, logit_std = plain["discriminator"]
        plain["discriminator"] = torch.stack([mean, logit_std.clamp(min=LEAST_LOGIT)])
        return cls(**plain, std=std, familiarity=Familiarity(**known) if known else None)

    @property
    def score_names(self) -> tuple[str, ...]:
        """The scores that it is of."""
        return tuple(SCORES if self.image_scale is None else ALL_SCORES)

    def scores_of_normals(self, score: str) -> Float[Tensor, "N"]:
        """What the calibration images score by one of ``score_names``."""
        return self.normal_scores[self.score_names.index(score)].cpu().clone()

    def threshold(self, score: str, rate: float) -> float:
        """The score that a share ``rate`` of normal images exceeds; the one place where a threshold is computed.

        Where it is known what normal images score under other acquisitions, it is the threshold of the worst of them:
        so many false alarms are promised whatever the machine, not on the average of machines.
        """
        found = threshold_at(self.scores_of_normals(score), rate)
        if self.shifted_scores is None:
            return found
        groups = self.shifted_scores[self.score_names.index(score)].cpu()
        return max(found, *(threshold_at(group, rate) for group in groups))

    def count_above(self, score: str, rate: float) -> int:
        """How many of the calibration images are above the threshold of that rate."""
        return int((self.scores_of_normals(score) > self.threshold(score, rate)).sum())

    @property
    def finest_rate(self) -> float:
        """The smallest share of normal images that N calibration images can tell from none: 1 / N."""
        return 1 / self.normal_scores.shape[1]

    @property
    def constant_positions(self) -> list[int]:
        """Positions, in reading order, at which some patch score is the same for all calibration images."""
        return torch.nonzero((self.std <= floors(self.std)[:, None]).any(0)).flatten().tolist()


def floors(std: Float[Tensor, "P R"]) -> Float[Tensor, "P"]:
    """The least standard deviation of each patch score."""
    least = torch.tensor(list(LEAST.values())[: len(std)]).to(std)
    return torch.maximum(LEAST_SHARE * std.amax(1), least)


def standardised(raw: RawScores, calibration: Calibration) -> Float[Tensor, "P B R"]:
    """Patch scores in standard deviations of normal images at the same position, ``MOST_NORMAL`` at least."""
    patches = raw.patches()
    mean, std = calibration.mean.to(patches.device), calibration.std.to(patches.device)
    return ((patches - mean[:, None]) / std[:, None]).clamp(min=MOST_NORMAL)


def image_scores(raw: RawScores, calibration: Calibration) -> dict[str, Tensor]:
    """All of its ``score_names``, each (B,): the worst patch, and the discriminator's by the paper's equation."""
    named = {name: patches.amax(-1) for name, patches in named_patch_scores(raw, calibration).items()}
    mean, std = calibration.discriminator.to(raw.discriminator.device)
    # eq. 6: 1 - sigmoid((D - mu) / sigma) is this sigmoid, for raw.discriminator is -D
    named["discriminator"] = torch.sigmoid((raw.discriminator - mean) / std)
    return {name: named[name] for name in ALL_SCORES if name in named}


def named_patch_scores(raw: RawScores, calibration: Calibration) -> dict[str, Tensor]:
    """What each patch scores, (B, R), by every name but the discriminator's, which knows of no patch."""
    patches, count = standardised(raw, calibration), len(PATCH_SCORES)
    named = {"combined": patches[:count].sum(0)} | dict(zip(PATCH_SCORES, patches[:count], strict=True))
    if raw.context is not None:
        named["context"] = patches[count]
    if calibration.image_scale is not None:  # the higher of the two, in units of normal images
        mean, std = calibration.image_scale.to(patches).unbind(1)
        pair = torch.stack([named["combined"], named["context"]])
        named["either"] = ((pair - mean[:, None, None]) / std[:, None, None]).amax(0)
    return named


def calibrate(
    squid: Squid,
    discriminator: nn.Module,
    normals: Float[Tensor, "N C H W"],
    shifted: Sequence[Float[Tensor, "N C H W"]] = (),
    scored: Sequence[RawScores] = (),
) -> Calibration:
    """Score held-out normal images and keep what is normal.

    Args:
        shifted: the same images as other acquisitions would have given them; they belong to what is normal, and the
            threshold becomes that of the worst of them.
        scored: what ``score_batches`` gives for normals and each of shifted, where that is known already.

    Raises:
        ValueError: where there are fewer than two images.
    """
    if len(normals) < 2:
        raise ValueError(f"at least two normal images are needed to calibrate, got {len(normals)}")
    parts = scored or [score_batches(squid, discriminator, images) for images in (normals, *shifted)]
    raw = RawScores.joined(parts)
    known = None
    if len(normals) >= LEAST_IMAGES:  # few images are no more for being shown in several ways
        known = familiarity_of(torch.cat([normals, *shifted]).to(raw.discriminator.device))
    found = calibration_of(raw)._replace(familiarity=known)
    if not shifted:
        return found
    own, *others = found.normal_scores.unflatten(1, (len(parts), len(normals))).unbind(1)
    return found._replace(normal_scores=own.contiguous(), shifted_scores=torch.stack(others, dim=1))


def calibration_of(raw: RawScores) -> Calibration:
    """What is normal, from the raw scores of N held-out normal images."""
    patches, logits = raw.patches(), raw.discriminator
    return calibration_by(raw, patches.mean(1), patches.std(1), torch.stack([logits.mean(), logits.std()]))


def calibration_by(
    raw: RawScores,
    mean: Float[Tensor, "P R"],
    std: Float[Tensor, "P R"],
    discriminator: Float[Tensor, "2"],
    image_scale: Float[Tensor, "2 2"] | None = None,
) -> Calibration:
    """The raw scores of N normal images, standardised by means and standard deviations that are given.

    Args:
        image_scale: of a network with a context; None: that of these images.
    """
    std = torch.maximum(std, floors(std)[:, None])
    logit_mean, logit_std = discriminator
    logits = torch.stack([logit_mean, logit_std.clamp(min=LEAST_LOGIT)])
    calibration = Calibration(mean, std, logits, mean.new_empty(0), image_scale=image_scale)
    if raw.context is not None and image_scale is None:
        found = named_patch_scores(raw, calibration)
        pair = torch.stack([found["combined"], found["context"]]).amax(-1)
        image_scale = torch.stack([pair.mean(1), pair.std(1).clamp(min=LEAST_SCALE)], dim=1)
        calibration = calibration._replace(image_scale=image_scale)
    scores = image_scores(raw, calibration)
    return calibration._replace(normal_scores=torch.stack([scores[name] for name in calibration.score_names]))
