"""How to call every public function and method that only looks: the table behind ``test_read_only``.

A key is ``module: name`` or ``module: Class.name``, as ``found`` has them. A new public callable fails the test until
it stands here, or in ``CHANGES`` with the reason why it may change something.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator
from copy import deepcopy
from functools import cached_property, lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch import Generator, Tensor, nn

import squidlib
from digitanatomy import DigitAnatomy, Glyphs, mnist5000
from squidlib import (
    autoencoder,
    config,
    discriminator,
    distillation,
    inpainting,
    losses,
    memory,
    patches,
    shortcut,
    shrinkage,
    skip_memory,
    squid,
)  # fmt: skip
from squidlib.benchmark import confusion, significance, two_sample
from squidlib.detection import (
    calibration,
    checkpoint,
    familiarity,
    memory_pruning,
    memory_readout,
    metrics,
    pictures,
    prediction,
    score_selection,
    scores,
    synthetic_anomalies,
)  # fmt: skip
from squidlib.detection.detector import Detector
from squidlib.squid import Squid
from squidlib.teaching.lesson import training_picture
from squidlib.utils import plotting
from squidlib.utils.safetensors_io import read_tensors
from tests.conftest import tiny_config
from tests.helpers import noise, untrained

#: Modules whose every public callable has to stand below; those of ``squidlib.detection`` are found, whatever they are.
MODULES = (
    patches, shrinkage, memory, inpainting, autoencoder, skip_memory, squid, shortcut, losses, distillation,
    discriminator, config, confusion, significance, two_sample, plotting,
)  # fmt: skip

CHANGES = {
    "memory: MemoryQueue.push": "the verb that fills the queue",
    "memory: MemoryQueue.resize": "the verb that changes its capacity",
    "squid: Squid.push": "the verb that fills the queue",
    "squid: fill_memory": "the verb that fills the queue from images",
    "skip_memory: skip_memories": "draws the first weights of new modules",
    "detection.detector: Detector.to": "moves the networks, as in torch",
    "detection.checkpoint: save": "writes a file",
    "utils.plotting: show": "displays in a notebook",
}


@lru_cache
def _detector(normals: int) -> Detector:
    return untrained(tiny_config(), noise(normals, 24))


class World:
    """What calls are made on: a detector whose networks are partly in training mode, images, arrays.

    ``network`` is for the paper's pieces; it is in evaluation mode, because in training mode they rightly keep
    statistics.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.detector = deepcopy(_detector(40))
        self.detector.squid.train()
        self.detector.squid.encoder.eval()
        self.detector.discriminator.train()
        self.images = noise(5, 24, seed=3)
        self.normals = noise(24, 24, seed=4)
        self.network: Squid = deepcopy(_detector(4)).squid  # 4 of its 6 slots are filled
        self.labels, self.values = np.array([0, 0, 1, 1, 0, 1]), np.array([0.1, 0.4, 0.35, 0.8, 0.2, 0.9])
        self.generator = Generator().manual_seed(0)
        self.points = torch.randn(12, 6, generator=Generator().manual_seed(1))
        self.made: list[nn.Module] = []

    @cached_property
    def glyphs(self) -> Glyphs:
        return mnist5000().split().test

    @cached_property
    def slots(self) -> Tensor:
        return self.network.inpainting.memory.contents()

    @cached_property
    def levels(self) -> list[Tensor]:
        with torch.no_grad():
            return self.network.encode(self.images)

    @cached_property
    def output(self) -> squid.SquidOutput:
        with torch.no_grad():
            return self.network(self.images)

    @cached_property
    def raw(self) -> scores.RawScores:
        return self.detector.raw_scores(self.normals)

    @cached_property
    def prediction(self) -> prediction.Prediction:
        return self.detector.predict(self.images)

    @cached_property
    def file(self) -> Path:
        checkpoint.save(self.detector, self.folder / "d.safetensors")
        return self.folder / "d.safetensors"

    def keep(self, module: nn.Module) -> Any:
        """A module of its own that is watched, too."""
        self.made.append(module.eval())
        return module


def _shrink(weights: Tensor) -> Tensor:
    return shrinkage.topk_shrink(weights, 2)


