"""Harness: every method with every seed, each in its own process; goes on past failures and from where it stopped."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from squidlib.benchmark.job import Job, work
from squidlib.benchmark.registry import Entry
from squidlib.benchmark.source import Source
from squidlib.benchmark.store import JobResult, Store
from squidlib.benchmark.subprocess import run_apart
from squidlib.data.base import TestSet
from squidlib.training.presets import Preset

OVERHEAD = 40.0  #: seconds besides the budget that a job is expected to take before one was measured
LONGEST_OVERHEAD = 1800.0  #: seconds besides eight times the budget, after which a job counts as hung and is ended


def settings_of(dataset: str, test_set: TestSet, minutes_each: float, device: str) -> dict[str, Any]:
    """What all jobs in one folder share; the test images by a hash, so that it does not matter where they lie."""
    counts = {kind: test_set.anomaly_types.count(kind) for kind in dict.fromkeys(test_set.anomaly_types)}
    digest = hashlib.sha256(test_set.images.numpy().tobytes()).hexdigest()
    return {
        "data": dataset, "test_images": counts, "test_sha256": digest, "minutes_each": minutes_each, "device": device,
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
) -> None:
    """Do what is not done yet, all methods with one seed before the next seed; failed jobs are tried again.

    Raises:
        KeyboardInterrupt: at Ctrl-C; finished jobs are kept.
    """
    taken: dict[str, list[float]] = {}  # seconds of finished jobs by method
    done = set()
    for result in store.results():
        if result.figures is not None:
            done.add((result.method, result.seed))
            taken.setdefault(result.method, []).append(result.seconds)
    jobs = [(name, seed) for seed in range(seeds) for name in methods]
    waiting = [job for job in jobs if job not in done]
    say(f"{len(jobs)} jobs, {len(jobs) - len(waiting)} of them done before; {60 * minutes_each:g} s of fitting each")
    for place, (name, seed) in enumerate(waiting):
        left = sum(expected(each, taken, 60 * minutes_each) for each, _ in waiting[place:])
        end = datetime.now() + timedelta(seconds=left)
        number = len(jobs) - len(waiting) + place + 1
        say(f"{number}/{len(jobs)} {name}, seed {seed} (all done at about {end:%H:%M}, in {left / 60:.0f} min)")
        job = Job(name, seed, methods[name], preset, source, 60 * minutes_each, device, store.folder)
        begun = time.perf_counter()
        failure = run_apart(work, job, store.log(name, seed), 8 * job.budget + LONGEST_OVERHEAD)
        seconds = time.perf_counter() - begun
        if failure is not None:
            store.write_result(JobResult(name, seed, None, failure, seconds))
            say(f"    failed: {failure}")
        else:
            result = next(found for found in store.results() if (found.method, found.seed) == (name, seed))
            say(f"    {_told(result)}")
        taken.setdefault(name, []).append(seconds)


def expected(name: str, taken: Mapping[str, list[float]], budget: float) -> float:
    """Seconds that a job will take: as many as this method took before, else the budget and an overhead."""
    own = taken.get(name)
    return sum(own) / len(own) if own else budget + OVERHEAD


def _told(result: JobResult) -> str:
    figures = result.figures or {}
    steps = f"{figures['steps']} steps, " if figures["steps"] else ""
    fitted = f"{steps}fitted in {figures['fit_seconds']:.0f} s"
    return f"AUC {figures['auc']['mean']:.3f}, {fitted}, {result.seconds:.0f} s in all"
