"""Series: the part of a collection that an X-ray was numbered in. What was acquired or prepared apart looks apart.

ZhangLab's normals were collected twice: files are named ``IM-0115-0001`` or ``NORMAL2-IM-1427-0001``. The second series
is cropped and exposed otherwise. A detector that is trained on one and tested with the other's normals meets what it
meets in another hospital: normal images that are not like those it knows.
"""

from __future__ import annotations

from dataclasses import replace

from squidlib.data.chest.files import ABNORMAL, NORMAL, ChestImages, split_calibration
from squidlib.utils.errors import UserError

SERIES = {"IM": "IM-", "NORMAL2": "NORMAL2-"}  #: how the files of each begin


def series_of(name: str) -> str | None:
    """The series that a file's name belongs to; None where it is of none, as pneumonias are."""
    return next((series for series, beginning in SERIES.items() if name.startswith(beginning)), None)


def series_out(images: ChestImages, series: str, seed: int = 0) -> ChestImages:
    """The same collection, to learn from one series of normals and be tested with the normals of the others.

    Train and calibration are cut again from the series' normals that are not in the test split; the test set is every
    normal of the other series, wherever it is, and the abnormal test images. No patient is in both.

    Args:
        series: a name of ``SERIES``.
        seed: of the cut into train and calibration; belongs to the data, not to a run.

    Raises:
        UserError: where the series is unknown, or has too few patients, or no other one has normals.
    """
    if series not in SERIES:
        raise UserError(f"--series is one of {', '.join(SERIES)}, got {series}")
    normals = [*images.train, *images.calibration]
    tested = [file for file in images.test if file.label == NORMAL]
    own = [file for file in normals if series_of(file.path.name) == series]
    others = [file for file in (*normals, *tested) if series_of(file.path.name) not in (series, None)]
    if not own or not others:
        there = sorted({str(series_of(file.path.name)) for file in (*normals, *tested)})
        raise UserError(
            f"--series {series}: normal images of this series and of another one expected, got {', '.join(there)}"
        )
    train, calibration = split_calibration(own, seed)
    known = {file.patient for file in own}
    test = [file for file in others if file.patient not in known]
    test += [file for file in images.test if file.label == ABNORMAL]
    note = f"trained and calibrated on the series {series}; the normal test images are of other series"
    return replace(
        images,
        name=f"{images.name} {series}",  # which is also what its decoded images are cached by
        train=tuple(train),
        calibration=tuple(calibration),
        test=tuple(test),
        notes=(*images.notes, note),
    )
