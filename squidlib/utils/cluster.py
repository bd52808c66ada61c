"""Cluster: independent jobs on other machines, by Dask's ``distributed`` (extra [cluster]); results come back here.

Dask hands out the jobs, notices a worker that dies and gives its job to another. What is here says in a line what
Dask would say in a traceback, and asks the workers, before the first job, whether they can do the work.

Jobs and results travel pickled: a cluster is for a network that you trust.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from importlib.util import find_spec
from typing import Any, NamedTuple, TypeVar
from uuid import uuid4

from squidlib.utils.cluster_worker import START, aside, check_asked, on_worker, versions
from squidlib.utils.errors import UserError

T = TypeVar("T")

ANSWER_SECONDS = 10.0  #: to reach the scheduler
INSTALL = "pip install 'squidlib[cluster]'"


class Done(NamedTuple):
    """The end of one job: its result, or in a line why there is none.

    Attributes:
        key: of the job.
        result: what the job returned; None where it failed.
        failure: None where it did not.
        workers: how many there are now.
    """

    key: str
    result: Any
    failure: str | None
    workers: int


class Cluster:
    """Workers that have been looked at; made by ``connected``."""

    def __init__(self, client: Any, say: Callable[[str], None]) -> None:
        self._client, self._say = client, say

    @property
    def workers(self) -> int:
        """How many there are now."""
        return len(self._client.scheduler_info(n_workers=-1)["workers"])

    def __str__(self) -> str:
        count = self.workers
        return f"{count} worker" if count == 1 else f"{count} workers"

    def ask(self, question: Callable[[], T]) -> T:
        """The one answer of all workers. Nothing is handed out for it; a worker that is at work answers, too.

        Raises:
            UserError: where a worker cannot answer, or two answer differently; names one of each.
        """
        first, *others = self._answers(aside, question).items()
        for worker, answer in others:
            if answer != first[1]:
                raise UserError(f"all workers alike expected; {first[0]} has {first[1]}, {worker} has {answer}")
        return first[1]

    def check_workers(self) -> None:
        """Whether every worker does one job at a time and has the versions of this machine.

        Raises:
            UserError: where one does not.
        """
        self._answers(check_asked)
        check_versions(self.ask(versions))

    def _answers(self, *question: Any) -> dict[str, Any]:
        try:
            answers: dict[str, Any] = self._client.run(*question)
        except Exception as error:
            raise UserError(f"a worker of the cluster cannot do the work: {_line(error)}") from error
        return answers

    def results(self, jobs: Mapping[str, Callable[[], Any]]) -> Iterator[Done]:
        """Hand out all jobs, the first ones first, and give the end of each as it comes, in any order, once.

        A job whose worker dies goes to another worker, three times at most (Dask's setting
        ``distributed.scheduler.allowed-failures``); then it has failed.

        Raises:
            UserError: where the scheduler is lost.
        """
        from distributed import as_completed

        run = f"squid-{uuid4().hex}"
        names = {f"{run}-{key}": key for key in jobs}
        self._client.subscribe_topic("all", partial(_tell_of_deaths, names, self._say))
        futures = [
            self._client.submit(on_worker, jobs[key], key=name, pure=False, priority=-place)
            for place, (name, key) in enumerate(names.items())
        ]
        try:
            for future in as_completed(futures, loop=self._client.loop):
                yield self._ended(future, names[future.key])
                future.release()
        finally:
            self._client.unsubscribe_topic("all")
            self._client.cancel(
                futures, force=True
            )  # what waits is dropped; what was begun ends, and nobody asks for it

    def _ended(self, future: Any, key: str) -> Done:
        if future.status == "finished":
            return Done(key, future.result(), None, self.workers)
        if future.status == "cancelled":  # Dask does that to all jobs of a client that has lost its scheduler
            raise UserError("the connection to the cluster's scheduler is lost; what came back is stored: start the "
                            "scheduler and its workers again, and give the same command")  # fmt: skip
        return Done(key, None, _line(future.exception()), self.workers)


@contextmanager
def connected(address: str | None, say: Callable[[str], None]) -> Iterator[Cluster | None]:
    """The cluster behind a scheduler's address, such as tcp://host:8786; None for no address.

    Waits until there is a worker, and looks at all that are there: the same versions as here, one job at a time.

    Args:
        say: takes a line where one waits, or a worker dies.

    Raises:
        UserError: where ``distributed`` is not installed, nobody answers, or a worker cannot do the work.
    """
    if address is None:
        yield None
        return
    if find_spec("distributed") is None:
        raise UserError(f"--scheduler needs the package distributed (extra [cluster]); install it: {INSTALL}")
    from distributed import Client

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of versions: ours names those that matter
            client = Client(address, timeout=ANSWER_SECONDS, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:
        raise UserError(
            f"--scheduler: no Dask scheduler answers at {address} within {ANSWER_SECONDS:g} s; start one with: dask "
            f"scheduler, and workers with: {START.format(address=address)}"
        ) from error
    try:
        cluster = Cluster(client, say)
        if not cluster.workers:
            say(f"no worker yet at {address}; waiting for one, started with: {START.format(address=address)}")
            client.wait_for_workers(1)
        cluster.check_workers()
        yield cluster
    finally:
        client.close()


def check_versions(theirs: dict[str, str]) -> None:
    """Whether the workers' ``versions`` are those of this machine.

    Raises:
        UserError: where they are not; names the ones that differ.
    """
    ours = versions()
    if theirs != ours:
        told = ", ".join(
            f"{name} {theirs[name]} there, {ours[name]} here" for name in ours if theirs[name] != ours[name]
        )
        raise UserError(f"workers with the versions of this machine expected: {told}; install the same on both")


def _tell_of_deaths(names: Mapping[str, str], say: Callable[[str], None], event: tuple[float, Any]) -> None:
    told = event[1]
    if isinstance(told, dict) and told.get("action") == "remove-worker":
        lost = [names[key] for key in told.get("processing-tasks", ()) if key in names]
        if lost:
            say(f"    a worker died or left ({told['worker']}); another one does {', '.join(sorted(lost))}")


def _line(error: BaseException) -> str:
    from distributed import KilledWorker

    if isinstance(error, KilledWorker):
        return f"every worker that began it died ({error.allowed_failures + 1} of them; out of memory, perhaps)"
    text = " ".join(str(error).split())
    return text if isinstance(error, UserError) else f"{type(error).__name__}: {text}"
