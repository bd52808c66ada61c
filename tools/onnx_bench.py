"""Measure what 16-bit weights do to the AUC of an exported detector and write the figures into docs/python.md.

.venv/bin/python tools/onnx_bench.py     # a few minutes on one CPU core
"""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING

import numpy as np
import torch
from readme_part import replace_part
from torch import Tensor, nn

import squidlib
from digitanatomy import DigitAnatomy
from squidlib.benchmark.tables import markdown
from squidlib.data.digits import TEST_COUNTS, Digits
from squidlib.detection.calibration import image_scores
from squidlib.detection.detector import Detector
from squidlib.detection.onnx_file import INPUT, Judge, halve, opened, translate
from squidlib.detection.scores import BATCH
from squidlib.teaching.studies.results import exact_auc_by_kind

if TYPE_CHECKING:
    from onnx import ModelProto

SEEDS = (12, 112, 212)  #: of test images; the first is that of squid evaluate
HEAD = ("score", "32 bits", "16 bits", "largest difference")


class EveryScore(nn.Module):
    """What a detector's file computes, with every image score as an output."""

    def __init__(self, detector: Detector) -> None:
        super().__init__()
        self.judge, self.names = Judge(detector, 0.05), detector.score_names
        self.eval()

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        named = image_scores(self.judge.seen(images)[1], self.judge.calibration)
        return tuple(named[name] for name in self.names)


def scored(model: ModelProto, images: Tensor) -> list[Tensor]:
    """Every score of the images, by onnxruntime."""
    session = opened(model.SerializeToString())
    parts = [session.run(None, {INPUT: batch.numpy()}) for batch in images.split(BATCH)]
    return [torch.from_numpy(np.concatenate(own)) for own in zip(*parts, strict=True)]


def main() -> None:
    """Export both, score, print, write."""
    torch.set_num_threads(1)
    detector, test = squidlib.load("digitanatomy"), Digits().glyphs.test
    names = detector.score_names
    example = torch.rand(3, *detector.config.image_shape, generator=torch.Generator().manual_seed(0))
    dynamic = {INPUT: {0: torch.export.Dim("batch", min=1, max=1 << 16)}}
    whole = translate(EveryScore(detector), {INPUT: example}, names, dynamic)
    half = deepcopy(whole)
    halve(half)
    means: dict[str, list[tuple[float, float]]] = {name: [] for name in names}
    worst = dict.fromkeys(names, 0.0)
    for seed in SEEDS:
        digits = DigitAnatomy(test, TEST_COUNTS, seed)
        images = digits.images()
        for name, one, other in zip(names, scored(whole, images), scored(half, images), strict=True):
            pair = [exact_auc_by_kind(digits.kinds, each) for each in (one, other)]
            means[name].append((pair[0]["mean"], pair[1]["mean"]))
            worst[name] = max(worst[name], *(abs(pair[0][kind] - pair[1][kind]) for kind in pair[0]))
    cells = [[name, *(f"{value:.4f}" for value in np.mean(means[name], 0)), f"{worst[name]:.4f}"] for name in names]
    text = markdown([list(HEAD), *cells])
    print(text)
    replace_part("halved", text)


if __name__ == "__main__":
    main()
