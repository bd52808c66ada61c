"""How to call the paper's pieces, the metrics and the figures."""

from __future__ import annotations

import numpy as np
import torch

from squidlib import (
    autoencoder,
    config,
    context,
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
    metrics,
)  # fmt: skip
from squidlib.teaching.lesson import training_picture
from squidlib.utils import interval_chart, plotting
from tests.conftest import tiny_config
from tests.kit.read_only_world import Call, properties, two_strongest

#: Modules whose every public callable has to stand below; those of ``squidlib.detection`` are found, whatever they are.
MODULES = (
    patches, shrinkage, memory, inpainting, autoencoder, skip_memory, squid, shortcut, losses, distillation,
    discriminator, config, context, confusion, significance, two_sample, plotting, interval_chart,
)  # fmt: skip

PIECES: dict[str, Call] = {
    # what belongs together
    "context: all_others": lambda w: (context.all_others, 9),
    "context: context_loss": lambda w: (context.context_loss, w.context, w.queries),
    "context: context_score": lambda w: (context.context_score, w.context, w.queries, w.slots),
    "context: ContextPrediction.forward": lambda w: (w.context, w.queries),
    "context: ContextPrediction.keys": lambda w: (w.context.keys, w.queries),
    "context: ContextPrediction.similarity": lambda w: (
        w.context.similarity,
        w.context(w.queries).keys,
        torch.ones(64),
    ),
    "context: ContextPrediction.fit_of_slots": lambda w: (
        w.context.fit_of_slots,
        w.context(w.queries).predicted,
        w.context.keys(w.slots),
    ),
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
    "benchmark.significance: error_over_images": lambda w: (
        significance.error_over_images,
        w.labels,
        w.values[None],
        w.values[None],
    ),
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
    "utils.interval_chart: interval_chart": lambda w: (interval_chart.interval_chart, {"a": (0.1, 0.2)}, "title", "x"),
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
    "shrinkage: topk_shrink_by": lambda w: (shrinkage.topk_shrink_by, torch.softmax(w.points, -1), torch.tensor(2)),
    "shrinkage: hard_shrink": lambda w: (shrinkage.hard_shrink, torch.softmax(w.points, -1), 0.1),
    "shrinkage: topk_shrink": lambda w: (shrinkage.topk_shrink, torch.softmax(w.points, -1), 2),
    "memory: dot_similarity": lambda w: (memory.dot_similarity, w.output.queries, w.slots),
    "memory: cosine_similarity": lambda w: (memory.cosine_similarity, w.output.queries, w.slots),
    "memory: read_memory": lambda w: (memory.read_memory, w.output.queries, w.slots, two_strongest),
    "memory: MemoryQueue.contents": lambda w: (w.network.inpainting.memory.contents,),
    "memory: MemoryQueue.forward": lambda w: (w.network.inpainting.memory, w.output.queries, two_strongest),
    "memory: MemoryMatrix.forward": lambda w: (w.keep(memory.MemoryMatrix(9, 5, 8)), w.output.queries, two_strongest),
    **properties("memory: MemoryQueue", lambda w: w.network.inpainting.memory, "capacity"),
    "inpainting: InpaintingBlock.query": lambda w: (w.network.inpainting.query, w.levels[-1]),
    "inpainting: InpaintingBlock.recall": lambda w: (w.network.inpainting.recall, w.output.queries),
    "inpainting: InpaintingBlock.shrink": lambda w: (w.network.inpainting.shrink, w.output.weights),
    "inpainting: InpaintingBlock.read": lambda w: (w.network.inpainting.read, w.output.queries, w.slots, two_strongest),
    "inpainting: InpaintingBlock.inpaint": lambda w: (
        w.network.inpainting.inpaint,
        w.output.queries,
        w.output.recalled,
    ),
    "inpainting: InpaintingBlock.ask": lambda w: (w.network.inpainting.ask, w.output.queries, w.output.recalled, True),
    "inpainting: InpaintingBlock.add": lambda w: (
        w.network.inpainting.add,
        w.output.recalled,
        w.output.queries.flatten(0, 1),
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
    **properties(
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
