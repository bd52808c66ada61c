"""CheXpert's files: where those that its label tables name lie on this machine.

The tables say ``CheXpert-v1.0-small/train/patient00001/study1/view1_frontal.jpg``. People have them otherwise: with a
folder for each part of the full release (``CheXpert-v1.0 batch 2 (train 1)/patient00001/...``), without the first
folder, with the path of the machine on which the table was rewritten, with the backslashes of Windows. What all of them
share is the end, from the patient's folder on, and that is looked for below the data set's root.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from squidlib.data.chest.chexpert_labels import LabelledPath
from squidlib.data.chest.files import ChestFile
from squidlib.data.chest.folders import check_root, inside
from squidlib.data.chest.patients import patient_of
from squidlib.data.chest.problems import Problems

SPLITS = ("train", "valid")
_PATIENT = re.compile(r"patient\d+")
_BATCH = "*batch*"  #: folders of the full release, such as "CheXpert-v1.0 batch 2 (train 1)"


def roots(root: Path) -> tuple[Path, Path]:
    """The folder below which all images lie, and the one that holds the tables; mostly they are the same.

    Args:
        root: that folder, or the one that holds it. In the full release, the tables are in batch 1.

    Raises:
        UserError: where there is no train.csv.
    """
    expected = "CheXpert's train.csv and folder train"
    if root.is_dir() and not (root / "train.csv").is_file():
        for folder in sorted(root.glob("CheXpert*")):
            if (folder / "train.csv").is_file():
                whole = check_root(root, expected, f"{folder.name}/train.csv")
                return (whole if "batch" in folder.name else whole / folder.name), whole / folder.name
    found = check_root(root, expected, "train.csv")
    return found, found


def files_of(root: Path, table: Path, split: str, rows: Sequence[LabelledPath], problems: Problems) -> list[ChestFile]:
    """The rows' files below ``root``.

    Args:
        table: that the rows stand in, for errors.
        split: "train" or "valid"; a row that names the other one is a flaw.

    Raises:
        UserError: where a row names no such file, or one that another row names, unless ``problems`` skips.
    """
    batches = sorted(path for path in root.glob(_BATCH) if path.is_dir())
    found, lines = [], dict[Path, int]()
    for row in rows:
        where = f"{table}, line {row.line}: {row.path}"
        parts = [part for part in row.path.replace("\\", "/").split("/") if part not in ("", ".")]
        first = next((place for place, part in enumerate(parts[:-1]) if _PATIENT.fullmatch(part)), None)
        if ".." in parts:
            problems.found(f"{where} leads outside the data set; paths like {_example(split)} expected, remove the row")
            continue
        if first is None or any(part in SPLITS and part != split for part in parts[:first]):
            problems.found(f"{where} is no path like {_example(split)}; remove the row")
            continue
        path = next((path for path in _candidates(root, split, parts, first, batches) if path.is_file()), None)
        if path is None:
            problems.found(f"{where}: there is no such file below {root}; unpack the data set again or remove the row")
        elif path in lines:
            problems.found(f"{where} is the file of line {lines[path]}, too; remove one of the two")
        elif inside(root, path, problems):
            lines[path] = row.line
            patient = patient_of(path.relative_to(root))
            assert patient is not None  # a folder of the path is the patient's
            found.append(ChestFile(path, patient, row.label))
    return found


def _candidates(root: Path, split: str, parts: Sequence[str], first: int, batches: Sequence[Path]) -> Iterator[Path]:
    """Where a row's file may lie, the likeliest place first; ``parts[first]`` is the patient's folder."""
    end = parts[first:]
    yield root.joinpath(split, *end)
    for place in range(first):  # as the row says it, less what stands before the data set
        yield root.joinpath(*parts[place:])
    yield root.joinpath(*end)
    for batch in batches:
        yield batch.joinpath(*end)
        yield batch.joinpath(split, *end)


def _example(split: str) -> str:
    return f"CheXpert-v1.0-small/{split}/patient00001/study1/view1_frontal.jpg"
