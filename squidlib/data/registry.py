"""Data sets by name. A new one is a module with an ``ENTRY`` (see ``base``) and a line here."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from squidlib.utils.errors import UserError

if TYPE_CHECKING:
    from pathlib import Path

    from squidlib.data.base import Dataset
    from squidlib.data.options import DataOptions, Entry

#: Name -> the module that knows it; read only when it is asked for.
DATASETS = {
    "digitanatomy": "squidlib.data.digits",
    "zhanglab": "squidlib.data.chest.zhanglab",
    "chexpert": "squidlib.data.chest.chexpert",
    "covidx": "squidlib.data.chest.covidx",
    "pneumoniamnist": "squidlib.data.chest.pneumoniamnist",
    "folder": "squidlib.data.folder",
}


def entry(name: object) -> Entry:
    """How to come by a data set.

    Raises:
        UserError: where there is none of that name.
    """
    if not isinstance(name, str) or name not in DATASETS:
        raise UserError(f"data sets are {', '.join(DATASETS)}; got {name!r}")
    found: Entry = import_module(DATASETS[name]).ENTRY
    return found


def settings_of(name: str, options: DataOptions) -> dict[str, Any]:
    """The settings of a data set as a command line asked for it; "data" is its name.

    Raises:
        UserError: where an option is missing, or one does not go with this data set.
    """
    return {"data": name, **entry(name).settings_of(options)}


def open_dataset(settings: dict[str, Any], seed: int, download: bool = False) -> Dataset:
    """The data set that a run was, or is to be, trained on.

    Args:
        settings: of ``settings_of``, a run or a detector's metadata; what else is in them is passed over.
        seed: of the training images.
        download: allow the download of what can be downloaded.

    Raises:
        UserError: where the data set is unknown, or missing, or cannot be used.
    """
    return entry(settings.get("data")).open(settings, seed, download)


def reopen(metadata: dict[str, Any], seed: int, folder: Path | None = None, download: bool = False) -> Dataset:
    """The data set that a run was trained on, as its settings or its detector's metadata say.

    Args:
        seed, download: as of ``open_dataset``.
        folder: of the data set's files, where they are no longer where the run found them.

    Raises:
        UserError: as ``open_dataset``.
    """
    return open_dataset(metadata if folder is None else metadata | {"folder": str(folder.resolve())}, seed, download)


def where_to_get(name: str) -> str:
    """How one comes by the files of a data set, in a sentence."""
    return entry(name).get
