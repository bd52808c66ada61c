"""Check a calibration that comes from a file, before a number of it is used."""

from __future__ import annotations

from squidlib.detection.calibration import Calibration
from squidlib.detection.scores import ALL_SCORES, PATCH_SCORES, SCORES
from squidlib.utils.errors import UserError


def check_calibration(calibration: Calibration, positions: int, context: bool) -> None:
    """Whether it can be used with a network of so many positions; of a calibration that comes from a file.

    Args:
        context: whether the network has one.

    Raises:
        UserError: where a shape does not fit.
    """
    if context != (calibration.image_scale is not None):
        raise UserError(f"the calibration {'lacks' if context else 'has'} a scale of the context")
    count = calibration.normal_scores.shape[-1] if calibration.normal_scores.ndim else 0
    patches, scores = len(PATCH_SCORES) + context, len(ALL_SCORES if context else SCORES)
    expected = {
        "mean": (patches, positions),
        "std": (patches, positions),
        "discriminator": (2,),
        "normal_scores": (scores, max(2, count)),
    }
    if context:
        expected["image_scale"] = (2, 2)
    if calibration.shifted_scores is not None:
        groups = calibration.shifted_scores.shape[1] if calibration.shifted_scores.ndim == 3 else 0
        expected["shifted_scores"] = (scores, max(1, groups), max(2, count))
    for name, shape in expected.items():
        found = tuple(getattr(calibration, name).shape)
        if found != shape:
            raise UserError(f"the calibration's {name} has shape {found}, not {shape}")
    if calibration.familiarity is not None:
        calibration.familiarity.check()
