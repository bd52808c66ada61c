"""``squid lessons``: working copies of the lessons, and newer lessons brought into them."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tyro.conf import Positional

from squidlib.cli.choices import FolderOrDefault

if TYPE_CHECKING:
    from squidlib.teaching.course.copies import Made

FOLDER = Path("my")


@dataclass(frozen=True)
class Lessons:
    """Copy the lessons into a folder of your own, without outputs. What is there already is never written over."""

    folder: Positional[FolderOrDefault] = FOLDER
    """The folder to copy into."""
    update: bool = False
    """Bring new and changed cells of newer lessons into your copies. Your answers, outputs and own cells stay."""

    def run(self) -> int:
        """Copy or update, and say what was done."""
        from squidlib.teaching.course.copies import make_copies, update_copies

        if not self.update:
            print("\n".join(told(make_copies(self.folder), self.folder)))
            print(f"to open them: squid lab{shown(self.folder)}")
            return 0
        bad = False
        for lesson, line, failed in update_copies(self.folder):
            print(f"{lesson}: {line}", flush=True)
            bad |= failed
        return 1 if bad else 0


def told(made: Made, folder: Path) -> list[str]:
    """What there is to say of copies: how many, where, and which have a newer lesson."""
    lines = []
    if made.copied:
        lines.append(f"{folder}: copied {len(made.copied)} lessons, yours to write into; begin with 00_start_here")
    if made.kept:
        lines.append(f"{folder}: {len(made.kept)} lessons were there already and stay as they are")
    if made.newer:
        names = ", ".join(name[:2] for name in made.newer)
        lines.append(f"lessons that have changed since: {names}; to take the changes over: {command(folder)} --update")
    return lines


def command(folder: Path) -> str:
    """The command as somebody would type it again."""
    return f"squid lessons{shown(folder)}"


def shown(folder: Path) -> str:
    """The folder as an argument, where it is not the default."""
    return f" {shlex.quote(str(folder))}" if folder != FOLDER else ""
