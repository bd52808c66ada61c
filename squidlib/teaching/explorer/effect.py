"""Effect: what memory size and shrinkage do to a detector as a whole, for every reading that the controls offer.

For each reading of ``setting.ladder``: the calibration on held-out normal images, and the AUC of every score against
every anomaly type. It takes minutes, so it is computed once and kept in a file beside the detector; the shipped
detector's is in the package. Nothing is chosen by these AUCs: they are there to be looked at.

    python -m squidlib.teaching.explorer.effect      # the shipped detector's, about ten minutes on one CPU core
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from digitanatomy import ANOMALIES, HAND_ANOMALIES, NORMAL, SUBTLE_ANOMALIES, DigitAnatomy
from squidlib.data.digits import Digits
from squidlib.detection.calibration import Calibration, calibration_of, image_scores
from squidlib.detection.checkpoint import find, load, shipped
from squidlib.detection.detector import Detector
from squidlib.detection.memory_readout import encode, newest, read_scores
from squidlib.detection.scores import ALL_SCORES
from squidlib.teaching.explorer.setting import Setting, ladder
from squidlib.teaching.studies.results import exact_auc_by_kind
from squidlib.utils.errors import UserError
from squidlib.utils.safetensors_io import content_hash, read_tensors, write_tensors

KINDS = (*ANOMALIES, "lesion", "mean")  #: the columns of the AUCs, where every digit has a hand of its own
COUNTS = {"normal": 200, **dict.fromkeys(ANOMALIES, 100)}
SEED = 13  #: of the images
COMMAND = "python -m squidlib.teaching.explorer.effect"


class Effect(NamedTuple):
    """N readings of one detector.

    readings: their names, see ``Setting.reading``.
    calibrations: of each, on held-out normal images.
    aucs: (N, scores, kinds), in the order of ``ALL_SCORES`` and of ``kinds``.
    metadata: seed of the detector, images, command, kinds; and of what was read from a file "detector", the content
        hash of the detector's file.
    """

    readings: list[str]
    calibrations: dict[str, Tensor]  # as ``Calibration.as_tensors`` has them, with a first dimension N
    aucs: Tensor
    metadata: dict[str, Any]

    @property
    def kinds(self) -> tuple[str, ...]:
        """The columns of the AUCs."""
        return tuple(self.metadata["kinds"])

    def calibration(self, setting: Setting) -> Calibration | None:
        """What normal images score in this setting, or None where it is on no rung of the ladder."""
        if setting.reading not in self.readings:
            return None
        place = self.readings.index(setting.reading)
        return Calibration.from_tensors({name: part[place] for name, part in self.calibrations.items()})

    def auc(self, setting: Setting, kind: str) -> float | None:
        """AUC of the setting's score against a kind (or "mean"), or None where it was not computed."""
        if setting.reading not in self.readings:
            return None
        place = self.readings.index(setting.reading)
        return float(self.aucs[place, list(ALL_SCORES).index(setting.score), self.kinds.index(kind)])


def judged_images(data: Digits, hand: float | None = None) -> DigitAnatomy:
    """The images that the AUCs are of, and that the explorer offers to look at.

    Args:
        hand: how far they are written by one hand; None: as far as those that the detector learned from.
    """
    hand = data.hand if hand is None else hand
    more = [kind for kind in SUBTLE_ANOMALIES if hand or kind not in HAND_ANOMALIES]
    counts = COUNTS | dict.fromkeys(more, COUNTS[ANOMALIES[0]])
    return DigitAnatomy(data.glyphs.test, counts, SEED, hand=hand)


def compute_effect(
    detector: Detector,
    data: Digits,
    settings: list[Setting] | None = None,
    counted: Callable[[list[Setting]], Iterable[Setting]] = list,
) -> Effect:
    """Calibrate and judge every reading (those of the ladder by default).

    Args:
        counted: wraps the loop, to show progress.
    """
    slots = detector.squid.inpainting.memory.contents()
    settings = ladder(slots.shape[1]) if settings is None else settings
    test = judged_images(data)
    kinds = [kind for kind in dict.fromkeys(test.kinds) if kind != NORMAL] + ["mean"]
    normals, images = encode(detector, data.calibration()), encode(detector, test.images())
    calibrations, aucs = [], []
    for setting in counted(settings):
        kept = newest(slots, setting.slots)
        calibration = calibration_of(read_scores(detector, normals, kept, setting.shrink()))
        scores = image_scores(read_scores(detector, images, kept, setting.shrink()), calibration)
        calibrations.append(calibration.as_tensors())
        found = [exact_auc_by_kind(test.kinds, scores[name]) for name in detector.score_names]
        aucs.append(torch.tensor([[of_score[kind] for kind in kinds] for of_score in found]))
    images_of = {kind: test.kinds.count(kind) for kind in dict.fromkeys(test.kinds)}
    metadata = {"seed": detector.metadata.get("seed"), "images": images_of, "image_seed": SEED, "command": COMMAND}
    metadata["kinds"] = kinds
    return Effect(
        [setting.reading for setting in settings],
        {name: torch.stack([one[name] for one in calibrations]).cpu() for name in calibrations[0]},
        torch.stack(aucs),
        metadata,
    )


def effect_path(run_or_name: str | Path) -> Path:
    """Where the effect of a detector is kept: in the package for a shipped one, else beside its file."""
    path = find(run_or_name)
    if path in shipped().values():
        return Path(str(files("squidlib"))) / "teaching" / "explorer" / path.name
    return path.with_name("explorer.safetensors")


def save_effect(effect: Effect, path: Path, detector: Path) -> None:
    """Write it atomically, with the content hash of the detector's file: what it is the effect table of."""
    metadata = {**effect.metadata, "readings": effect.readings, "detector": content_hash(detector)}
    write_tensors(path, {**effect.calibrations, "aucs": effect.aucs}, metadata)


def load_effect(path: Path) -> Effect:
    """Read what ``save_effect`` wrote.

    Raises:
        UserError: where the file is missing, damaged or of another kind.
    """
    tensors, metadata = read_tensors(path)
    try:
        aucs, readings, _ = tensors.pop("aucs"), metadata.pop("readings"), metadata["kinds"]
        Calibration.from_tensors({name: part[0] for name, part in tensors.items()})  # the names are right
        return Effect(readings, tensors, aucs, metadata)
    except (KeyError, TypeError) as error:
        raise UserError(f"{path} holds no effect of memory size and shrinkage; remove it") from error


def belongs(effect: Effect, detector: Path) -> bool:
    """Whether an effect table that was read is of the detector in this file; an old one does not say, so it is not."""
    return bool(effect.metadata.get("detector") == content_hash(detector))


def main() -> None:
    """Compute the shipped detector's."""
    from tqdm.auto import tqdm

    torch.set_num_threads(1)
    effect = compute_effect(load("digitanatomy"), Digits(), counted=lambda settings: tqdm(settings, unit="reading"))
    save_effect(effect, effect_path("digitanatomy"), find("digitanatomy"))


if __name__ == "__main__":
    main()
