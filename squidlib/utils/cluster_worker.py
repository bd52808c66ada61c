"""What a cluster's worker does with a job or a question, and what it has to be able to do (see ``cluster``)."""

from __future__ import annotations

import asyncio
import hashlib
import multiprocessing
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from squidlib.utils.errors import UserError

T = TypeVar("T")

START = "DASK_DISTRIBUTED__WORKER__DAEMON=False dask worker {address} --nthreads 1"


def versions() -> dict[str, str]:
    """Of what a result depends on; of squidlib, a hash of its source files."""
    import platform
    from importlib.metadata import version

    digest, package = hashlib.sha256(), Path(__file__).parents[1]
    for path in sorted(package.rglob("*.py")):
        digest.update(path.read_bytes())
    python = platform.python_version().rpartition(".")[0]
    return {"squidlib": digest.hexdigest()[:12], "torch": version("torch").partition("+")[0], "Python": python}


def check_worker(worker: Any) -> None:
    """Whether a worker, of which this process is one, does one job at a time and may start a process for it.

    Raises:
        UserError: where it does not.
    """
    again = f"start it with: {START.format(address=worker.scheduler.address)}"
    if worker.state.nthreads != 1:
        raise UserError(f"{worker.address} takes {worker.state.nthreads} jobs at once, one expected; {again}")
    if multiprocessing.current_process().daemon:
        raise UserError(f"{worker.address} may not start a process for a job; {again}")


def check_asked(dask_worker: Any) -> None:
    """``check_worker`` as a question: Dask gives its worker to an argument of this name."""
    check_worker(dask_worker)


async def aside(question: Callable[[], T]) -> T:
    """In a thread, so that the worker goes on answering its scheduler meanwhile."""
    return await asyncio.to_thread(question)


def on_worker(job: Callable[[], T]) -> T:
    """Do a job."""
    from distributed import get_worker

    check_worker(get_worker())  # it may have joined after the others were asked
    return job()
