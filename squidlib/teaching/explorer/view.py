"""View: everything that the explorer shows of one setting, as plain values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from squidlib.detection.prediction import NORMAL
from squidlib.teaching.explorer.setting import Setting

#: The finding in a sentence; the page in the browser says it in the same words.
VERDICT = (
    "Called {called}: score {score:.2f}, threshold {threshold:.2f} (of {normals} held-out normal images, read in this "
    "same way, {rate:.0%} exceed it; {above:.0%} score as high as this image)."
)


class Remembered(NamedTuple):
    """One slot that answered: its number (0 the oldest of the whole memory), its weight after shrinkage, and a picture.

    The picture (32, 32) is the training tile whose feature is most like the slot's; likeness is their cosine.
    """

    slot: int
    weight: float
    picture: Tensor
    likeness: float


@dataclass(frozen=True)
class View:
    """Everything that is to be seen at one setting.

    image, reconstruction, anomaly_map: (1, 96, 96).
    wrong: (9,) bool, tiles that no normal image may show; None of an upload, where nobody knows.
    patch_scores: (9,), combined, in standard deviations of normal images.
    attention: (S,), weights after shrinkage of the slots of the setting's tile, the oldest first.
    normal_scores: (N,), what calibration images score in this setting.
    called: the detector's verdict, one of ``VERDICTS``.
    """

    setting: Setting
    kind: str
    image: Tensor
    wrong: Tensor | None
    reconstruction: Tensor
    anomaly_map: Tensor
    patch_scores: Tensor
    attention: Tensor
    strongest: tuple[Remembered, ...]
    score: float
    normal_scores: Tensor
    threshold: float
    called: str

    @property
    def abnormal(self) -> bool:
        """Whether the verdict is anything but normal: what is drawn in the colour of a finding."""
        return self.called != NORMAL

    @property
    def verdict(self) -> str:
        """The finding in a sentence."""
        above = float((self.normal_scores >= self.score).float().mean())
        return VERDICT.format(
            called=self.called, score=self.score, threshold=self.threshold, normals=len(self.normal_scores),
            rate=self.setting.rate, above=above,
        )  # fmt: skip

    @property
    def truth(self) -> str:
        """What is known to be wrong, in a sentence."""
        if self.wrong is None:
            return "An uploaded image: nobody here knows what is wrong with it."
        places = [str(tile + 1) for tile in torch.nonzero(self.wrong).flatten().tolist()]
        if not places:
            return "In truth: a normal image."
        return f"In truth: abnormal at tile{'s' if len(places) > 1 else ''} {', '.join(places)}."
