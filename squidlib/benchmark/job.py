"""Job: one method with one seed, from the data to its figures; runs in a process of its own.

The order is what keeps the comparison honest: a method is fitted, calibrated and asked before the labels are loaded.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from squidlib.baselines.base import Calibrates, Localises, Method, Reconstructs, in_batches
from squidlib.benchmark.cost import Plan, Trained, parameters_of, peak_cuda_memory, peak_memory, plan, seconds_now
from squidlib.benchmark.evaluate import judge
from squidlib.benchmark.registry import Entry
from squidlib.benchmark.source import FitData, Source
from squidlib.benchmark.store import JobResult, Store
from squidlib.data.base import TestSet
from squidlib.training.presets import Preset

BATCH = 256  #: images that are scored at once


@dataclass(frozen=True)
class Job:
    """What another process has to know; ``device`` is a torch device's name, ``budget`` in seconds of fitting."""

    name: str
    seed: int
    entry: Entry
    preset: Preset
    source: Source
    budget: float
    device: str
    folder: Path


class Answers(NamedTuple):
    """What a fitted method says: scores (T,) of the questions, (K,) of the calibration images; and what it cost."""

    scores: Tensor
    calibration: Tensor
    plan: Plan | None
    fit_seconds: float
    images_a_second: float


def work(job: Job) -> None:
    """Do a job and write what it found."""
    begun = time.perf_counter()
    trial, device = job.entry.build(job.preset), torch.device(job.device)
    fit_data = job.source.fit_data(job.seed, augmented=isinstance(trial, Trained))
    fit_data = FitData(*(images.to(device) for images in fit_data))
    method = job.entry.build(job.preset)
    answers = ask(method, trial, fit_data, job.seed, job.budget)
    memory = {"peak_memory_bytes": peak_memory(), "peak_cuda_bytes": peak_cuda_memory(device)}
    test_set = job.source.test_set()  # only now: no label before the last answer
    maps = _maps(method, test_set, device)
    figures = judge(test_set, answers.scores, answers.calibration, maps if test_set.masks is not None else None)
    figures |= _costs(method, answers) | memory | {"threads": torch.get_num_threads(), "device": device.type}
    shown: dict[str, Tensor] = {}
    if isinstance(method, Reconstructs):
        shown["reconstructions"] = method.reconstruct(test_set.images[test_set.pictured].to(device)).detach().cpu()
    if maps is not None:
        shown["maps"] = maps[test_set.pictured] if test_set.masks is not None else maps
    scores = {"scores": answers.scores, "calibration": answers.calibration}
    taken = round(time.perf_counter() - begun, 1)
    Store(job.folder).write(JobResult(job.name, job.seed, figures, None, taken), scores, shown)


def ask(method: Method, trial: Method, fit_data: FitData, seed: int, budget: float) -> Answers:
    """Plan with ``trial``, then fit, calibrate and question ``method``. No label is anywhere near.

    Raises:
        ValueError: where a score is NaN or infinite, or there is not one for each image.
    """
    augmented = fit_data.augmented if len(fit_data.augmented) else None
    planned = None if augmented is None else plan(trial, fit_data.normals, augmented, seed, budget)
    if planned is not None and isinstance(method, Trained):
        method.steps = planned.steps
    device = fit_data.normals.device
    _, fit_seconds = _timed(lambda: method.fit(fit_data.normals, seed, range, augmented), device)
    if isinstance(method, Calibrates):
        method.calibrate(fit_data.calibration)
    calibration = _scores(method, fit_data.calibration)  # also warms up what is measured next
    scores, seconds = _timed(lambda: _scores(method, fit_data.test_images), device)
    return Answers(scores, calibration, planned, fit_seconds, len(scores) / seconds)


def _scores(method: Method, images: Tensor) -> Tensor:
    found = in_batches(method.score, images, BATCH).detach().float().cpu()
    if found.shape != (len(images),) or not torch.isfinite(found).all():
        broken = int((~torch.isfinite(found)).sum())
        raise ValueError(f"{len(images)} finite scores expected, got shape {tuple(found.shape)}, {broken} not finite")
    return found


def _maps(method: Method, test_set: TestSet, device: torch.device) -> Tensor | None:
    """Of all images where masks can judge them, else of the pictured ones."""
    if not isinstance(method, Localises):
        return None
    images = test_set.images if test_set.masks is not None else test_set.images[test_set.pictured]
    return in_batches(lambda batch: method.anomaly_map(batch.to(device)).detach().float().cpu(), images, BATCH)


def _costs(method: Method, answers: Answers) -> dict[str, Any]:
    made = answers.plan
    return {
        "name": method.name,
        "steps": made.steps if made else None,
        "step_seconds": made.step_seconds if made else None,
        "fixed_seconds": made.fixed_seconds if made else None,
        "trial_seconds": made.trial_seconds if made else None,
        "fit_seconds": answers.fit_seconds,
        "images_a_second": answers.images_a_second,
        "parameters": parameters_of(method),
    }


def _timed(action: Callable[[], Any], device: torch.device) -> tuple[Any, float]:
    begun = seconds_now(device)
    found = action()
    return found, seconds_now(device) - begun
