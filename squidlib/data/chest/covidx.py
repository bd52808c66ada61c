"""COVIDx (Wang, Lin and Wong 2020): X-rays of many sources, normal, pneumonia and COVID-19. Facts: ``info.COVIDX``.

The SQUID paper does not use it, and no split for anomaly detection is public. The rule here is ours:

- **train**: the images of the train list that are *normal* (A lists) or *negative* (B lists);
- **calibration**: about 15 % of them, whole patients, drawn once, whatever the seed of a run;
- **test**: all images of the test list; anomaly types are "pneumonia" and "COVID-19" (A) or "COVID-19" alone (B);
- pneumonia and COVID-19 of the train list stay unused, but for contamination experiments;
- no patient of the test list is in training or calibration: one that is, is a flaw of the lists (6 and 7B have one).

A *negative* is an image without COVID-19, not a healthy one: of the 13,992 training negatives of 9B, 8,085 are normal
in 9A, 5,555 are pneumonia and 352 are not listed there; of the 200 of its test list, half are pneumonia. A detector
trained on B lists learns pneumonia as normal.

The sources decide what a result means. In 9A all 8,085 + 100 normals are from rsna, no COVID-19 image is, and the 100
pneumonias of the test list are: normal against COVID-19 compares sources, normal against pneumonia does not. The module
``sources`` computes that from whichever lists are read.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from digitanatomy import NORMAL as NORMAL_TYPE
from digitanatomy.image_files import is_image
from squidlib.data.chest.arrays import ChestArrays
from squidlib.data.chest.covidx_lists import BINARY, ListedImage, lists_of, read_list
from squidlib.data.chest.files import ABNORMAL, NORMAL, ChestFile, ChestImages, require, split_calibration
from squidlib.data.chest.files import without_shared_patients as without_shared
from squidlib.data.chest.folders import check_root, inside
from squidlib.data.chest.info import COVIDX
from squidlib.data.chest.options import chest_settings, decoded, opened
from squidlib.data.chest.problems import Problems
from squidlib.data.chest.sources import Origin, source_notes
from squidlib.data.options import Entry
from squidlib.utils.errors import UserError


def covidx(root: Path, seed: int = 0, skip_bad: bool = False) -> ChestImages:
    """The public download: ``root/{train,test}`` and the lists beside them, such as ``train_COVIDx9A.txt``.

    Args:
        root: holds ``train``, ``test`` and the two lists of a version; of several versions, see ``lists_of``.
        seed: of the cut into train and calibration; belongs to the data, not to a run.
        skip_bad: leave out what is flawed, and list it in ``skipped``.

    Raises:
        UserError: where a folder or list is missing, a line is malformed, or the two lists are not of one kind; and,
            unless ``skip_bad``, where a file is missing, listed twice or outside the root, or a patient is in both
            lists.
    """
    root = check_root(root, "train and test with COVIDx's images, and its lists,", "train")
    problems = Problems(skip_bad)
    lists = lists_of(root)
    trained, tested = read_list(lists.train, problems), read_list(lists.test, problems)
    binary = trained[0].list_class in BINARY
    if binary != (tested[0].list_class in BINARY):
        raise UserError(
            f"{lists.test}: the classes of {lists.train.name} expected, got {tested[0].list_class} there and "
            f"{trained[0].list_class} here; take both lists of one version"
        )
    test = _files(root, lists.test, "test", tested, problems)
    files = without_shared(_files(root, lists.train, "train", trained, problems), test, problems)
    train, calibration = split_calibration([file for file in files if file.label == NORMAL], seed)
    notes = list(lists.notes)
    if binary:
        notes.append("a negative image is one without COVID-19, not a healthy one: pneumonia is among what is learned")
    notes += source_notes(_origins(trained), _origins(tested))
    notes += [*_not_read(root, "train", trained), *_not_read(root, "test", tested)]
    if lists.validation is not None:
        notes.append(f"{lists.validation.name} is not read: calibration images are drawn from the train list's normals")
    return require(
        ChestImages(
            "COVIDx",
            root,
            tuple(train),
            tuple(calibration),
            tuple(test),
            tuple(file for file in files if file.label == ABNORMAL),
            tuple(problems.skipped),
            tuple(notes),
        )
    )


def _origins(images: Sequence[ListedImage]) -> list[Origin]:
    return [Origin(image.anomaly_type, image.source) for image in images]


def _not_read(root: Path, folder: str, images: Sequence[ListedImage]) -> list[str]:
    """A line where images of ``root/folder`` are in no list."""
    listed = {image.name for image in images}
    there = root / folder
    others = sum(is_image(path) and path.name not in listed for path in there.iterdir()) if there.is_dir() else 0
    return [f"images in {there} that the list does not name: {others}; they are not read"] if others else []


def _files(root: Path, table: Path, folder: str, images: Sequence[ListedImage], problems: Problems) -> list[ChestFile]:
    """The files of one list below ``root/folder``, sorted by path."""
    found = []
    for image in images:
        path = root / folder / image.name
        if not path.is_file():
            problems.found(
                f"{table}, line {image.line}: {image.name} expected in {path.parent}, there is no such file; "
                "unpack the data set again or remove the line"
            )
        elif inside(root, path, problems):
            label = NORMAL if image.anomaly_type == NORMAL_TYPE else ABNORMAL
            found.append(ChestFile(path, image.patient, label, image.anomaly_type, image.source))
    return sorted(found)


def _arrays(folder: Path, settings: dict[str, Any], download: bool) -> ChestArrays:
    return decoded(covidx(folder, skip_bad=bool(settings.get("skip_bad", False))), settings)


ENTRY = Entry(chest_settings("covidx", str(COVIDX["get"])), opened("covidx", _arrays), str(COVIDX["get"]), True)
