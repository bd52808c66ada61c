"""A detector as a graph whose memory is an input: what the page in the browser runs and looks inside.

- Inputs: images (B, C, H, W) in 0..1; slots (R, S, D), any S; k (whole number) and threshold of the two shrinkages, of
  which hard shrinkage comes first; and what normal images score in this reading: mean, std (P, R) of the patch scores;
  limits (2,), what a normal image scores at its worst, combined and by context; scale (2, 2), mean and standard
  deviation of its scores combined and by context. P is 4, or 5 for a detector that has learned what belongs together;
  another one asks neither for the second limit nor for the scale.
- Outputs: ``Page``, every intermediate result beside the verdict.

With threshold 0 the shrinkage is top-k alone, with k = S hard shrinkage alone, with both nothing is shrunk.
``onnx_file`` writes what other programs run: one threshold, the memory inside.
"""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from squidlib.detection.calibration import Calibration, named_patch_scores, standardised
from squidlib.detection.detector import Detector
from squidlib.detection.familiarity import unlike
from squidlib.detection.onnx_file import AGREES, halve, opened, translate
from squidlib.detection.prediction import Limits, limits_of, patch_scores
from squidlib.detection.scores import CONTEXT_SCORES, PATCH_SCORES, raw_scores, weighted_difference
from squidlib.memory import cosine_similarity, dot_similarity
from squidlib.shrinkage import hard_shrink, topk_shrink_by
from squidlib.squid import SquidOutput
from squidlib.utils.errors import UserError

if TYPE_CHECKING:
    from onnx import ModelProto

INPUTS = ("images", "slots", "k", "threshold", "mean", "std", "limits", "scale")
SHOWN = ("combined", *PATCH_SCORES, *CONTEXT_SCORES)  #: image scores that are those of a worst patch


class Page(NamedTuple):
    """What the graph returns, in this order.

    queries (B, R, D), the patches' features; similarity (B, R, S) to the slots; softmax (B, R, S) of it; weights
    (B, R, S), what shrinkage leaves of that; recalled (B, R, D); attention (B, R, 8), how much each neighbour counts,
    in reading order; inpainted (B, R, D); reconstruction, alone (B, C, H, W), where ``alone`` is the reconstruction if
    the neighbours answered what is usual at their positions, the mean of their slots; raw, standard (P, B, R), the
    patch scores before and after calibration; patch_scores (B, R), those of a ``Prediction``; own (B, R), what each
    patch scores by the default score; score (B,), the highest of these; unlike (B,); anomaly_map (B, 1, H, W).
    """

    queries: Tensor
    similarity: Tensor
    softmax: Tensor
    weights: Tensor
    recalled: Tensor
    attention: Tensor
    inpainted: Tensor
    reconstruction: Tensor
    alone: Tensor
    raw: Tensor
    standard: Tensor
    patch_scores: Tensor
    own: Tensor
    score: Tensor
    unlike: Tensor
    anomaly_map: Tensor


class PageGraph(nn.Module):
    """What a detector computes, as a network of plain operations with the memory outside.

    Raises:
        UserError: where the detector's default score is none of the patches' own.
    """

    def __init__(self, detector: Detector) -> None:
        super().__init__()
        if detector.default_score not in SHOWN:
            raise UserError(
                f"the page shows detectors that score by one of {', '.join(SHOWN)}; this one scores by "
                f"{detector.default_score}; score its images with: squid score"
            )
        self.squid, self.name = deepcopy(detector.squid), detector.default_score
        self.familiarity = detector.calibration.familiarity
        self.eval()

    def forward(
        self,
        images: Float[Tensor, "B C H W"],
        slots: Float[Tensor, "R S D"],
        k: Int[Tensor, ""],
        threshold: Float[Tensor, ""],
        mean: Float[Tensor, "P R"],
        std: Float[Tensor, "P R"],
        limits: Float[Tensor, "2"],
        scale: Float[Tensor, "2 2"],
    ) -> Page:
        squid, block, config = self.squid, self.squid.inpainting, self.squid.config
        levels = squid.encode(images)
        queries = block.query(levels[-1])
        similarity = (dot_similarity if block.log_scale is None else cosine_similarity)(queries, slots)
        softmax: list[Tensor] = []

        def shrink(weights: Tensor) -> Tensor:
            softmax.append(weights)
            return topk_shrink_by(hard_shrink(weights, threshold), k)

        recalled, weights = block.read(queries, slots, shrink)
        answer, attention = block.ask(queries, recalled, weighed=True)
        inpainted = block.add(recalled, answer)
        usual = block.ask(queries, slots.mean(1).expand_as(recalled))[0]
        pictures = [
            squid.student(block.rebuild(levels[-1], features), levels)[0]
            for features in (inpainted, block.add(recalled, usual))
        ]
        output = SquidOutput(pictures[0], None, queries, recalled, weights, [], [])
        none = torch.zeros_like(images[:, 0, 0, 0])  # the discriminator is not asked
        raw = raw_scores(output, slots, none, images, config.grid, config.memory_reach, squid.context)
        known = None if squid.context is None else scale
        calibration = Calibration(mean, std, limits.new_tensor([0.0, 1.0]), mean[0, :0], image_scale=known)
        patches = patch_scores(raw, calibration, Limits(limits[0], limits[1]))  # type: ignore[arg-type]  # an input here
        foreign = none > 0 if self.familiarity is None else unlike(images, self.familiarity)
        shown = weighted_difference(images, pictures[0], patches, limits[0], config.grid)
        own = named_patch_scores(raw, calibration)[self.name]
        assert attention is not None  # it was asked for
        return Page(
            queries, similarity, softmax[0], weights, recalled, attention.unflatten(0, queries.shape[:2]), inpainted,
            pictures[0], pictures[1], raw.patches(), standardised(raw, calibration), patches,
            own, own.amax(-1), foreign, shown,
        )  # fmt: skip


