"""A scheduler and workers as processes of this machine, as one starts them by hand on several."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[1]
SECONDS = 40.0  #: that a process has to say where it listens


class LocalCluster:
    """``address`` of the scheduler; ``workers`` are processes without a nanny, so that one killed stays dead."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.workers = folder, list[subprocess.Popen[bytes]]()
        self.scheduler = self._start("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard")
        self.address = self._said("scheduler", r"Scheduler at: +(tcp://\S+)")

    def add_worker(self, *options: str) -> subprocess.Popen[bytes]:
        """One more, ready to work."""
        name = f"worker{len(self.workers)}"
        given = (self.address, "--nthreads", "1", "--no-nanny", "--no-dashboard", "--host", "127.0.0.1", *options)
        process = self._start("worker", *given, name=name)
        self.workers.append(process)
        self._said(name, r"(Registered to: +\S+)")
        return process

    def _start(self, program: str, *options: str, name: str = "scheduler") -> subprocess.Popen[bytes]:
        environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
        command = [sys.executable, "-P", "-m", f"distributed.cli.dask_{program}", *options]
        with (self.folder / f"{name}.log").open("wb") as log:
            return subprocess.Popen(command, cwd=self.folder, env=environment, stdout=log, stderr=log)

    def _said(self, name: str, pattern: str) -> str:
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            found = re.search(pattern, (self.folder / f"{name}.log").read_text())
            if found:
                return found[1]
            time.sleep(0.05)
        raise AssertionError((self.folder / f"{name}.log").read_text())

    def stop(self) -> None:
        """End every process."""
        for process in (*self.workers, self.scheduler):
            process.kill()
            process.wait()


@contextmanager
def local_cluster(folder: Path, workers: int) -> Iterator[LocalCluster]:
    """Ends with the block, whatever happened in it."""
    folder.mkdir(parents=True, exist_ok=True)
    cluster = LocalCluster(folder)
    try:
        for _ in range(workers):
            cluster.add_worker()
        yield cluster
    finally:
        cluster.stop()