def _listed(function: Callable[..., Iterator[object]], *arguments: object) -> list[object]:
    return list(function(*arguments))


def found() -> Iterator[str]:
    """Every public callable of ``MODULES`` and of ``squidlib.detection``, and what ``squidlib`` itself names."""
    names = [module.name for module in pkgutil.iter_modules(squidlib.detection.__path__, "squidlib.detection.")]
    modules = [*MODULES, *map(importlib.import_module, names)]
    for module in modules:
        yield from _of(module)
    for name in squidlib.__all__:
        value = getattr(squidlib, name)
        if inspect.isfunction(value):
            yield f"{value.__module__.removeprefix('squidlib.')}: {name}"


def _of(module: ModuleType) -> Iterator[str]:
    for name, value in vars(module).items():
        if name.startswith("_") or getattr(value, "__module__", None) != module.__name__:
            continue
        home = module.__name__.removeprefix("squidlib.")
        if inspect.isfunction(value):
            yield f"{home}: {name}"
        if inspect.isclass(value):
            kinds = (property, classmethod, staticmethod)
            own = [key for key, part in vars(value).items() if inspect.isfunction(part) or isinstance(part, kinds)]
            yield from (f"{home}: {name}.{key}" for key in own if not key.startswith("_"))


Call = Callable[[World], tuple[Any, ...]]


def _properties(home: str, get: Callable[[World], object], *names: str) -> dict[str, Call]:
    """Calls that look at an attribute."""
    return {f"{home}.{name}": lambda w, name=name: (getattr, get(w), name) for name in names}


