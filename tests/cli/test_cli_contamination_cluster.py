"""``squid contamination --scheduler``: jobs travel without an image, and the figures are those of one machine."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from squidlib.teaching.studies import chest_contamination as study
from squidlib.teaching.studies.chest_contamination_jobs import _opened
from squidlib.teaching.studies.results import read_runs
from squidlib.training.presets import PRESETS
from squidlib.utils import cluster
from squidlib.utils.cluster import Cluster, Done
from tests.chest_folders import zhanglab_folder
from tests.helpers import squid

Capture = pytest.CaptureFixture[str]


class Elsewhere(Cluster):
    """A cluster of one: what it is given arrives pickled, and the last job first."""

    def __init__(self) -> None:
        super().__init__(None, print)

    @property
    def workers(self) -> int:
        return 1

    def ask(self, question: Callable[[], Any]) -> Any:
        return pickle.loads(pickle.dumps(question))()

    def results(self, jobs: Mapping[str, Callable[[], Any]]) -> Iterator[Done]:
        for key, job in reversed(jobs.items()):
            sent = pickle.dumps(job)
            assert len(sent) < 10_000, "an image travels with the job"
            yield Done(key, pickle.loads(sent)(), None, 1)


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Elsewhere:
    preset = PRESETS["laptop"]["zhanglab"]
    config, training = replace(preset.config, image_size=64, grid=2), replace(preset.training, batch_size=4)
    monkeypatch.setitem(PRESETS["laptop"], "zhanglab", preset._replace(config=config, training=training))
    monkeypatch.setattr(study, "AUGMENTED", 16)
    found = Elsewhere()

    @contextmanager
    def connected(address: str | None, say: Callable[[str], None]) -> Iterator[Elsewhere | None]:
        yield found if address else None

    monkeypatch.setattr(cluster, "connected", connected)
    _opened.cache_clear()
    return found


def options(folder: Path, out: Path, *more: object) -> list[object]:
    short = ["--shares", "100,50", "--seeds", 1, "--steps", 2, "--baseline-steps", 1]
    return ["contamination", "zhanglab", "--data", folder, "--out", out, *short, *more]


def figures(out: Path) -> dict[str, Any]:
    """All figures but the times."""
    runs = read_runs(out / "results.json", "").runs
    return {key: {name: value for name, value in run.items() if name != "seconds"} for key, run in runs.items()}


def test_the_figures_are_those_of_one_machine(capsys: Capture, elsewhere: Elsewhere, tmp_path: Path) -> None:
    folder = zhanglab_folder(tmp_path / "data")
    assert squid(capsys, *options(folder, tmp_path / "here")).code == 0
    said = squid(capsys, *options(folder, tmp_path / "there", "--scheduler", "tcp://s:1"))
    assert said.code == 0, said.errors
    assert "1 worker; the images there are the same as here" in said.out
    assert len(figures(tmp_path / "there")) == 12
    assert figures(tmp_path / "there") == figures(tmp_path / "here")
    assert (tmp_path / "there/table.csv").read_text() == (tmp_path / "here/table.csv").read_text()


def test_a_worker_with_other_images_is_refused_before_the_first_training(
    capsys: Capture, elsewhere: Elsewhere, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = zhanglab_folder(tmp_path / "data")
    given = Elsewhere.ask

    def ask(self: Elsewhere, question: Callable[[], Any]) -> Any:
        pneumonia = sorted((folder / "train/PNEUMONIA").iterdir())
        pneumonia[0].unlink()  # as if the worker's copy of the data lacked an image
        return given(self, question)

    monkeypatch.setattr(Elsewhere, "ask", ask)
    monkeypatch.setattr("squidlib.cli.contamination.device_of_workers", lambda device, cluster: "cpu")
    said = squid(capsys, *options(folder, tmp_path / "out", "--scheduler", "tcp://s:1"))
    assert said.code == 2
    assert "abnormal images: " in said.errors[-1]
    assert "then" in said.errors[-1]
    assert not (tmp_path / "out").exists()


def test_minutes_are_not_measured_here_for_others(capsys: Capture, tmp_path: Path) -> None:
    arguments = ["contamination", "zhanglab", "--data", tmp_path, "--out", tmp_path / "out", "--minutes", 1]
    said = squid(capsys, *arguments, "--scheduler", "tcp://s:1")
    assert (said.code, len(said.errors)) == (2, 1)
    assert "give --steps" in said.errors[0]
