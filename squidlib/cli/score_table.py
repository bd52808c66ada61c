"""The table of ``squid score``: a CSV file that is written as the rows come, and can be continued.

While a table is unfinished a small file of JSON lies beside it, which says by what it is being made. The same command
goes on with an unfinished table; a finished one, or one that something else was making, is left alone.
"""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from squidlib.utils.errors import UserError

if TYPE_CHECKING:
    from filelock import BaseFileLock


class ScoreTable:
    """One CSV file that this process alone writes; use it in a ``with`` statement.

    Args:
        path: of the CSV file.
        columns: its header.
        made_by: what makes the table, JSON values; an unfinished table of another maker is not continued.
        overwrite: whether to put a new table in the place of one that is there.

    Attributes:
        done: the first cells of the rows that an interrupted run left, each with how often it is there.
        kept: how many those are.
        count: rows that the table has.

    Raises:
        UserError: where there is a table that may not be replaced or continued, or another process writes it.
    """

    def __init__(self, path: Path, columns: Sequence[str], made_by: Mapping[str, object], overwrite: bool) -> None:
        self.path, self.columns, self.made_by = path, list(columns), dict(made_by)
        self.unfinished = path.with_name(path.name + ".unfinished")
        self._lock: BaseFileLock | None = None
        rows = [] if overwrite else self._left_over()
        self.done = Counter(row[0] for row in rows)
        self.kept = self.count = len(rows)
        self.old_maps = _maps_of(path) if overwrite else []
        self._rows = rows

    def _left_over(self) -> list[list[str]]:
        """The whole rows of an unfinished table; a row that was cut short is dropped."""
        if not self.path.exists():
            return []
        if not self.unfinished.exists():
            raise UserError(f"{self.path} exists; replace it with --overwrite or choose another name")
        differing = [name for name, value in self.made_by.items() if _json(self.unfinished).get(name) != value]
        if differing:
            raise UserError(
                f"{self.path} is unfinished, and was begun with another {' and '.join(differing)}: the same command "
                "goes on with it; replace it with --overwrite or choose another name"
            )
        header, *rows = _rows(self.path) or [self.columns]
        return [row for row in rows if len(row) == len(self.columns)] if header == self.columns else []

    @property
    def begun(self) -> bool:
        """Whether this process has put its hand on the file."""
        return self._lock is not None

    def __enter__(self) -> ScoreTable:
        return self

    def __exit__(self, *_: object) -> None:
        if self._lock is not None:
            self._lock.release()
            Path(self._lock.lock_file).unlink(missing_ok=True)

    def begin(self) -> None:
        """Put down the mark, the header and the rows that are kept; what was there before is gone.

        Raises:
            UserError: where another process is writing this table.
        """
        from filelock import FileLock, Timeout

        from squidlib.utils.safetensors_io import write_atomically

        if self._lock is not None:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.path.with_name(f".{self.path.name}.lock"))
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise UserError(f"another process is writing {self.path}; wait for it or choose another name") from None
        self._lock = lock
        write_atomically(self.unfinished, json.dumps(self.made_by, sort_keys=True).encode())
        write_atomically(self.path, self._text([self.columns, *self._rows]))

    def add(self, rows: Sequence[Mapping[str, str]]) -> None:
        """Write rows, so that they are in the file when this returns."""
        with self.path.open("ab") as file:
            file.write(self._text([row[name] for name in self.columns] for row in rows))
        self.count += len(rows)

    def rows(self) -> list[dict[str, str]]:
        """What is in the file."""
        header, *rows = _rows(self.path) or [self.columns]
        return [dict(zip(header, row, strict=True)) for row in rows if len(row) == len(header)]

    def finish(self) -> None:
        """The table is whole: it will not be continued."""
        self.unfinished.unlink(missing_ok=True)

    @staticmethod
    def _text(rows: Iterable[Sequence[str]]) -> bytes:
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(rows)
        return text.getvalue().encode("utf-8", "surrogateescape")


def remove_maps(table: ScoreTable, folder: Path | None) -> None:
    """Remove the maps of the table that is overwritten, and those in ``folder``; never a file of another origin."""
    from digitanatomy.image_folders import is_map

    inside = [] if folder is None or not folder.is_dir() else list(folder.iterdir())
    beside = [path.with_suffix(".dcm") for path in table.old_maps]
    for path in {*table.old_maps, *beside, *inside}:
        if is_map(path):
            path.unlink()


def _maps_of(path: Path) -> list[Path]:
    header, *rows = _rows(path) or [[]]
    return [Path(row[header.index("map")]) for row in rows if len(row) == len(header)] if "map" in header else []


def _rows(path: Path) -> list[list[str]]:
    """The rows of a CSV file up to its last newline; none where there is no such file."""
    if not path.is_file():
        return []
    text = path.read_bytes().decode("utf-8", "surrogateescape")
    try:
        return list(csv.reader(io.StringIO(text[: text.rfind("\n") + 1], newline="")))
    except csv.Error:  # something else of this name, which holds no row of ours
        return []


def _json(path: Path) -> dict[str, object]:
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
