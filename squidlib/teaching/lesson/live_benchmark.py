"""Live benchmark: a few methods, one after the other, through the benchmark's own pieces, in a cell of a notebook.

``squidlib.benchmark.job.ask`` fits, calibrates and questions a method; ``judge`` then holds its answers against the
labels. Unlike ``squid benchmark``: all in one process, one seed, no maps, no test of differences, nothing is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from squidlib.baselines.base import Progress
from squidlib.benchmark.cost import Trained, parameters_of
from squidlib.benchmark.evaluate import judge
from squidlib.benchmark.job import ask
from squidlib.benchmark.registry import Entry
from squidlib.benchmark.source import FitData
from squidlib.benchmark.summary import Row
from squidlib.data.base import TestSet
from squidlib.training.presets import Preset


def part_of(fit_data: FitData, test_set: TestSet, every: int) -> tuple[FitData, TestSet]:
    """Every ``every``-th test image, of both; what is learned from stays whole.

    Raises:
        ValueError: where ``fit_data`` and ``test_set`` do not have the same number of images.
    """
    if len(fit_data.test_images) != len(test_set.images):
        raise ValueError(
            f"as many test images expected in both, got {len(fit_data.test_images)}, {len(test_set.images)}"
        )
    some = slice(None, None, every)
    return fit_data._replace(test_images=fit_data.test_images[some]), replace(
        test_set,
        images=test_set.images[some],
        anomaly_types=test_set.anomaly_types[some],
        ids=test_set.ids[some],
        masks=None if test_set.masks is None else test_set.masks[some],
        wrong=None if test_set.wrong is None else test_set.wrong[some],
        pictured=[],
    )


def run_live(
    methods: Mapping[str, Entry],
    preset: Preset,
    fit_data: FitData,
    test_set: TestSet,
    seconds: float,
    progress: Progress = range,
    seed: int = 0,
) -> Iterator[Row]:
    """A row for each method as soon as it is done, so that an interruption keeps all that are.

    Args:
        methods: in the order in which they are run.
        preset: of the data set.
        fit_data: what methods see; each gets copies, so that one that works in place harms no other.
        test_set: what they are judged by, of the same test images.
        seconds: of fitting, for each that is trained step by step.
        progress: wraps the methods: a progress bar, a stop button.
        seed: of all of them.
    """
    names = list(methods)
    for place in progress(len(names)):
        name, entry = names[place], methods[names[place]]
        try:
            yield Row(name, entry.family, {seed: _figures(entry, preset, fit_data, test_set, seconds, seed)})
        except Exception as error:  # whatever a method does wrong is told in its row, and the next ones have their turn
            yield Row(name, entry.family, failures={seed: f"{type(error).__name__}: {' '.join(str(error).split())}"})


def ranked(rows: Iterable[Row]) -> list[Row]:
    """The highest mean AUC first; those without results last."""
    every = list(rows)
    done = sorted((row for row in every if row.runs), key=lambda row: row.mean("auc", "mean"), reverse=True)
    return [*done, *(row for row in every if not row.runs)]


def _figures(
    entry: Entry, preset: Preset, fit_data: FitData, test_set: TestSet, seconds: float, seed: int
) -> dict[str, Any]:
    trial, method = entry.build(preset), entry.build(preset)
    needed = fit_data if isinstance(trial, Trained) else fit_data._replace(augmented=fit_data.augmented[:0])
    seen = FitData(*(part.clone() for part in needed))
    answers = ask(method, trial, seen, seed, seconds)
    return judge(test_set, answers.scores, answers.calibration) | {
        "name": method.name,
        "steps": answers.plan.steps if answers.plan else None,
        "fit_seconds": answers.fit_seconds,
        "images_a_second": answers.images_a_second,
        "parameters": parameters_of(method),
    }
