"""The benchmark on a cluster of processes: a worker that is killed costs nothing, and the table is the same."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from squidlib.benchmark import harness, remote
from squidlib.benchmark.harness import run_jobs, settings_of
from squidlib.benchmark.job import Job
from squidlib.benchmark.registry import NAIVE, Entry
from squidlib.benchmark.remote import Remote, check_same_images, store_found
from squidlib.benchmark.store import JobResult, Store
from squidlib.training.presets import PRESETS
from squidlib.utils.cluster import Cluster, connected
from tests.benchmark_toys import TOYS, Marking, ToySource
from tests.helpers import refusal
from tests.local_cluster import local_cluster

SETTINGS = settings_of("digitanatomy", ToySource().test_set(), 0.002, "cpu")


PRESET = PRESETS["laptop"]["digitanatomy"]


def run(folder: Path, methods: dict[str, Entry], cluster: Cluster | None, say: Callable[[str], None]) -> Store:
    """With two seeds."""
    store = Store(folder)
    store.open(SETTINGS)
    run_jobs(store, ToySource(), PRESET, methods, 2, 0.002, "cpu", say, cluster)
    return store


def kill_the_first_that_begins(marks: Path, killed: list[int]) -> None:
    """The worker, by SIGKILL, while its job is under way."""
    end = time.monotonic() + 120
    while not (begun := list(marks.glob("*.begun"))):
        assert time.monotonic() < end, "no job began"
        time.sleep(0.02)
    job, worker = map(int, begun[0].read_text().split())
    os.kill(worker, signal.SIGKILL)
    killed += [job, worker]


def seeds_of(marks: Path, ending: str) -> list[str]:
    return sorted(path.name.split("-")[0] for path in marks.glob(f"*.{ending}"))


def test_a_killed_worker_costs_nothing_and_the_table_is_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    marks, said, again, killed = tmp_path / "marks", list[str](), list[str](), list[int]()
    marks.mkdir()
    methods = {"marked": Entry(Marking(marks), NAIVE)}
    with local_cluster(tmp_path / "cluster", workers=2) as workers, connected(workers.address, said.append) as cluster:
        killer = threading.Thread(target=kill_the_first_that_begins, args=(marks, killed))
        killer.start()
        there = run(tmp_path / "there", methods, cluster, said.append)
        killer.join()
        assert killed[1] in [worker.pid for worker in workers.workers]
        assert not psutil.pid_exists(killed[0]), "nobody works on the job of a worker that is gone"
        assert len(seeds_of(marks, "begun")) == 3, "the killed job was begun twice, the other one once"
        assert seeds_of(marks, "ended") == ["0", "1"]
        run(tmp_path / "there", methods, cluster, again.append)
    assert again == ["2 jobs, 2 of them done before; 0.12 s of fitting each"]
    assert len(seeds_of(marks, "begun")) == 3
    assert "2 jobs for 2 workers; the images there are the same as here" in said
    assert any("a worker died or left" in line and "another one does marked, seed" in line for line in said)
    assert [line[:11] for line in said if "/2 " in line] == ["1/2 marked,", "2/2 marked,"]
    here(monkeypatch)
    local = run(tmp_path / "here", methods, None, said.append)
    for found, wanted in zip(there.results(), local.results(), strict=True):
        assert (found.method, found.seed, found.failure) == (wanted.method, wanted.seed, None)
        assert judged(found) == judged(wanted)
        key = found.method, found.seed
        for ours, theirs in ((there.tensors(*key), local.tensors(*key)), (there.shown(*key), local.shown(*key))):
            assert ours.keys() == theirs.keys()
            assert all(ours[name].equal(theirs[name]) for name in theirs)


def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs of this machine in this process, which is quicker."""
    monkeypatch.setattr(harness, "run_apart", lambda work, job, log, limit: work(job))


def judged(result: JobResult) -> dict[str, Any]:
    """The figures that do not depend on the machine or the moment."""
    figures = result.figures or {}
    return {name: figures[name] for name in ("auc", "calibrated", "oracle", "pixel_auc", "name", "parameters")}


def test_a_job_that_fails_there_is_stored_with_its_traceback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(work: Any, job: Job, log: Path, limit: float) -> str:
        log.parent.mkdir(parents=True)
        log.write_text("Traceback: in fit")
        return "RuntimeError: broken"

    monkeypatch.setattr(remote, "run_apart", failing)
    store = Store(tmp_path)
    store.open(SETTINGS)
    job = Job("failing", 0, TOYS["failing"], PRESET, ToySource(), 0.12, "cpu", tmp_path)
    store_found(store, Remote(job, SETTINGS, 60.0)())
    (result,) = store.results()
    assert (result.figures, result.failure) == (None, "RuntimeError: broken")
    assert store.log("failing", 0).read_text() == "Traceback: in fit"


def test_other_images_on_a_worker_are_refused() -> None:
    check_same_images(ToySource(), SETTINGS["test_sha256"])
    assert "copy the data again" in refusal(lambda: check_same_images(ToySource(), "0" * 64))
