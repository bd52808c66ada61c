"""Images decoded once: a memory-mapped uint8 array, and beside it a JSON of what it was made of.

``squidlib.data.images`` says how a file becomes grey (luminance, orientation, refusal). The cache is used as long as
every source has the name, the size in bytes and the time of change that the JSON tells, and the array its checksum;
then no source is opened. Otherwise it is made again. A file changed without either showing it goes unnoticed.

Both files are written atomically, the JSON last: after an interruption the old JSON does not fit the new array, and it
is made again. A cache holds the images of patients: what the licence says of them, it says of the cache, and nobody but
the user may read it.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import UInt8

from squidlib.data.chest.problems import OR_SKIP
from squidlib.data.images import read_image_data
from squidlib.utils.errors import UserError
from squidlib.utils.safetensors_io import PRIVATE, check_writable, open_partial, write_atomically

FORMAT = "squid-images-1"
SUFFIX = ".gray"  #: bytes of the images one after the other, nothing else; the JSON tells the shape
FOLDER = ".squid-cache"  #: below the data set's root, unless another folder is given


class Decoded(NamedTuple):
    """Images as they came out of their files.

    Attributes:
        rows: which of the given files each image is.
        hashes: SHA-256 of each image's file.
        refused: why the other files could not be read, one line each.
        images: grey, 0..255, on disk (memory-mapped, read-only), one for each file that could be read.
        note: what is worth knowing of the cache ("damaged, made again"); else empty.
    """

    rows: list[int]
    hashes: list[str]
    refused: list[str]
    images: UInt8[np.ndarray, "N size size"]
    note: str


def decode(
    paths: Sequence[Path], root: Path, size: int, name: str, cache: Path | None = None, skip_bad: bool = False
) -> Decoded:
    """Images of files below ``root``, from the cache where it fits, else decoded and cached (with a progress bar).

    Args:
        paths: below ``root``.
        root: of the data set.
        size: pixels a side.
        name: of this part of the data set, in the cache's file names.
        cache: folder for the two files; None is ``FOLDER`` below ``root``.
        skip_bad: leave out files that cannot be read, and list them in ``refused``.

    Raises:
        UserError: where an image cannot be read, unless ``skip_bad``, or the cache folder cannot be written.
    """
    folder = root / FOLDER if cache is None else cache
    place = hashlib.sha256(str(root.resolve()).encode()).hexdigest()[:8]  # data sets of one name in one folder
    table = folder / f"{name}-{place}-{size}.json"
    sources = [_source(path, root) for path in paths]
    known, note = _open(table, sources, size)
    if known is None:
        _check_folder(folder, cache is None)
        known = _make(table, paths, sources, size, f"{name} {size} px", skip_bad)
    if known.refused and not skip_bad:
        raise UserError(f"{known.refused[0]} {OR_SKIP}")
    return known._replace(note=note)


def _source(path: Path, root: Path) -> list[str | int]:
    try:
        status = path.stat()
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); unpack the data set again") from error
    return [path.relative_to(root).as_posix(), status.st_size, status.st_mtime_ns]


def _open(table: Path, sources: list[list[str | int]], size: int) -> tuple[Decoded | None, str]:
    """The cache where it fits, else None and, where it is damaged, a note."""
    array = table.with_suffix(SUFFIX)
    if not table.is_file():
        return None, ""
    try:
        metadata: dict[str, Any] = json.loads(table.read_text())
        if metadata["format"] != FORMAT or metadata["sources"] != sources or metadata["size"] != size:
            return None, ""
        known = Decoded(
            list(metadata["rows"]), list(metadata["hashes"]), list(metadata["refused"]), _map(array, metadata), ""
        )
        if len(known.hashes) == len(known.rows) and _checksum(array) == metadata["sha256"]:
            return known, ""
    except (OSError, ValueError, KeyError, TypeError):
        pass
    return None, f"the cache {array} was damaged and has been made again"


def _map(array: Path, metadata: dict[str, Any]) -> np.ndarray:
    shape = (len(metadata["rows"]), metadata["size"], metadata["size"])
    if array.stat().st_size != int(np.prod(shape)):
        raise ValueError("not the size that the table tells")
    return np.memmap(array, np.uint8, "r", shape=shape) if shape[0] else np.zeros(shape, np.uint8)


def _check_folder(folder: Path, default: bool) -> None:
    try:
        # A data folder without a single write bit is meant to stay as it is, though root could write there.
        if default and not folder.exists() and not folder.parent.stat().st_mode & 0o222:
            raise PermissionError(f"{folder.parent} is read-only")
        check_writable(folder)
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)  # others of this machine have no business with images of patients
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(f"{folder} may not be written")
    except (UserError, OSError) as error:
        if default:
            what = f"decoded images are kept beside the data, but {folder.parent} may not be written"
            raise UserError(f"{what}; give another folder with --cache") from error
        raise UserError(f"the cache folder {folder} cannot be written; give another one with --cache") from error


def _make(
    table: Path, paths: Sequence[Path], sources: list[list[str | int]], size: int, title: str, skip_bad: bool
) -> Decoded:
    from tqdm.auto import tqdm

    array, digest = table.with_suffix(SUFFIX), hashlib.sha256()
    rows: list[int] = []
    hashes: list[str] = []
    refused: list[str] = []
    writing, partial = open_partial(table.parent, PRIVATE)
    try:
        with writing as file:
            for row, path in enumerate(tqdm(paths, desc=title, unit="image", leave=False, disable=None)):
                try:
                    content = path.read_bytes()
                    image = to_bytes(read_image_data(io.BytesIO(content), path, size).image[0].numpy()).tobytes()
                except UserError as error:
                    if not skip_bad:
                        raise UserError(f"{error} {OR_SKIP}") from error
                    refused.append(str(error))
                    continue
                file.write(image)
                digest.update(image)
                hashes.append(hashlib.sha256(content).hexdigest())
                rows.append(row)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, array)
    except OSError as error:
        raise UserError(f"cannot write the cache {table.parent} ({error}); give another folder with --cache") from error
    finally:
        partial.unlink(missing_ok=True)
    metadata = {"format": FORMAT, "size": size, "sha256": digest.hexdigest(), "sources": sources}
    metadata |= {"rows": rows, "hashes": hashes, "refused": refused}
    write_atomically(table, json.dumps(metadata).encode(), PRIVATE)
    return Decoded(rows, hashes, refused, _map(array, metadata), "")


def to_bytes(grey: np.ndarray) -> np.ndarray:
    """Floating point in 0..1 to uint8 in 0..255, to the nearest; grey of 8 bits comes back as it was."""
    return np.round(grey * 255).astype(np.uint8)


def _checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
