"""One job: labels stay away from methods; figures are those of the metrics; a strange end is told in a line."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from squidlib.benchmark import source as source_module
from squidlib.benchmark import subprocess as apart
from squidlib.benchmark.evaluate import judge
from squidlib.benchmark.job import Job, ask, work
from squidlib.benchmark.registry import Entry
from squidlib.benchmark.source import NamedSource
from squidlib.benchmark.store import Store
from squidlib.benchmark.subprocess import run_apart
from squidlib.data.base import TestSet
from squidlib.detection.metrics import auc, decide, pixel_auc
from squidlib.training.presets import PRESETS, Preset
from tests.benchmark_toys import KINDS, TOYS, Blind, Brightness, Stepwise, ToySource, deaf, ending
from tests.chest_folders import zhanglab_folder


def job(name: str, folder: Path, seed: int = 0) -> Job:
    return Job(name, seed, TOYS[name], PRESETS["laptop"]["digitanatomy"], ToySource(), 0.2, "cpu", folder)


def test_a_method_sees_images_and_never_a_label_a_kind_or_a_mask(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order, methods = [], []

    class Watched(ToySource):
        def test_set(self) -> TestSet:
            order.append("test set")
            return super().test_set()

    class Watching(Brightness):
        def score(self, images: torch.Tensor) -> torch.Tensor:
            order.append("score")
            return super().score(images)

    def build(preset: Preset) -> Brightness:
        methods.append(Watching())
        return methods[-1]

    watched = Job("brightness", 0, Entry(build), PRESETS["laptop"]["digitanatomy"], Watched(), 1.0, "cpu", tmp_path)
    work(watched)
    assert order == ["score", "score", "test set"]  # every answer is given before the first label is loaded
    for method in methods:
        for called, given in method.calls:
            for thing in given:
                assert thing is None or isinstance(thing, int | torch.Tensor), called
                if isinstance(thing, torch.Tensor):
                    assert thing.is_floating_point()
                    assert thing.shape[1:] == (1, 24, 24)
                    shown = [
                        any(torch.equal(image, question) for question in ToySource().test_set().images)
                        for image in thing
                    ]
                    assert called == "score" or not any(shown), "a test image was learned from"


def test_a_stepwise_method_trains_on_varied_images_for_the_planned_steps() -> None:
    method, fit_data = Stepwise(), ToySource().fit_data(3)
    answers = ask(method, Stepwise(), fit_data, 3, 0.2)
    assert answers.plan is not None
    assert method.done == answers.plan.steps == method.steps
    called, (normals, seed, augmented) = method.calls[0]
    assert (called, seed) == ("fit", 3)
    assert torch.equal(normals, fit_data.normals)  # type: ignore[arg-type]
    assert torch.equal(augmented, fit_data.augmented)  # type: ignore[arg-type]
    assert [name for name, _ in method.calls] == ["fit", "calibrate", "score", "score"]
    assert 0.001 * method.done <= answers.fit_seconds < 5.0


def test_scores_that_are_no_numbers_are_an_error() -> None:
    with pytest.raises(ValueError, match="12 finite scores expected"):
        ask(Blind(), Blind(), ToySource().fit_data(0), 0, 1.0)


def test_what_a_job_writes_is_what_the_metrics_say(tmp_path: Path) -> None:
    work(job("SQUID", tmp_path))
    (result,) = Store(tmp_path).results()
    test_set, kinds = ToySource().test_set(), np.array(KINDS)
    scores = test_set.images.mean(dim=(1, 2, 3))
    assert result.figures is not None
    assert torch.allclose(Store(tmp_path).scores("SQUID", 0), scores)
    for kind in ("novel", "missing"):
        own = (kinds == kind) | (kinds == "normal")
        assert result.figures["auc"][kind] == pytest.approx(auc((kinds == kind)[own].astype(int), scores[own]))
        expected = pixel_auc(test_set.masks[kinds == kind], test_set.images[kinds == kind])  # type: ignore[index]
        assert result.figures["pixel_auc"][kind] == pytest.approx(expected)
    calibration = ToySource().fit_data(0).calibration.mean(dim=(1, 2, 3))
    threshold = float(np.quantile(calibration.double(), 0.95))
    assert result.figures["calibrated"] == pytest.approx(decide(test_set.labels, scores, threshold)._asdict(), rel=1e-5)
    assert result.figures["oracle"]["accuracy"] >= result.figures["calibrated"]["accuracy"]
    assert result.figures["parameters"] == 8
    shown = Store(tmp_path).shown("SQUID", 0)
    assert torch.equal(shown["reconstructions"], 1 - test_set.images[[0, 8, 14]])
    assert torch.equal(shown["maps"], test_set.images[[0, 8, 14]])


def test_without_masks_there_is_no_pixel_auc() -> None:
    test_set = ToySource().test_set()
    blind = TestSet(test_set.images, test_set.anomaly_types)
    scores = test_set.images.mean(dim=(1, 2, 3))
    assert judge(blind, scores, scores[:5], test_set.images)["pixel_auc"] is None


def test_a_process_that_is_gone_without_a_word_is_told(tmp_path: Path) -> None:
    assert run_apart(ending, 7, tmp_path / "log") == "its process ended with code 7"


def test_a_process_that_hangs_is_ended_and_told(tmp_path: Path) -> None:
    assert run_apart(time.sleep, 300, tmp_path / "log", limit=0.5) == "not done within 0.5 s, so it was ended"
    assert multiprocessing.active_children() == []


def test_a_process_that_does_not_listen_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apart, "PATIENCE", 0.2)
    context = multiprocessing.get_context("spawn")
    ready = context.Event()
    process = context.Process(target=deaf, args=(ready,), daemon=True)
    process.start()
    assert ready.wait(120)
    apart._end(process)
    assert process.exitcode == -signal.SIGKILL


def test_a_termination_signal_ends_the_work_apart_too(tmp_path: Path) -> None:
    kept = signal.signal(signal.SIGTERM, lambda number, frame: None)
    try:
        threading.Timer(1.0, os.kill, (os.getpid(), signal.SIGTERM)).start()
        with pytest.raises(KeyboardInterrupt):
            run_apart(time.sleep, 20, tmp_path / "log")
        assert multiprocessing.active_children() == []
    finally:
        signal.signal(signal.SIGTERM, kept)


def test_both_data_sets_come_from_one_loader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_module, "AUGMENTED_BATCH", 5)
    folder = zhanglab_folder(tmp_path / "chest")
    metadata = {"data": "zhanglab", "folder": str(folder), "image_size": 16, "cache": str(tmp_path / "cache")}
    source = NamedSource(metadata)
    fit_data, test_set = source.fit_data(0), source.test_set()
    count = len(fit_data.normals)
    assert 4 * count <= len(fit_data.augmented) < 4 * count + 5
    assert torch.equal(fit_data.test_images, test_set.images)
    assert len(source.fit_data(0, augmented=False).augmented) == 0
    assert not torch.equal(source.fit_data(1).augmented, fit_data.augmented)
    pictured = [test_set.anomaly_types[index] for index in test_set.pictured]
    assert pictured == ["normal", "abnormal", "abnormal", "abnormal"]
    assert [sample.kind for sample in test_set.samples()] == ["normal", "abnormal 1", "abnormal 2", "abnormal 3"]
    assert test_set.pictured == [test_set.anomaly_types.index("normal"), *np.flatnonzero(test_set.labels.numpy())[:3]]
