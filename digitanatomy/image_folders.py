"""Folders of image files: the one lister of the kit. What it passes over is counted and named."""

from __future__ import annotations

import os
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from digitanatomy.image_files import DICOM_INSTALL, DICOM_SUFFIXES, ImageFileError, endings, is_image

#: Folders, in any case of letters, that lie beside images and show where these are abnormal.
MASK_FOLDERS = ("masks", "mask", "ground_truth")
MAP_MARK = ("Software", "squid score")  #: text in the PNG files of anomaly maps, which are no images to judge
#: ImplementationClassUID of the DICOM files of anomaly maps: who wrote them, which stands in a file's first bytes.
MAP_UID = "2.25.318945829426896003541239082398061015121"
_HEAD = 512  #: bytes within which either mark is found
_SYSTEM_FILES = ("thumbs.db", "desktop.ini")  # put there by Windows
_MAP = "anomaly maps of squid score"
#: Kinds of files that hold images which are not read.
_UNREAD = (".nii", ".gz", ".mha", ".nrrd", ".jp2", ".heic", ".heif", ".avif", ".tga", ".psd")
_HINT = " (save them as PNG first)"
_HINTS = dict.fromkeys(_UNREAD, _HINT) | dict.fromkeys(DICOM_SUFFIXES, f" (to read them: {DICOM_INSTALL})")


class FoundImages(NamedTuple):
    """files: the images, in order. passed_over: a line for each kind of thing that was left out."""

    files: list[Path]
    passed_over: tuple[str, ...]


def find_images(paths: Sequence[Path], leave_out: Iterable[Path] = ()) -> FoundImages:
    """Files as given, and of folders every image file below them, sorted; links are followed, to each folder once.

    Hidden files and folders (a leading dot, ``__MACOSX``) are no images anywhere and not counted. Folders of masks,
    anomaly maps wherever they lie, and files of other kinds are left out and said.

    Args:
        leave_out: files and folders that are no images to judge, such as a command's own output.

    Raises:
        ImageFileError: where a path does not exist or a folder holds no image.
    """
    outputs = {os.path.realpath(path) for path in leave_out}
    found: list[Path] = []
    others: Counter[str] = Counter()
    lines: list[str] = []
    for path in paths:
        if os.path.isdir(path):
            inside = sorted(_below(path, outputs, others, lines))
            if not inside:
                kinds = f"; it has {_counted(others)}" if others else ""
                raise ImageFileError(f"{path}: no image in this folder ({endings()} expected){kinds}")
            found += inside
        elif is_map(path):
            others[_MAP] += 1
        elif os.path.exists(path):
            found.append(path)
        else:
            raise ImageFileError(f"{path}: no such file or folder")
    if others and not found:
        raise ImageFileError(f"no image among the files named, only {_counted(others)}; name the images themselves")
    if others:
        lines.append(passed_over(others))
    return FoundImages(found, tuple(lines))


def is_map(path: Path) -> bool:
    """Whether a file is an anomaly map that ``squid score`` wrote, known by a mark in it and not by its name."""
    marks = {".png": b"tEXt" + b"\0".join(part.encode() for part in MAP_MARK), ".dcm": MAP_UID.encode()}
    if path.suffix not in marks or not os.path.isfile(path):
        return False
    try:
        with path.open("rb") as file:
            return marks[path.suffix] in file.read(_HEAD)
    except OSError:
        return False  # the reader says what is wrong with it


def is_hidden(name: str) -> bool:
    """Whether a file or folder is none of the user's images: hidden, or left by an operating system."""
    return name.startswith(".") or name == "__MACOSX" or name.lower() in _SYSTEM_FILES


def is_masks(folder: Path) -> bool:
    """Whether a folder's name says that it holds masks."""
    return folder.name.lower() in MASK_FOLDERS


def kind_of(path: Path) -> str:
    """What a file that is no image is counted as."""
    return path.suffix.lower() or "without ending"


def passed_over(others: Mapping[str, int]) -> str:
    """The line on files that are no images, of how many there are of each ``kind_of``."""
    return f"{_counted(others)}: no image files, passed over"


def _below(folder: Path, outputs: set[str], others: Counter[str], lines: list[str]) -> Iterator[Path]:
    """Image files below a folder. Links come last, so that what they lead to has its own name where it has one."""
    folders, links, seen = deque([folder]), deque[Path](), set[str]()
    while folders or links:
        current = folders.popleft() if folders else links.popleft()
        if os.path.realpath(current) in seen:
            lines.append(f"{current}: a link to a folder that is read already, left out")
            continue
        seen.add(os.path.realpath(current))
        for path in sorted(current.iterdir()):
            if is_hidden(path.name) or os.path.realpath(path) in outputs:
                continue
            if path.is_dir() and is_masks(path):
                lines.append(f"{path}: masks, left out")
            elif path.is_dir():
                (links if path.is_symlink() else folders).append(path)
            elif is_map(path):
                others[_MAP] += 1
            elif is_image(path):
                yield path
            else:
                others[kind_of(path)] += 1


def _counted(others: Mapping[str, int]) -> str:
    """Such as "2 .heic (save them as PNG first), 1 .txt"."""
    return ", ".join(f"{count} {kind}{_HINTS.get(kind, '')}" for kind, count in sorted(others.items()))
