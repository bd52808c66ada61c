"""Progress: a bar for a long cell, and an interruption (the stop button) that keeps what was learned so far."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

ResultT = TypeVar("ResultT")


@dataclass
class Steps:
    """Counts steps and shows a bar; what the block of ``interruptible`` gets."""

    what: str
    count: int = 0  #: how many were meant to be done
    done: int = 0  #: how many were finished, also after an interruption

    def __call__(self, count: int, begin: int = 0) -> Iterator[int]:
        """The steps ``begin`` to ``count`` - 1; a training that goes on begins where it stopped."""
        return self.over(range(begin, count), count, begin)

    def over(self, results: Iterable[ResultT], count: int, begin: int = 0) -> Iterator[ResultT]:
        """What ``train`` gives, a result a step; of the steps, ``begin`` were done before."""
        from tqdm.auto import tqdm

        self.count, self.done = count, begin
        with tqdm(total=count, initial=begin, desc=self.what, unit="step") as bar:
            for result in results:
                yield result
                self.done += 1
                bar.update()


@contextmanager
def interruptible(what: str) -> Iterator[Steps]:
    """Give a function that counts steps and shows a bar; the stop button ends the block and no more.

        with interruptible("auto-encoder") as ticks:
            for step in ticks(300):
                ...
        print(ticks.done)

    After an interruption the cells below go on with whatever the block had reached.
    """
    progress = Steps(what)
    try:
        yield progress
    except KeyboardInterrupt:
        print(f"{what}: stopped after step {progress.done} of {progress.count}; what was learned so far is kept")
