"""Harness: every method with every seed, each in its own process; goes on past failures and from where it stopped."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from squidlib.benchmark.job import Job, work
from squidlib.benchmark.registry import Entry
from squidlib.benchmark.remote import Remote, check_same_images, hash_of, store_found
from squidlib.benchmark.source import Source
from squidlib.benchmark.store import JobResult, Store
from squidlib.benchmark.subprocess import run_apart
from squidlib.data.base import TestSet
from squidlib.training.presets import Preset
from squidlib.utils.cluster import Cluster

OVERHEAD = 40.0  #: seconds besides the budget that a job is expected to take before one was measured
LONGEST_OVERHEAD = 1800.0  #: seconds besides eight times the budget, after which a job counts as hung and is ended


def settings_of(dataset: str, test_set: TestSet, minutes_each: float, device: str) -> dict[str, Any]:
    """What all jobs in one folder share; the test images by a hash, so that it does not matter where they lie."""
    counts = {kind: test_set.anomaly_types.count(kind) for kind in dict.fromkeys(test_set.anomaly_types)}
    return {
        "data": dataset, "test_images": counts, "test_sha256": hash_of(test_set), "minutes_each": minutes_each,
        "device": device,
    }  # fmt: skip


def run_jobs(
    store: Store,
    source: Source,
    preset: Preset,
    methods: Mapping[str, Entry],
    seeds: int,
    minutes_each: float,
    device: str,
    say: Callable[[str], None],
    cluster: Cluster | None = None,
) -> None:
    """Do what is not done yet, all methods with one seed before the next seed; failed jobs are tried again.

    Args:
        cluster: does the jobs on other machines, several at a time; None does them here, one after the other.

    Raises:
        UserError: where the workers of the cluster cannot read the same images.
        KeyboardInterrupt: at Ctrl-C; finished jobs are kept.
    """
    taken: dict[str, list[float]] = {}  # seconds of finished jobs by method
    done = set()
    for result in store.results():
        if result.figures is not None:
            done.add((result.method, result.seed))
            taken.setdefault(result.method, []).append(result.seconds)
    every = [(name, seed) for seed in range(seeds) for name in methods]
    waiting = [
        Job(name, seed, methods[name], preset, source, 60 * minutes_each, device, store.folder)
        for name, seed in every
        if (name, seed) not in done
    ]
    before = len(every) - len(waiting)
    say(f"{len(every)} jobs, {before} of them done before; {60 * minutes_each:g} s of fitting each")
    if cluster is None:
        _run_here(store, waiting, taken, before, say)
    elif waiting:
        _run_there(store, waiting, before, cluster, say)


def _run_here(
    store: Store, waiting: list[Job], taken: dict[str, list[float]], before: int, say: Callable[[str], None]
) -> None:
    """``taken``: seconds of finished jobs by method; ``before``: how many jobs were done before."""
    for place, job in enumerate(waiting):
        left = sum(expected(each.name, taken, job.budget) for each in waiting[place:])
        end, number = datetime.now() + timedelta(seconds=left), before + place + 1
        total, minutes = before + len(waiting), left / 60
        say(f"{number}/{total} {job.name}, seed {job.seed} (all done at about {end:%H:%M}, in {minutes:.0f} min)")
        begun = time.perf_counter()
        failure = run_apart(work, job, store.log(job.name, job.seed), longest(job))
        seconds = time.perf_counter() - begun
        if failure is not None:
            result = JobResult(job.name, job.seed, None, failure, seconds)
            store.write_result(result)
        else:
            result = next(found for found in store.results() if (found.method, found.seed) == (job.name, job.seed))
        say(f"    {_told(result)}")
        taken.setdefault(job.name, []).append(seconds)


def _run_there(store: Store, waiting: list[Job], before: int, cluster: Cluster, say: Callable[[str], None]) -> None:
    settings = store.settings()
    cluster.ask(partial(check_same_images, waiting[0].source, settings["test_sha256"]))
    say(f"{len(waiting)} jobs for {cluster}; the images there are the same as here")
    jobs = {f"{job.name}, seed {job.seed}": job for job in waiting}
    remote = {key: Remote(job, settings, longest(job)) for key, job in jobs.items()}
    for number, done in enumerate(cluster.results(remote), before + 1):
        if done.failure is not None:
            job = jobs[done.key]
            result = JobResult(job.name, job.seed, None, done.failure, 0.0)
            store.write_result(result)
        else:
            result = done.result.result
            store_found(store, done.result)
        say(f"{number}/{before + len(waiting)} {done.key}: {_told(result)}")


def longest(job: Job) -> float:
    """Seconds after which a job counts as hung and is ended."""
    return 8 * job.budget + LONGEST_OVERHEAD


def expected(name: str, taken: Mapping[str, list[float]], budget: float) -> float:
    """Seconds that a job will take: as many as this method took before, else the budget and an overhead."""
    own = taken.get(name)
    return sum(own) / len(own) if own else budget + OVERHEAD


def _told(result: JobResult) -> str:
    figures = result.figures
    if figures is None:
        return f"failed: {result.failure}"
    steps = f"{figures['steps']} steps, " if figures["steps"] else ""
    fitted = f"{steps}fitted in {figures['fit_seconds']:.0f} s"
    return f"AUC {figures['auc']['mean']:.3f}, {fitted}, {result.seconds:.0f} s in all"