CALLS: dict[str, Call] = {
    # the detector
    "detection.detector: Detector.predict": lambda w: (w.detector.predict, w.images),
    "detection.detector: Detector.predictions": lambda w: (
        lambda images: list(w.detector.predictions(images)),
        w.images,
    ),
    "detection.detector: Detector.score": lambda w: (w.detector.score, w.images),
    "detection.detector: Detector.scores": lambda w: (w.detector.scores, w.images),
    "detection.detector: Detector.patch_scores": lambda w: (w.detector.patch_scores, w.images),
    "detection.detector: Detector.reconstruct": lambda w: (w.detector.reconstruct, w.images),
    "detection.detector: Detector.anomaly_map": lambda w: (w.detector.anomaly_map, w.images),
    "detection.detector: Detector.raw_scores": lambda w: (w.detector.raw_scores, w.images),
    "detection.detector: Detector.normal_scores": lambda w: (w.detector.normal_scores, "error"),
    "detection.detector: Detector.limitations": lambda w: (w.detector.limitations, 0.001),
    "detection.detector: Detector.threshold": lambda w: (w.detector.threshold, 0.1),
    **_properties(
        "detection.detector: Detector", lambda w: w.detector, "config", "device", "default_score", "knows_unlike"
    ),
    # what it is made of
    "detection.scores: RawScores.patches": lambda w: (w.raw.patches,),
    "detection.scores: blur": lambda w: (scores.blur, w.images),
    "detection.scores: cosine_distance": lambda w: (scores.cosine_distance, w.images, w.images.flip(0)),
    "detection.scores: raw_scores": lambda w: (scores.raw_scores, w.output, w.slots, torch.zeros(5), w.images, 3),
    "detection.scores: weighted_difference": lambda w: (
        scores.weighted_difference,
        w.images,
        w.images.flip(0),
        torch.ones(5, 9),
        2.0,
        3,
    ),
    "detection.scores: score_batches": lambda w: (
        scores.score_batches,
        w.detector.squid,
        w.detector.discriminator,
        w.images,
        2,
    ),
    "detection.scores: score_batch": lambda w: (
        scores.score_batch,
        w.network,
        w.keep(discriminator.Discriminator((1, 24, 24))),
        w.slots,
        w.images,
    ),
    "detection.calibration: Calibration.as_tensors": lambda w: (w.detector.calibration.as_tensors,),
    "detection.calibration: Calibration.from_tensors": lambda w: (
        calibration.Calibration.from_tensors,
        w.detector.calibration.as_tensors(),
    ),
    "detection.calibration: Calibration.check": lambda w: (w.detector.calibration.check, 9),
    "detection.calibration: Calibration.scores_of_normals": lambda w: (
        w.detector.calibration.scores_of_normals,
        "error",
    ),
    "detection.calibration: Calibration.count_above": lambda w: (w.detector.calibration.count_above, "error", 0.1),
    "detection.calibration: Calibration.threshold": lambda w: (w.detector.calibration.threshold, "error", 0.1),
    **_properties(
        "detection.calibration: Calibration", lambda w: w.detector.calibration, "finest_rate", "constant_positions"
    ),
    "detection.calibration: floors": lambda w: (calibration.floors, w.detector.calibration.std),
    "detection.calibration: standardised": lambda w: (calibration.standardised, w.raw, w.detector.calibration),
    "detection.calibration: image_scores": lambda w: (calibration.image_scores, w.raw, w.detector.calibration),
    "detection.calibration: calibrate": lambda w: (
        calibration.calibrate,
        w.detector.squid,
        w.detector.discriminator,
        w.normals,
    ),
    "detection.calibration: calibration_of": lambda w: (calibration.calibration_of, w.raw),
    "detection.familiarity: Familiarity.check": lambda w: (w.detector.calibration.familiarity.check,),
    "detection.familiarity: familiarity_of": lambda w: (familiarity.familiarity_of, w.normals),
    "detection.familiarity: unlike": lambda w: (familiarity.unlike, w.images, w.detector.calibration.familiarity),
    "detection.familiarity: statistics": lambda w: (
        familiarity.statistics,
        w.images,
        w.detector.calibration.familiarity,
    ),
    "detection.prediction: Prediction.verdicts": lambda w: (getattr, w.prediction, "verdicts"),
    "detection.prediction: predict": lambda w: (
        prediction.predict,
        w.normals,
        w.normals.flip(0),
        w.raw,
        w.detector.calibration,
        "error",
        0.1,
        3,
    ),
    "detection.prediction: joined": lambda w: (prediction.joined, [w.prediction, w.prediction]),
    "detection.prediction: none_of": lambda w: (prediction.none_of, w.prediction),
    "detection.prediction: moved": lambda w: (prediction.moved, w.prediction, torch.device("cpu")),
    "detection.checkpoint: load": lambda w: (checkpoint.load, w.file),
    "detection.checkpoint: assemble": lambda w: (checkpoint.assemble, *read_tensors(w.file), w.file),
    "detection.checkpoint: find": lambda w: (checkpoint.find, w.file),
    "detection.checkpoint: shipped": lambda w: (checkpoint.shipped,),
    "detection.memory_pruning: isolation": lambda w: (memory_pruning.isolation, w.slots, 2),
    "detection.memory_pruning: drop_isolated": lambda w: (memory_pruning.drop_isolated, w.slots, 1, 2),
    "detection.memory_pruning: cleaned": lambda w: (memory_pruning.cleaned, w.detector, w.normals, 0.2),
    "detection.memory_readout: encode": lambda w: (memory_readout.encode, w.detector, w.images),
    "detection.memory_readout: newest": lambda w: (memory_readout.newest, w.slots, 2),
    "detection.memory_readout: read": lambda w: (memory_readout.read, w.detector.squid, w.levels, w.slots, _shrink),
    "detection.memory_readout: read_scores": lambda w: (
        memory_readout.read_scores,
        w.detector,
        memory_readout.encode(w.detector, w.images),
        w.slots,
        _shrink,
    ),
    "detection.score_selection: choose_score": lambda w: (
        score_selection.choose_score,
        w.detector.squid,
        w.detector.discriminator,
        w.normals,
    ),
    "detection.synthetic_anomalies: soft_areas": lambda w: (synthetic_anomalies.soft_areas, w.images, w.generator),
    **{
        f"detection.synthetic_anomalies: {name}": lambda w, change=change: (change, w.images, w.generator)
        for name, change in synthetic_anomalies.SYNTHETIC_ANOMALIES.items()
    },
    "detection.pictures: detection_picture": lambda w: (
        pictures.detection_picture,
        squidlib.load("digitanatomy"),
        DigitAnatomy(w.glyphs, {"normal": 1, "novel": 1}),
    ),
    "detection.pictures: image_row": lambda w: (pictures.image_row, [w.images[0]], ["one"]),
    # figures
    "detection.metrics: auc": lambda w: (metrics.auc, w.labels, w.values),
    "detection.metrics: bootstrap_auc": lambda w: (metrics.bootstrap_auc, w.labels, w.values, 10),
    "detection.metrics: threshold_at": lambda w: (metrics.threshold_at, w.values, 0.1),
    "detection.metrics: decide": lambda w: (metrics.decide, w.labels, w.values, 0.5),
    "detection.metrics: oracle_threshold": lambda w: (metrics.oracle_threshold, w.labels, w.values),
    "detection.metrics: pixel_auc": lambda w: (metrics.pixel_auc, w.images > 0.5, w.images.numpy()),
    "detection.metrics: worst_patch_hits": lambda w: (metrics.worst_patch_hits, np.eye(3) > 0, np.eye(3)),
    "benchmark.confusion: possible_row": lambda w: (confusion.possible_row, 0.8, 0.8, 10, 10),
    "benchmark.confusion: f1_limits": lambda w: (confusion.f1_limits, w.values, 10, 10),
    "benchmark.significance: placements": lambda w: (significance.placements, w.labels, w.values),
    "benchmark.significance: compare": lambda w: (
        significance.compare,
        w.labels,
        w.values[None],
        w.values[None, ::-1].copy(),
    ),
    "benchmark.significance: holm": lambda w: (significance.holm, {"a": 0.01, "b": 0.2}),
    "benchmark.significance: inverted_pairs": lambda w: (
        significance.inverted_pairs,
        {"a": 0.1, "b": 0.2},
        {"a": 0.3, "b": 0.2},
    ),
    "benchmark.two_sample: two_sample_auc": lambda w: (
        two_sample.two_sample_auc,
        w.points.view(2, 6, 6),
        w.points.view(2, 6, 6) + 1,
        0,
    ),
    "benchmark.two_sample: nearest_own_share": lambda w: (two_sample.nearest_own_share, w.points, w.points + 1),
    "config: LossWeights.from_plain": lambda w: (config.LossWeights.from_plain, {"position": 0.1}),
    "utils.plotting: as_picture": lambda w: (plotting.as_picture, w.images[0]),
    "utils.plotting: panels": lambda w: (plotting.panels, 1, 2),
    "utils.plotting: image_grid": lambda w: (plotting.image_grid, {"maps": w.images}, ["a"], ["maps"]),
    "utils.plotting: curves": lambda w: (plotting.curves, [1, 2], {"a": w.values[:2]}, "title", "x", "y"),
    "utils.plotting: histograms": lambda w: (plotting.histograms, {"a": w.values}, "title", "x", 0.5),
    "utils.plotting: bars": lambda w: (plotting.bars, {"a": 0.5, "b": 0.2}, "title", "x", {"a": 0.1}, 0.5),
    "utils.plotting: points": lambda w: (plotting.points, {"a": w.points[:, :2]}, "title"),
    "utils.plotting: png": lambda w: (plotting.png, plotting.bars({"a": 0.5}, "title", "x")),
    "teaching.lesson.training_picture: reconstruct_now": lambda w: (
        training_picture.reconstruct_now,
        w.detector.squid,
        w.images,
    ),
    # the paper's pieces, in evaluation mode
    "patches: rows_and_columns": lambda w: (patches.rows_and_columns, (2, 3)),
    "patches: cut": lambda w: (patches.cut, w.images, 3),
    "patches: join": lambda w: (patches.join, patches.cut(w.images, 3), 3),
    "patches: neighbours": lambda w: (patches.neighbours, w.output.queries, 3),
    "shrinkage: hard_shrink": lambda w: (shrinkage.hard_shrink, torch.softmax(w.points, -1), 0.1),
    "shrinkage: topk_shrink": lambda w: (shrinkage.topk_shrink, torch.softmax(w.points, -1), 2),
    "memory: dot_similarity": lambda w: (memory.dot_similarity, w.output.queries, w.slots),
    "memory: cosine_similarity": lambda w: (memory.cosine_similarity, w.output.queries, w.slots),
    "memory: read_memory": lambda w: (memory.read_memory, w.output.queries, w.slots, _shrink),
    "memory: MemoryQueue.contents": lambda w: (w.network.inpainting.memory.contents,),
    "memory: MemoryQueue.forward": lambda w: (w.network.inpainting.memory, w.output.queries, _shrink),
    "memory: MemoryMatrix.forward": lambda w: (w.keep(memory.MemoryMatrix(9, 5, 8)), w.output.queries, _shrink),
    **_properties("memory: MemoryQueue", lambda w: w.network.inpainting.memory, "capacity"),
    "inpainting: InpaintingBlock.query": lambda w: (w.network.inpainting.query, w.levels[-1]),
    "inpainting: InpaintingBlock.recall": lambda w: (w.network.inpainting.recall, w.output.queries),
    "inpainting: InpaintingBlock.shrink": lambda w: (w.network.inpainting.shrink, w.output.weights),
    "inpainting: InpaintingBlock.read": lambda w: (w.network.inpainting.read, w.output.queries, w.slots, _shrink),
    "inpainting: InpaintingBlock.inpaint": lambda w: (
        w.network.inpainting.inpaint,
        w.output.queries,
        w.output.recalled,
    ),
    "inpainting: InpaintingBlock.rebuild": lambda w: (w.network.inpainting.rebuild, w.levels[-1], w.output.queries),
    "inpainting: InpaintingBlock.forward": lambda w: (w.network.inpainting, w.levels[-1]),
    "inpainting: binary_positions": lambda w: (inpainting.binary_positions, 9, 4),
    "autoencoder: ConvBlock.forward": lambda w: (w.keep(autoencoder.ConvBlock(1, 4, 1)), w.images),
    "autoencoder: Encoder.forward": lambda w: (w.network.encoder, autoencoder.flat_patches(w.images, 3)),
    "autoencoder: DecoderLevel.forward": lambda w: (w.keep(autoencoder.DecoderLevel(1, 0, 4, 1)), w.images, None),
    "autoencoder: Decoder.forward": lambda w: (w.network.student, w.levels[-1], w.levels),
    "autoencoder: flat_patches": lambda w: (autoencoder.flat_patches, w.images, 3),
    "skip_memory: SkipMemory.forward": lambda w: (w.keep(skip_memory.SkipMemory(tiny_config(), 1)), w.levels[1]),
    "squid: Squid.encode": lambda w: (w.network.encode, w.images),
    "squid: Squid.query": lambda w: (w.network.query, w.images),
    "squid: Squid.forward": lambda w: (w.network, w.images),
    "squid: count_parameters": lambda w: (squid.count_parameters, w.network),
    "shortcut: masked_shortcut": lambda w: (
        shortcut.masked_shortcut,
        w.images,
        w.images.flip(0),
        0.9,
        True,
        w.generator,
    ),
    "losses: reconstruction_loss": lambda w: (losses.reconstruction_loss, w.images, w.images.flip(0)),
    "losses: looks_real_loss": lambda w: (losses.looks_real_loss, w.points[0]),
    "losses: looks_fake_loss": lambda w: (losses.looks_fake_loss, w.points[0]),
    "losses: position_loss": lambda w: (losses.position_loss, w.output.queries, w.slots),
    "losses: generator_loss": lambda w: (
        losses.generator_loss,
        w.output._replace(teacher=w.images, teacher_features=w.output.student_features),
        w.images,
        torch.zeros(5),
        w.slots,
        config.LossWeights(position=0.1),
    ),
    "losses: discriminator_loss": lambda w: (
        losses.discriminator_loss,
        torch.zeros(5),
        torch.ones(5),
        config.LossWeights(),
    ),
    "distillation: feature_matching": lambda w: (distillation.feature_matching, w.levels, w.levels),
    "discriminator: Discriminator.forward": lambda w: (
        w.keep(discriminator.Discriminator((1, 24, 24))),
        w.images,
    ),
    "config: as_plain": lambda w: (config.as_plain, tiny_config()),
    "config: SquidConfig.from_plain": lambda w: (
        config.SquidConfig.from_plain,
        config.as_plain(tiny_config()),
    ),
    "config: SquidConfig.channels": lambda w: (tiny_config().channels, 1),
    **_properties(
        "config: SquidConfig",
        lambda w: tiny_config(),
        "image_shape",
        "grid_shape",
        "positions",
        "patch_shape",
        "code_shape",
        "features",
    ),
}
