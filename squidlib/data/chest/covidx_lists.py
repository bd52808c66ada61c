"""COVIDx's lists: which images a version of the data set has, whose they are, what they show, where they come from.

Source: github.com/lindawangg/COVID-Net, docs/COVIDx.md and labels/ (versions 1 to 9B). A line is
``patient filename class source``, separated by spaces; the first versions have no source. Patients of one source
("COVID 12" of sirm) are written with a space, file names never are, so a line is read from its end.

Letters: an A list has the classes normal, pneumonia and COVID-19; a B list has negative and positive. The source
``rsna`` is written ``rnsa`` in 398 lines of version 9 (A and B); both are one.
"""

from __future__ import annotations

import re
from pathlib import Path
from types import MappingProxyType
from typing import Final, NamedTuple

from digitanatomy import NORMAL as NORMAL_TYPE
from digitanatomy.image_files import is_image
from squidlib.data.chest.problems import Problems
from squidlib.utils.errors import UserError

PNEUMONIA: Final = "pneumonia"
COVID: Final = "COVID-19"
#: Class in a list -> anomaly type.
CLASSES: Final = MappingProxyType(
    {"normal": NORMAL_TYPE, "pneumonia": PNEUMONIA, "COVID-19": COVID, "negative": NORMAL_TYPE, "positive": COVID}
)
BINARY: Final = ("negative", "positive")  #: the classes of a B list
_MISSPELT = {"rnsa": "rsna"}
_NAME = re.compile(r"train(_COVIDx(?P<cxr>_CXR-)?(?P<number>\d*)(?P<letter>[AB]?))?\.txt")
_LINE = "patient, file name, class and source, separated by single spaces (a file name has none)"


class ListedImage(NamedTuple):
    """One line of a list. source: "" where the line has none."""

    patient: str
    name: str
    list_class: str
    source: str
    line: int

    @property
    def anomaly_type(self) -> str:
        """ "normal", "pneumonia" or "COVID-19"."""
        return CLASSES[self.list_class]


class Lists(NamedTuple):
    """The two lists of one version, the third one where it has one, and a note where other versions are there too."""

    train: Path
    test: Path
    notes: tuple[str, ...]
    validation: Path | None = None


def lists_of(root: Path) -> Lists:
    """The lists of the newest version in a folder.

    The newest is the one with the highest number, CXR-3 after 9; of one number A, because it tells pneumonia from
    COVID-19. ``train.txt``, whose name tells no version, is taken only where there is no other.

    Raises:
        UserError: where no ``train*.txt`` has its ``test*.txt`` beside it.
    """
    found = {path: match for path in sorted(root.glob("train*.txt")) if (match := _NAME.fullmatch(path.name))}
    pairs = {path: root / path.name.replace("train", "test", 1) for path in found}
    whole = sorted((path for path in pairs if pairs[path].is_file()), key=lambda path: _age(found[path]))
    if not whole:
        alone = f"; {next(iter(pairs)).name} has no {next(iter(pairs.values())).name} beside it" if pairs else ""
        raise UserError(
            f"{root}: COVIDx's lists expected, such as train.txt and test.txt or train_COVIDx9A.txt and "
            f"test_COVIDx9A.txt{alone}; copy both into the folder (github.com/lindawangg/COVID-Net has them)"
        )
    newest, others = whole[-1], ", ".join(path.name for path in whole[:-1])
    note = f"of the lists in the folder the newest is read, {newest.name}; to read another ({others}), move it away"
    third = root / newest.name.replace("train", "val", 1)
    return Lists(newest, pairs[newest], (note,) if others else (), third if third.is_file() else None)


def _age(match: re.Match[str]) -> tuple[bool, int, bool]:
    if match[1] is None:
        return False, 0, False
    return match["cxr"] is not None, int(match["number"] or 1), match["letter"] == "A"


def read_list(path: Path, problems: Problems) -> list[ListedImage]:
    """The images of one list, in its order; blank lines are passed over.

    Raises:
        UserError: where the file cannot be read, is empty, has a line of another form, or classes of A and B lists;
            and, unless ``problems`` skips, where it names a file twice. Errors name the line.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: a list of images in UTF-8 expected ({error}); download it again") from error
    found = dict[str, ListedImage]()
    for number, text in enumerate(lines, 1):
        if not text.strip():
            continue
        image = _parsed(path, number, text)
        first = found.setdefault(image.name, image)
        if first is not image:
            problems.found(
                f"{path}, line {number}: {image.name} is in line {first.line} already; remove one of the two"
            )
    if not found:
        raise UserError(f"{path}: a list of images expected, the file is empty; download it again")
    one, *others = {image.list_class in BINARY: image for image in found.values()}.values()
    if others:
        raise UserError(
            f"{path}, line {others[0].line}: the classes of one version expected (normal, pneumonia and COVID-19, or "
            f"negative and positive), got {others[0].list_class} beside {one.list_class}; download the list again"
        )
    return list(found.values())


def _parsed(path: Path, number: int, text: str) -> ListedImage:
    fields = text.split()
    where = f"{path}, line {number}"
    if len(fields) < 3:
        raise UserError(f"{where}: {_LINE} expected, got {text!r}; download the list again")
    with_source = len(fields) > 3 and fields[-2] in CLASSES
    *owner, name, list_class, source = fields if with_source else [*fields, ""]
    if list_class not in CLASSES:
        raise UserError(
            f"{where}: a class ({', '.join(CLASSES)}) expected as the third field, or as the last one of a line "
            f"without source, got {text!r}; download the list again"
        )
    if not is_image(Path(name)) or "/" in name or "\\" in name:
        raise UserError(
            f"{where}: the name of an image file without folder and spaces expected before {list_class}, got {name!r}; "
            "rename the file and correct the line"
        )
    return ListedImage(" ".join(owner), name, list_class, _MISSPELT.get(source.lower(), source.lower()), number)
