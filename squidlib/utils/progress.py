"""Progress bar of a training: time left and losses, in a terminal, a notebook, or a file of lines."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

LINE_SECONDS = 10.0  #: between progress lines where there is no terminal


@contextmanager
def progress_bar(total: int, initial: int, shown: bool) -> Iterator[Any]:
    """tqdm's bar with the time left; its stand-in where the output is a file; nothing unless ``shown``."""
    from tqdm.auto import tqdm

    if shown and not sys.stderr.isatty() and not _in_notebook():
        yield _Lines(total, initial)
        return
    with tqdm(total=total, initial=initial, desc="training", unit="step", disable=not shown) as bar:
        yield bar


def _in_notebook() -> bool:
    return "ipykernel" in sys.modules


class _Lines:
    """A progress bar's stand-in where the output is a file or a pipe: now and then a line on stdout."""

    def __init__(self, total: int, initial: int) -> None:
        self.total, self.initial, self.done = total, initial, initial
        self.begun, self.values = time.monotonic(), ""
        self.last = self.begun

    def update(self) -> None:
        self.done += 1
        now = time.monotonic()
        if now - self.last >= LINE_SECONDS:
            self.last, each = now, (now - self.begun) / (self.done - self.initial)
            left = each * (self.total - self.done) / 60
            sys.stdout.write(
                f"step {self.done} of {self.total}, {each:.2f} s a step, about {left:.0f} min left{self.values}\n"
            )
            sys.stdout.flush()

    def set_postfix(self, values: dict[str, str], refresh: bool = False) -> None:
        self.values = "".join(f", {name} {value}" for name, value in values.items())
