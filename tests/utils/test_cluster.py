"""A cluster's workers are looked at before the first job; what is wrong is one line."""

from __future__ import annotations

import importlib.util
import multiprocessing
import os
import signal
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest

from squidlib.utils import cluster
from squidlib.utils.cluster import Done, check_versions, connected
from squidlib.utils.cluster_worker import check_worker, versions
from tests.helpers import refusal, squid
from tests.local_cluster import local_cluster


def join(address: str | None) -> None:
    with connected(address, print):
        pass


def test_without_the_package_a_line_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    join(None)  # nobody needs it then
    monkeypatch.setattr(cluster, "find_spec", lambda name: None)
    assert "pip install 'squidlib[cluster]'" in refusal(lambda: join("tcp://127.0.0.1:8786"))
    assert importlib.util.find_spec("distributed") is not None


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "nonsense", "http://127.0.0.1:1"])
def test_where_nobody_answers_a_line_says_how_to_start_one(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "ANSWER_SECONDS", 0.5)
    said = refusal(lambda: join(address))
    assert "dask scheduler" in said
    assert "--nthreads 1" in said


def test_the_command_says_it_in_one_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "ANSWER_SECONDS", 0.5)
    said = squid(capsys, "benchmark", "digitanatomy", "--out", tmp_path / "out", "--scheduler", "tcp://127.0.0.1:1")
    assert (said.code, len(said.errors)) == (2, 1)
    assert not (tmp_path / "out").exists()


def worker(threads: int) -> SimpleNamespace:
    scheduler = SimpleNamespace(address="tcp://s:1")
    return SimpleNamespace(address="tcp://w:1", scheduler=scheduler, state=SimpleNamespace(nthreads=threads))


def test_a_worker_does_one_job_at_a_time_and_may_start_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    check_worker(worker(1))
    assert "takes 4 jobs at once" in refusal(lambda: check_worker(worker(4)))
    monkeypatch.setattr(multiprocessing, "current_process", lambda: SimpleNamespace(daemon=True))
    said = refusal(lambda: check_worker(worker(1)))
    assert "DASK_DISTRIBUTED__WORKER__DAEMON=False dask worker tcp://s:1 --nthreads 1" in said


def test_jobs_end_once_each_whatever_they_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES", "0")  # of the scheduler that is started here
    with local_cluster(tmp_path, workers=1) as started, connected(started.address, print) as joined:
        assert joined is not None
        assert joined.ask(versions) == versions()
        jobs = {"good": partial(pow, 2, 5), "bad": partial(int, "x")}
        assert list(joined.results(jobs)) == [
            Done("good", 32, None, 1),
            Done("bad", None, "ValueError: invalid literal for int() with base 10: 'x'", 1),
        ]
        (ended,) = joined.results({"deadly": partial(os.kill, started.workers[0].pid, signal.SIGKILL)})
        assert ended.failure == "every worker that began it died (1 of them; out of memory, perhaps)"


def test_another_version_on_the_workers_is_named_with_both() -> None:
    check_versions(versions())
    said = refusal(lambda: check_versions(versions() | {"torch": "1.0"}))
    assert "torch 1.0 there" in said
    assert "squidlib" not in said
