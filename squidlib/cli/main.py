"""Entry point: choose a sub-command, run it, turn what the user can correct into one line on stderr.

Exit codes: 0 done; 1 done, but some inputs failed; 2 nothing done, the input has to change; 130 interrupted.
"""

from __future__ import annotations

import difflib
import io
import itertools
import os
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr
from typing import Annotated, Any, Union

from squidlib import __version__
from squidlib.cli.adapt import Adapt
from squidlib.cli.bench import Bench
from squidlib.cli.benchmark import Benchmark
from squidlib.cli.contamination import Contamination
from squidlib.cli.demo import Demo
from squidlib.cli.digits import MakeDigits
from squidlib.cli.doctor import Doctor
from squidlib.cli.evaluate import Evaluate
from squidlib.cli.explore import Explore
from squidlib.cli.export import Export
from squidlib.cli.fetch import Fetch
from squidlib.cli.lab import Lab
from squidlib.cli.lessons import Lessons
from squidlib.cli.pack import Pack
from squidlib.cli.progress import Progress
from squidlib.cli.score import Score
from squidlib.cli.train import Train
from squidlib.utils.errors import UserError
from squidlib.utils.memory import out_of_memory
from squidlib.utils.text import printable

#: Sub-commands in the order of the help.
COMMANDS: dict[str, type] = {
    "demo": Demo,
    "lessons": Lessons,
    "lab": Lab,
    "progress": Progress,
    "pack": Pack,
    "train": Train,
    "evaluate": Evaluate,
    "score": Score,
    "adapt": Adapt,
    "benchmark": Benchmark,
    "contamination": Contamination,
    "explore": Explore,
    "digits": MakeDigits,
    "export": Export,
    "fetch": Fetch,
    "doctor": Doctor,
    "bench": Bench,
}

_THERE_ARE = f"there are {', '.join(COMMANDS)}; what they do: squid --help"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run ``squid`` with the given arguments (those of the process by default) and return the exit code."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    if given == ["--version"]:
        print(f"squid {__version__}")
        return 0
    try:
        return parse(given).run()
    except BrokenPipeError:  # as of "| head", which has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except (UserError, OSError) as error:  # an OSError names the file and what the system said of it
        return _refused(str(error))
    except (MemoryError, RuntimeError) as error:
        line = out_of_memory(error)
        if line is None:
            raise
        return _refused(line)
    except KeyboardInterrupt:
        print("squid: interrupted", file=sys.stderr)
        return 130


def parse(arguments: Sequence[str] | None = None) -> Any:
    """The sub-command that the arguments name, with its options.

    Raises:
        UserError: where they cannot be used.
    """
    import tyro
    from tyro.conf import subcommand

    from squidlib.cli.help import optional_without_none

    given = sys.argv[1:] if arguments is None else list(arguments)
    if not given:
        raise UserError(f"a command is missing; {_THERE_ARE}; to begin: squid demo")
    if not given[0].startswith("-") and given[0] not in COMMANDS:
        meant = "".join(f" (did you mean {close}?)" for close in difflib.get_close_matches(given[0], COMMANDS, 1, 0.7))
        raise UserError(f"there is no command {given[0]!r}{meant}; {_THERE_ARE}")
    commands: Any = Union[tuple(Annotated[kind, subcommand(name)] for name, kind in COMMANDS.items())]  # noqa: UP007
    with _one_line():
        return tyro.cli(
            commands,
            prog="squid",
            description="SQUID finds anomalies without labels. For teaching and research; no medical device. "
            "squid --version prints the version.",
            args=given,
            config=(tyro.conf.FlagCreatePairsOff, tyro.conf.OmitArgPrefixes),
            registry=optional_without_none(),
        )


def _refused(text: str) -> int:
    print("squid: " + printable(text.replace("\n", " ")), file=sys.stderr)
    return 2


@contextmanager
def _one_line() -> Iterator[None]:
    """Turn the box that tyro draws around an argument it cannot use into the one line of a UserError.

    tyro's own hook for this (``tyro._errors``) is private, and its author asks to pin tyro's exact version for it.
    """
    box = io.StringIO()
    try:
        with redirect_stderr(box):
            yield
    except SystemExit as stopped:
        if not stopped.code:  # --help
            raise
        raise UserError(f"{_said(box.getvalue())}; see the arguments with --help") from stopped


def _said(box: str) -> str:
    """What stands in the box: its first paragraph, or of what is missing the names alone, and what is unknown."""
    rows = [re.sub(r"^[│ ] |[│ ]$", "", row).rstrip() for row in box.splitlines()[1:]]  # the first is the box's title
    ruled = itertools.groupby(rows, key=lambda row: not row.strip("-─╰╯ "))
    paragraphs = [list(group) for rule, group in ruled if not rule]
    missing = re.fullmatch(r"\s*Missing from (.+):", paragraphs[0][0])
    if missing is None:
        return " ".join(" ".join(paragraphs[0]).split())
    needed, *unknown = [_least_indented(rows) for _, *rows in paragraphs if rows]
    known = [part for part, (title, *_) in zip(unknown, paragraphs[1:], strict=False) if "Unrecognized" in title]
    return "; ".join([f"{missing[1]} needs {' and '.join(needed)}", *(f"unknown: {' '.join(part)}" for part in known)])


def _least_indented(rows: list[str]) -> list[str]:
    """Names without the help that stands below each of them, further in."""
    indents = [len(row) - len(row.lstrip()) for row in rows]
    return [row.strip() for row, indent in zip(rows, indents, strict=True) if indent == min(indents)]