def page_inputs(
    detector: Detector, images: Float[Tensor, "B C H W"], slots: Float[Tensor, "R S D"], k: int, threshold: float
) -> tuple[Tensor, ...]:
    """``INPUTS`` for these images and this reading of the memory, with the detector's own calibration."""
    known = detector.calibration
    numbers = torch.tensor(k), torch.tensor(float(threshold))
    scale = torch.tensor(scale_of(known))
    return images, slots, *numbers, known.mean.clone(), known.std.clone(), torch.tensor(limits_of(known)), scale


def scale_of(calibration: Calibration) -> list[list[float]]:
    """The image scale of a calibration; of one without a context, which does not ask for it, 0 and 1."""
    known = calibration.image_scale
    return [[0.0, 1.0], [0.0, 1.0]] if known is None else [[float(value) for value in row] for row in known]


def page_model(detector: Detector) -> tuple[ModelProto, float]:
    """The graph of a detector, and the largest difference between onnxruntime's numbers and torch's.

    Weights are stored in 16 bits where the numbers then still agree to ``AGREES``, else in 32.

    Raises:
        UserError: where the page cannot show the detector, the extra ``[onnx]`` is missing, or numbers differ.
    """
    import onnx

    graph = PageGraph(detector).to("cpu")
    slots = detector.squid.inpainting.memory.contents().cpu()
    images = torch.rand(3, *detector.config.image_shape, generator=torch.Generator().manual_seed(0))
    examples = dict(zip(INPUTS, page_inputs(detector, images, slots, 2, 0.0), strict=True))
    dynamic: dict[str, dict[int, torch.export.Dim] | None] = dict.fromkeys(INPUTS)
    dynamic["images"] = {0: torch.export.Dim("batch", min=1, max=1 << 16)}
    dynamic["slots"] = {1: torch.export.Dim("slots", min=1, max=1 << 16)}
    whole = translate(graph, examples, Page._fields, dynamic)
    small = onnx.ModelProto()
    small.CopyFrom(whole)
    halve(small)
    for model in (small, whole):
        difference = _difference(model.SerializeToString(), graph, detector)
        if difference <= AGREES:
            return model, difference
    raise UserError(f"onnxruntime's numbers differ from torch's by {difference:.2g}; nothing was written")


def _difference(content: bytes, graph: PageGraph, detector: Detector) -> float:
    """The largest one between onnxruntime and torch, over all outputs and several readings of the memory."""
    session = opened(content)
    every = detector.squid.inpainting.memory.contents().cpu()
    noise = torch.rand(4, *detector.config.image_shape, generator=torch.Generator().manual_seed(1))
    count, found = every.shape[1], []
    with torch.no_grad():
        familiar = detector.reconstruct(noise).clamp(0, 1)  # what a decoder makes is no noise
        half = every[:, -max(1, count // 2) :]
        few, one = (familiar, every, min(5, count), 0.0), (noise[:1], every[:, -1:], 1, 0.0)
        for images, slots, k, threshold in (few, one, (familiar[:2], half, count, 0.01)):
            inputs = page_inputs(detector, images, slots, k, threshold)
            told = session.run(None, {name: part.numpy() for name, part in zip(INPUTS, inputs, strict=True)})
            found += [(torch.from_numpy(own).float() - other.float()).abs().max()
                      for own, other in zip(told, graph(*inputs), strict=True)]  # fmt: skip
    return float(torch.stack(found).max())
