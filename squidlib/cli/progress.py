"""``squid progress``: how far a class is, from the files that students hand in."""

from __future__ import annotations

import csv
import io
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tyro.conf import Positional

from squidlib.cli.choices import Paths

if TYPE_CHECKING:
    from squidlib.teaching.course.progress import Standing

COLUMNS = ("name", "lesson", "exercise", "passed", "tries", "hints")


@dataclass(frozen=True)
class Progress:
    """One table of what students handed in: how many exercises of each lesson passed, tries and hints."""

    handed_in: Positional[Paths]
    """Folders of lessons, their files progress.json, or folders with either; a folder's or file's name is the label."""
    csv: Path | None = None
    """Write every exercise of everybody into this CSV file, too."""

    def run(self) -> int:
        """Read, print, write; 1 where a file could not be read, 2 where none could."""
        from squidlib.teaching.course.progress import handed_in, read_progress
        from squidlib.utils.errors import UserError
        from squidlib.utils.safetensors_io import write_atomically
        from squidlib.utils.text import printable

        if not self.handed_in:
            raise UserError("name what students handed in: folders of lessons, or files progress.json")
        known: list[tuple[str, dict[str, Standing]]] = []
        bad = 0
        for label, path in handed_in(list(self.handed_in)):
            try:
                known.append((printable(label), read_progress(path)))
            except UserError as error:
                bad += 1
                print(f"squid: passed over: {printable(str(error))}", file=sys.stderr)
        if not known:
            raise UserError("none of the files could be read")
        _print(known)
        if self.csv is not None:
            write_atomically(self.csv, _csv(known).encode("utf-8", "surrogateescape"))
            print(f"every exercise: {self.csv}")
        return 1 if bad else 0


def exercises() -> dict[str, list[str]]:
    """Lesson, as "05" -> its exercises."""
    from squidlib.teaching import checks

    found: dict[str, list[str]] = {}
    for name in checks.__all__:
        lesson = getattr(checks, name).__module__.rpartition("lesson_")[2][:2]
        found.setdefault(lesson, []).append(name)
    return found


def _print(known: list[tuple[str, dict[str, Standing]]]) -> None:
    from rich.box import SIMPLE
    from rich.table import Table
    from rich.text import Text

    from squidlib.benchmark.tables import wide_console

    lessons = exercises()
    table = Table(title="exercises that passed, by lesson", box=SIMPLE, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column("", no_wrap=True)
    for lesson, names in lessons.items():
        table.add_column(f"{lesson}\n/{len(names)}", justify="right")
    for head in ("all", "tries", "hints"):
        table.add_column(head, justify="right")
    for label, standings in known:
        passed = [sum(_of(standings, name).passed for name in names) for names in lessons.values()]
        every = [_of(standings, name) for names in lessons.values() for name in names]
        sums = (sum(passed), sum(standing.tries for standing in every), sum(standing.hints for standing in every))
        table.add_row(Text(label), *(str(count) if count else "·" for count in passed), *map(str, sums))
    table.add_section()
    shares = []
    for names in lessons.values():
        count = sum(_of(standings, name).passed for _, standings in known for name in names)
        shares.append(f"{count / (len(known) * len(names)):.0%}".rstrip("%"))
    table.add_row(f"% of {len(known)}", *shares)
    wide_console().print(table)


def _csv(known: list[tuple[str, dict[str, Standing]]]) -> str:
    from squidlib.utils.text import cell

    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for label, standings in known:
        for lesson, names in exercises().items():
            for name in names:
                passed, tries, hints = _of(standings, name)
                writer.writerow((cell(label), lesson, name, int(passed), tries, hints))
    return text.getvalue()


def _of(standings: dict[str, Standing], name: str) -> Standing:
    from squidlib.teaching.course.progress import Standing

    return standings.get(name, Standing())
