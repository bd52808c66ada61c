"""Prefetch: batches that threads make ahead of the step, so that a GPU waits less for its data.

A batch is a function of its step alone, so the images are the same whatever the number of threads. On a CPU the step
itself keeps the cores busy: there, no thread is started, and a batch is made when it is asked for.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice

import torch
from torch import Tensor

GPU_THREADS = 2  #: that make batches for a GPU
NAME = "squid-batch"  #: of these threads


def batch_threads(device: torch.device) -> int:
    """How many threads make batches for a device: none for a CPU."""
    return GPU_THREADS if device.type == "cuda" else 0


def batches(make: Callable[[int], Tensor], steps: range, threads: int) -> Generator[Tensor, None, None]:
    """``make(step)`` of every step, in order; at most ``threads`` + 1 are made ahead.

    Close it, as ``contextlib.closing`` does, where not all steps are taken: its threads end then, too.

    Args:
        make: depends on the step alone. What it raises is raised here, at its step.
        threads: 0 makes each batch in this thread when it is asked for.

    Yields:
        Tensors in memory that a GPU can copy from while it computes (pinned), where there is CUDA and ``threads``.
    """
    if not threads:
        yield from map(make, steps)
        return
    pool, left = ThreadPoolExecutor(threads, NAME), iter(steps)
    try:
        waiting = deque[Future[Tensor]](pool.submit(_pinned, make, step) for step in islice(left, threads + 1))
        while waiting:
            found = waiting.popleft().result()
            waiting.extend(pool.submit(_pinned, make, step) for step in islice(left, 1))
            yield found
    finally:
        pool.shutdown(cancel_futures=True)


def _pinned(make: Callable[[int], Tensor], step: int) -> Tensor:
    images = make(step)
    return images.pin_memory() if torch.cuda.is_available() else images
