"""Studies on a cluster: the file is that of one machine; Ctrl-C keeps what came back; failures are told at the end."""

from __future__ import annotations

import json
import signal
import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from squidlib.teaching.studies.results import Progress, read_runs, run_all
from squidlib.utils.cluster import connected
from tests.helpers import refusal
from tests.local_cluster import local_cluster


def figures(marks: Path, number: int) -> dict[str, Any]:
    """A job that leaves a file, fails for -1, and takes some time for 3, so that the order of the ends is another."""
    (marks / f"{number}-{time.monotonic_ns()}").touch()
    time.sleep(0.5 if number == 3 else 0.01)
    if number < 0:
        raise RuntimeError("no such number")
    return {"mean": number / 10}


def jobs(marks: Path, *numbers: int) -> dict[str, Any]:
    marks.mkdir(exist_ok=True)
    return {f"a {number}/0": partial(figures, marks, number) for number in numbers}


def runs(path: Path) -> dict[str, float]:
    return {key: found["mean"] for key, found in read_runs(path, "").runs.items()}


def test_the_file_is_that_of_one_machine_whatever_happens_on_the_way(tmp_path: Path) -> None:
    marks, there, here, said = tmp_path / "marks", tmp_path / "there.json", tmp_path / "here.json", list[str]()

    def interrupting(progress: Progress) -> None:
        if progress.done == 1:
            signal.raise_signal(signal.SIGINT)

    with local_cluster(tmp_path / "cluster", workers=2) as workers:
        with connected(workers.address, said.append) as cluster:
            with pytest.raises(KeyboardInterrupt):
                run_all("trial", {}, jobs(marks, 3, 1, 2), there, interrupting, cluster)
            (first,) = runs(there)
        with connected(workers.address, said.append) as cluster:
            told = list[Progress]()
            broken = jobs(marks, 3, 1, -1, 2)
            failed = refusal(lambda: run_all("trial", {}, broken, there, told.append, cluster))
            assert failed.startswith("1 of 3 jobs failed, the others are stored; a -1/0: RuntimeError: no such number")
            assert len(told) == 2, "what was stored before Ctrl-C is not done again"
            assert first not in [progress.key for progress in told]
            found = run_all("trial", {}, jobs(marks, 3, 1, 2), there, told.append, cluster)
            assert len(told) == 2
    run_all("trial", {}, jobs(tmp_path / "other", 3, 1, 2), here, told.append)
    assert runs(there) == runs(here) == {"a 3/0": 0.3, "a 1/0": 0.1, "a 2/0": 0.2}
    assert list(json.loads(there.read_text())["runs"]) == list(found) == ["a 3/0", "a 1/0", "a 2/0"]
