"""Remote: one job on a worker of a cluster, which shares no folder with the client; files come back as tensors.

It is the job of ``job.work`` in a process of its own, as on one machine, in a temporary folder of the worker's.
"""

from __future__ import annotations

import hashlib
import socket
import time
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from torch import Tensor

from squidlib.benchmark.job import Job, work
from squidlib.benchmark.source import Source
from squidlib.benchmark.store import JobResult, Store
from squidlib.benchmark.subprocess import run_apart
from squidlib.data.base import TestSet
from squidlib.utils.errors import UserError
from squidlib.utils.safetensors_io import write_atomically


class Found(NamedTuple):
    """What a job sends back: ``tensors`` and ``shown`` as ``Store.write`` takes them, ``log`` the traceback or ''."""

    result: JobResult
    tensors: dict[str, Tensor]
    shown: dict[str, Tensor]
    log: str


@dataclass(frozen=True)
class Remote:
    """``job`` on a worker; the settings are those of the client's store, ``limit`` is in seconds."""

    job: Job
    settings: dict[str, Any]
    limit: float

    def __call__(self) -> Found:
        """Do it and read what was written.

        Raises:
            UserError: where the worker has other test images than the client.
        """
        check_same_images(self.job.source, self.settings["test_sha256"])
        job, begun = self.job, time.perf_counter()
        with TemporaryDirectory(prefix="squid-job-") as folder:
            store = Store(Path(folder))
            store.open(self.settings)
            log = store.log(job.name, job.seed)
            failure = run_apart(work, replace(job, folder=store.folder), log, self.limit)
            if failure is not None:
                text = log.read_text(encoding="utf-8") if log.is_file() else ""
                return Found(JobResult(job.name, job.seed, None, failure, time.perf_counter() - begun), {}, {}, text)
            (result,) = store.results()
            return Found(result, store.tensors(job.name, job.seed), store.shown(job.name, job.seed), "")


def store_found(store: Store, found: Found) -> None:
    """Keep what came back, as a job on this machine would have kept it."""
    log = store.log(found.result.method, found.result.seed)
    if found.result.failure is None:
        log.unlink(missing_ok=True)
        store.write(found.result, found.tensors, found.shown)
        return
    write_atomically(log, found.log.encode())
    store.write_result(found.result)


def hash_of(test_set: TestSet) -> str:
    """SHA-256 of the test images, so that it does not matter where they lie."""
    return hashlib.sha256(test_set.images.numpy().tobytes()).hexdigest()


def check_same_images(source: Source, wanted: str) -> None:
    """Whether this machine reads the client's test images.

    Raises:
        UserError: where it does not, or cannot read the data at all.
    """
    if hash_of(source.test_set()) != wanted:
        raise UserError(
            f"the test images on {socket.gethostname()} are others than on the machine that asks; copy the data again"
        )
