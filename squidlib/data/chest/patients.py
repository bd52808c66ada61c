"""Whose image a file is, by its name: no patient may be in training and in test.

Names that are known:

- ZhangLab normals: ``IM-0115-0001``, ``NORMAL2-IM-0115-0001`` and ``IM-0429-0001-0002``; the patient is the series and
  the first number (``IM-0115``, ``NORMAL2-IM-0115``).
- ZhangLab pneumonias: ``person1_bacteria_1``, ``person1_virus_6``; the patient is ``person1_bacteria``.
- CheXpert: ``patient00001`` anywhere in the path.
- NIH ChestX-ray14: ``00000013_005.png``, eight digits, then the number of the follow-up; the patient is ``00000013``.

The series belong to the patient because each numbers on its own: images are counted through within a series, and the
published cut puts ``person1_bacteria`` into train and ``person1_virus`` into test. Whether two series ever show the
same child cannot be told from the names.

Of a DICOM file the tag PatientID tells, before its name. The tag itself is neither kept, written nor shown: a
``Pseudonyms`` numbers the patients of one data set.
"""

from __future__ import annotations

import hmac
import re
import secrets
from pathlib import Path, PurePath

from digitanatomy.dicom import patient_id
from digitanatomy.image_files import DICOM_SUFFIXES

_KNOWN = (
    re.compile(r"^((?:NORMAL2-)?IM-\d+)-\d+"),
    re.compile(r"^(person\d+_(?:bacteria|virus))_\d+"),
    re.compile(r"(patient\d+)"),
    re.compile(r"^(\d{8})_\d{3}(?!\d)"),
)


def patient_of(path: PurePath) -> str | None:
    """The patient that a file's name (for CheXpert, a folder's) tells; None where it tells none.

    >>> patient_of(PurePath("NORMAL2-IM-0429-0001-0002.jpeg"))
    'NORMAL2-IM-0429'
    """
    for text in (path.name, *(part.name for part in path.parents)):
        for pattern in _KNOWN:
            match = pattern.search(text)
            if match:
                return match[1]
    return None


class Pseudonyms:
    """Numbers in place of PatientIDs: the same for the same patient of one data set, nothing to go back by.

    Only a hash of each PatientID is kept, by a key that is drawn for every data set that is opened and never
    leaves the process. The numbers follow the order of the files, so that a data set is cut alike every time.
    """

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._numbers: dict[bytes, int] = {}

    def of_file(self, path: Path) -> str | None:
        """A name for the patient of a DICOM file, such as "DICOM patient 000001"; None where no tag tells one."""
        if path.suffix.lower() not in DICOM_SUFFIXES:
            return None
        try:
            with path.open("rb") as file:
                found = patient_id(file)
        except OSError:
            return None  # the reader of the image says what is wrong with it
        if found is None:
            return None
        digest = hmac.digest(self._key, found.encode("utf-8", "surrogatepass"), "sha256")
        return f"DICOM patient {self._numbers.setdefault(digest, len(self._numbers) + 1):06d}"
