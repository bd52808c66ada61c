"""Progress: a bar for a long cell, and an interruption (the stop button) that keeps what was learned so far."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from squidlib.baselines.fitting import Ticks


@contextmanager
def interruptible(what: str) -> Iterator[Ticks]:
    """Give a function that counts steps and shows a bar; the stop button ends the block and no more.

        with interruptible("auto-encoder") as ticks:
            for step in ticks(300):
                ...

    After an interruption the cells below go on with whatever the block had reached.
    """
    from tqdm.auto import tqdm

    reached = [0, 0]

    def ticks(count: int) -> Iterator[int]:
        reached[:] = 0, count
        with tqdm(total=count, desc=what, unit="step") as bar:
            for step in range(count):
                yield step
                reached[0] = step + 1
                bar.update()

    try:
        yield ticks
    except KeyboardInterrupt:
        print(f"{what}: stopped after step {reached[0]} of {reached[1]}; what was learned so far is kept")
