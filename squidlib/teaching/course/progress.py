"""Progress: which exercises passed, after how many tries and with how many hints, in a file beside the working copies.

The file is ``progress.json`` in a folder that ``squid lessons`` made; elsewhere nothing is written, so that a run in
the repository leaves no file. It holds no name, no time and no answer, and is sent nowhere. The environment variable
``KIT_PROGRESS=off`` keeps it from being written.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, NamedTuple

from squidlib.teaching.course.copies import RECORD
from squidlib.utils.errors import UserError
from squidlib.utils.safetensors_io import write_atomically

FILE, FORMAT = "progress.json", "squidlib-progress-1"
SWITCH, OFF = "KIT_PROGRESS", ("off", "0", "no")
OWN = "my"  #: what everybody's folder is called, and so no name for one
LOCK_SECONDS = 5.0


class Standing(NamedTuple):
    """An exercise: whether it passed once, tries up to then, and the most hints that were shown up to then."""

    passed: bool = False
    tries: int = 0
    hints: int = 0


def record(exercise: str, passed: bool, hints: int) -> None:
    """Count a try of an exercise, if the working folder holds working copies. What comes after a pass is not counted.

    Raises:
        UserError: where the file is damaged or cannot be written.
    """
    from filelock import FileLock, Timeout

    folder = Path.cwd()
    if os.environ.get(SWITCH, "").lower() in OFF or not (folder / RECORD).is_dir():
        return
    try:  # two lessons may be open
        with FileLock(folder / RECORD / "progress.lock", timeout=LOCK_SECONDS):
            known = read_progress(folder / FILE) if (folder / FILE).exists() else {}
            was = known.get(exercise, Standing())
            if was.passed:
                return
            known[exercise] = Standing(passed, was.tries + 1, max(was.hints, hints))
            exercises = {name: standing._asdict() for name, standing in sorted(known.items())}
            text = json.dumps({"format": FORMAT, "exercises": exercises}, indent=1)
            write_atomically(folder / FILE, f"{text}\n".encode())
    except (OSError, Timeout) as error:
        raise UserError(f"{folder / FILE} cannot be written: {error}") from error


def read_progress(path: Path) -> dict[str, Standing]:
    """Exercise -> its standing.

    Raises:
        UserError: where the file is missing, damaged or another one.
    """
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror})") from error
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path} is no whole JSON file; {FILE} of a folder of lessons was expected") from error
    exercises = told.get("exercises") if isinstance(told, dict) and told.get("format") == FORMAT else None
    if not isinstance(exercises, dict):
        raise UserError(f"{path} is no {FILE} of a folder of lessons: its format is not {FORMAT}")
    return {name: _standing(path, name, standing) for name, standing in exercises.items()}


def _standing(path: Path, name: str, told: Any) -> Standing:
    parts: list[Any] = [told.get(key) if isinstance(told, dict) else None for key in Standing._fields]
    counts = all(type(count) is int and 0 <= count < 1_000_000 for count in parts[1:])
    if type(parts[0]) is not bool or not counts:
        raise UserError(f"{path} was changed by hand: {name[:40]!r} has no passed, tries and hints")
    return Standing(*parts)


def handed_in(places: list[Path]) -> list[tuple[str, Path]]:
    """The files of progress in what students handed in, each with the name to call it by.

    A folder of lessons gives its own file; any other folder gives the files of the folders in it, and every JSON file
    that lies in it. A file is called as it is named, or as the folder is that somebody handed in.

    Raises:
        UserError: where a place does not exist, or a folder holds no such file.
    """
    found: list[tuple[str, Path]] = []
    for place in places:
        if not place.exists():
            raise UserError(f"{place}: a student's {FILE}, or a folder with some, was expected; there is none")
        if place.is_file() or (place / FILE).is_file():
            path = place if place.is_file() else place / FILE
            folder = path.absolute().parent
            found.append((_label(path, folder.parent if folder.name != OWN else folder.parent.parent), path))
            continue
        inside = [path for path in place.rglob("*.json") if not {RECORD, ".ipynb_checkpoints"} & set(path.parts)]
        inside = [path for path in inside if path.parent == place or path.name == FILE]
        if not inside:
            raise UserError(
                f"{place} holds no {FILE}, nor does a folder in it; students hand in that file, which checks write"
            )
        found += [(_label(path, place), path) for path in sorted(inside)]
    return found


def _label(path: Path, above: Path) -> str:
    """What a file is called: ``anna.json`` -> anna; ``anna/my/progress.json`` -> anna."""
    if path.name != FILE:
        return path.stem
    parts = path.absolute().relative_to(above.absolute()).parts[:-1]
    return parts[0] if parts else above.absolute().name
