"""Jobs of a study: here, one after the other, or on the workers of a cluster, several at a time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, NamedTuple

import torch

from squidlib.utils.cluster import Cluster
from squidlib.utils.errors import UserError

Figures = dict[str, Any]


class Finished(NamedTuple):
    """A job's key, its figures with the "seconds" that it took, and how many jobs are done at a time."""

    key: str
    figures: Figures
    at_a_time: int


def finished(jobs: Mapping[str, Callable[[], Figures]], cluster: Cluster | None = None) -> Iterator[Finished]:
    """Do the jobs and give each one's figures as soon as it is done.

    Args:
        jobs: by key; for a cluster, functions that can be pickled and read what they need on the worker.
        cluster: None does them here, in their order; else they come in any order.

    Raises:
        UserError: at the end, where a job has failed on the cluster; those that have not were given before.
    """
    if cluster is None:
        for key, job in jobs.items():
            yield Finished(key, _timed(job), 1)
        return
    threads = torch.get_num_threads()
    failures = []
    for done in cluster.results({key: partial(_timed, job, threads) for key, job in jobs.items()}):
        if done.failure is not None:
            failures.append(f"{done.key}: {done.failure}")
        else:
            yield Finished(done.key, done.result, max(1, done.workers))
    if failures:
        raise UserError(f"{len(failures)} of {len(jobs)} jobs failed, the others are stored; {'; '.join(failures)}")


def _timed(job: Callable[[], Figures], threads: int | None = None) -> Figures:
    """``threads``: as many as the machine has that asks, since rounding depends on them; None leaves them."""
    if threads is not None:
        torch.set_num_threads(threads)
    begun = time.perf_counter()
    return job() | {"seconds": round(time.perf_counter() - begun, 1)}
