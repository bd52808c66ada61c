"""Live benchmark: a few systems, one after the other, through the benchmark's own pieces, in a cell of a notebook.

``squidlib.benchmark.job.ask`` fits, calibrates and questions a system; ``judge`` then holds its answers against the
labels. Unlike ``squid benchmark``: all in one process, one seed, no maps, no test of differences, nothing is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from squidlib.baselines.base import Ticks
from squidlib.benchmark.cost import Trained, parameters_of
from squidlib.benchmark.job import ask
from squidlib.benchmark.judging import judge
from squidlib.benchmark.registry import Entry
from squidlib.benchmark.source import Exam, Material
from squidlib.benchmark.summary import Row
from squidlib.training.presets import Preset


def part_of(material: Material, exam: Exam, every: int) -> tuple[Material, Exam]:
    """Every so-manieth test image, of material and exam alike; what is learned from stays whole.

    Raises:
        ValueError: where material and exam do not have the same number of images.
    """
    if len(material.questions) != len(exam.images):
        raise ValueError(f"as many questions as images expected, got {len(material.questions)}, {len(exam.images)}")
    some = slice(None, None, every)
    return material._replace(questions=material.questions[some]), replace(
        exam,
        images=exam.images[some],
        kinds=exam.kinds[some],
        masks=None if exam.masks is None else exam.masks[some],
        wrong=None if exam.wrong is None else exam.wrong[some],
        pictured=[],
    )


def run_live(
    systems: Mapping[str, Entry],
    preset: Preset,
    material: Material,
    exam: Exam,
    seconds: float,
    ticks: Ticks = range,
    seed: int = 0,
) -> Iterator[Row]:
    """A row for each system as soon as it is done, so that an interruption keeps all that are.

    Args:
        systems: in the order in which they are run.
        preset: of the data set.
        material: what systems see; each gets copies, so that one that works in place harms no other.
        exam: what they are judged by, of the same test images.
        seconds: of fitting, for each that is trained step by step.
        ticks: wraps the systems: a progress bar, a stop button.
        seed: of all of them.
    """
    names = list(systems)
    for place in ticks(len(names)):
        name, entry = names[place], systems[names[place]]
        try:
            yield Row(name, entry.family, {seed: _figures(entry, preset, material, exam, seconds, seed)})
        except Exception as error:  # whatever a system does wrong is told in its row, and the next ones have their turn
            yield Row(name, entry.family, failures={seed: f"{type(error).__name__}: {' '.join(str(error).split())}"})


def ranked(rows: Iterable[Row]) -> list[Row]:
    """The highest mean AUC first; those without results last."""
    every = list(rows)
    done = sorted((row for row in every if row.runs), key=lambda row: row.mean("auc", "mean"), reverse=True)
    return [*done, *(row for row in every if not row.runs)]


def _figures(entry: Entry, preset: Preset, material: Material, exam: Exam, seconds: float, seed: int) -> dict[str, Any]:
    trial, system = entry.build(preset), entry.build(preset)
    needed = material if isinstance(trial, Trained) else material._replace(varied=material.varied[:0])
    seen = Material(*(part.clone() for part in needed))
    answers = ask(system, trial, seen, seed, seconds)
    return judge(exam, answers.scores, answers.calibration) | {
        "name": system.name,
        "steps": answers.plan.steps if answers.plan else None,
        "fit_seconds": answers.fit_seconds,
        "images_a_second": answers.images_a_second,
        "parameters": parameters_of(system),
    }
