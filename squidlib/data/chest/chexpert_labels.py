"""CheXpert's label files: which rows are frontal PA views, and which of them are normal or abnormal.

Source: Irvin et al., AAAI 2019, section 2. A label is 1.0 (positive), 0.0 (negative), -1.0 (uncertain) or blank (not
mentioned); the labels were read from the reports by a program, not by a person.

Policy, ours, since the paper does not say its own:

- **normal**: "No Finding" is 1.0, and no pathology is 1.0 or -1.0;
- **abnormal**: some pathology is 1.0, whatever else the row says;
- **neither**: all the rest (uncertain only, nothing mentioned), and left out. Blank and 0.0 say the same here.

"Support Devices" (tubes, wires, pacemakers) is no pathology: alone it makes an image neither abnormal nor, without "No
Finding", normal.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from squidlib.data.chest.files import ABNORMAL, NORMAL
from squidlib.utils.errors import UserError

NO_FINDING: Final = "No Finding"
PATHOLOGIES: Final = (
    "Enlarged Cardiomediastinum",
    "Cardiomegaly",
    "Lung Opacity",
    "Lung Lesion",
    "Edema",
    "Consolidation",
    "Pneumonia",
    "Atelectasis",
    "Pneumothorax",
    "Pleural Effusion",
    "Pleural Other",
    "Fracture",
)
VIEW_COLUMNS: Final = ("Frontal/Lateral", "AP/PA")
COLUMNS: Final = ("Path", "Sex", "Age", *VIEW_COLUMNS, NO_FINDING, *PATHOLOGIES, "Support Devices")
_NEEDED = ("Path", *VIEW_COLUMNS, NO_FINDING, *PATHOLOGIES)
_VALUES = {"1.0": 1, "0.0": 0, "-1.0": -1, "": None, "1": 1, "0": 0, "-1": -1}


class LabelledPath(NamedTuple):
    """One row of interest: its Path as it stands there, and NORMAL or ABNORMAL."""

    path: str
    label: int
    line: int


def label_of(row: Mapping[str, str | None]) -> int | None:
    """NORMAL, ABNORMAL or None (neither) by the policy above.

    Raises:
        UserError: where a value is none of 1.0, 0.0, -1.0 and blank.
    """
    values = {}
    for column in (NO_FINDING, *PATHOLOGIES):
        text = (row[column] or "").strip()
        if text not in _VALUES:
            raise UserError(f"{column}: one of 1.0, 0.0, -1.0 and blank expected, got {text!r}")
        values[column] = _VALUES[text]
    pathologies = [values[column] for column in PATHOLOGIES]
    if 1 in pathologies:
        return ABNORMAL
    return NORMAL if values[NO_FINDING] == 1 and -1 not in pathologies else None


def read_labels(table: Path, views: tuple[str, ...] = ("PA",)) -> list[LabelledPath]:
    """The frontal rows of a CheXpert CSV that are normal or abnormal.

    Args:
        table: ``train.csv`` or ``valid.csv`` with the official columns, in any order.
        views: the values of "AP/PA" that are wanted; the paper takes PA alone.

    Raises:
        UserError: where the file is missing, no CSV, without a column, with a value that is none, or with a path
            twice. Errors name the line.
    """
    found: list[LabelledPath] = []
    lines: dict[str, int] = {}
    for line, row in _rows(table):
        if (row["Frontal/Lateral"] or "").strip() != "Frontal" or (row["AP/PA"] or "").strip() not in views:
            continue
        try:
            label = label_of(row)
        except UserError as error:
            raise UserError(f"{table}, line {line}, {error}; download it again") from error
        path = (row["Path"] or "").strip()
        if not path:
            raise UserError(f"{table}, line {line}: a Path expected, got none; download it again")
        if path in lines:
            raise UserError(f"{table}, line {line}: {path} stands in line {lines[path]} already; remove one of the two")
        lines[path] = line
        if label is not None:
            found.append(LabelledPath(path, label, line))
    return found


def _rows(table: Path) -> Iterator[tuple[int, dict[str, str | None]]]:
    try:
        with table.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            missing = [column for column in _NEEDED if column not in (reader.fieldnames or [])]
            if missing:
                raise UserError(
                    f"{table}: CheXpert's columns expected, {', '.join(missing[:3])} "
                    f"{'is' if len(missing) == 1 else 'are'} missing; download it again"
                )
            for row in reader:
                yield reader.line_num, row
    except FileNotFoundError as error:
        raise UserError(f"{table}: no such file; CheXpert's root holds train.csv and valid.csv") from error
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{table}: a CSV file in UTF-8 expected ({error}); download it again") from error
