"""ONNX: a detector as one file that runs without torch and without this library.

- Input: images, float32 (B, C, H, W) in 0..1, any B.
- Outputs: score (B,), abnormal (B,), unlike (B,), patch_scores (B, R), reconstruction (B, C, H, W), anomaly_map
  (B, 1, H, W): what ``Detector.predict`` says, for one threshold.

What the file is of, and how its threshold was set, stands in its metadata. Needs the extra ``[onnx]``.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from squidlib.detection.calibration import image_scores
from squidlib.detection.detector import Detector
from squidlib.detection.familiarity import unlike
from squidlib.detection.prediction import limits_of, patch_scores
from squidlib.detection.scores import RawScores, raw_scores, weighted_difference
from squidlib.utils.errors import UserError
from squidlib.utils.safetensors_io import write_atomically

if TYPE_CHECKING:
    from onnx import ModelProto
    from onnxruntime import InferenceSession

OPSET = 20
INPUT = "images"
OUTPUTS = ("score", "abnormal", "unlike", "patch_scores", "reconstruction", "anomaly_map")
AGREES = 1e-3  #: most that a number may differ from torch's, scores in standard deviations of normal images
AGREES_HALF = 0.05  #: likewise, where weights are stored in 16 bits
HALVED = 1024  #: weights of fewer numbers stay in 32 bits
LICENCE = "MIT"  #: of the kit and of its checkpoints; a run of your own is yours
USE = "for teaching and research; no medical device, not for clinical use"


class Judge(nn.Module):
    """What ``Detector.predict`` computes, as a network of plain operations with the memory inside.

    Args:
        rate: share of normal images that the threshold may call abnormal.
    """

    slots: Tensor

    def __init__(self, detector: Detector, rate: float) -> None:
        super().__init__()
        self.squid, self.discriminator = deepcopy(detector.squid), deepcopy(detector.discriminator)
        self.calibration, self.name = detector.calibration, detector.default_score
        self.threshold, self.limits = detector.threshold(rate), limits_of(detector.calibration)
        self.register_buffer("slots", detector.squid.inpainting.memory.contents(), persistent=False)
        self.eval()

    def seen(self, images: Float[Tensor, "B C H W"]) -> tuple[Tensor, RawScores]:
        """The reconstructions (B, C, H, W) and raw scores of a batch."""
        config = self.squid.config
        output = self.squid(images)
        logits = self.discriminator(output.reconstruction)
        grid, reach = config.grid, config.memory_reach
        raw = raw_scores(output, self.slots, logits, images, grid, reach, self.squid.context)
        return output.reconstruction, raw

    def forward(self, images: Float[Tensor, "B C H W"]) -> tuple[Tensor, ...]:
        reconstruction, raw = self.seen(images)
        score = image_scores(raw, self.calibration)[self.name]
        patches = patch_scores(raw, self.calibration, self.limits)
        shown = weighted_difference(images, reconstruction, patches, self.limits.combined, self.squid.config.grid)
        known = self.calibration.familiarity
        foreign = torch.zeros_like(score, dtype=torch.bool) if known is None else unlike(images, known)
        return score, score > self.threshold, foreign, patches, reconstruction, shown


def export(detector: Detector, path: Path, rate: float = 0.05, half: bool = False) -> float:
    """Write a detector as an ONNX file, after onnxruntime has given the same numbers as torch.

    Args:
        rate: share of normal images that the threshold may call abnormal.
        half: store weights in 16 bits; they are made 32 bits again where the file is loaded.

    Returns:
        The largest difference between onnxruntime's numbers and torch's.

    Raises:
        UserError: where the extra is not installed, the rate is none, torch cannot translate the network, or the
            numbers differ by more than ``AGREES`` (``AGREES_HALF`` with 16 bits).
    """
    if not 0 < rate < 1:
        raise UserError(f"the rate of false alarms lies between 0 and 1, got {rate}")
    judge = Judge(detector, rate).to("cpu")
    shown = torch.rand(3, *detector.config.image_shape, generator=torch.Generator().manual_seed(0))
    model = translate(judge, {INPUT: shown}, OUTPUTS, {INPUT: {0: torch.export.Dim("batch", min=1, max=1 << 16)}})
    if half:
        halve(model)
    _describe(model, detector, rate)
    content = model.SerializeToString()
    difference = _difference(content, judge, detector)
    if not difference <= (AGREES_HALF if half else AGREES):  # NaN is not, either
        raise UserError(f"onnxruntime's numbers differ from torch's by {difference:.2g}; nothing was written")
    write_atomically(path, content)
    return difference


def translate(
    module: nn.Module,
    examples: Mapping[str, Tensor],
    outputs: Sequence[str],
    dynamic_shapes: Mapping[str, Mapping[int, Any] | None],
) -> ModelProto:
    """A module as ONNX.

    Args:
        examples: name of each input of ``forward`` -> a tensor of its shape.
        outputs: the names of what ``forward`` returns.
        dynamic_shapes: name of each input -> its dimensions that may have any length.

    Raises:
        UserError: where the extra is not installed, or torch cannot translate the module.
    """
    try:
        import onnxruntime  # noqa: F401 (looked for before minutes are spent)
        from onnxscript import opset20 as op
    except ImportError as error:
        raise UserError("to export a detector, the packages onnx, onnxruntime and onnxscript are needed: "
                        "pip install 'squidlib[onnx]'") from error  # fmt: skip

    def hypot(one: Any, other: Any) -> Any:  # the exporter knows none
        return op.Sqrt(op.Add(op.Mul(one, one), op.Mul(other, other)))

    table = {getattr(torch.ops, kind).hypot.default: hypot for kind in ("prims", "aten")}
    for talkative in ("onnxscript", "onnx_ir"):
        logging.getLogger(talkative).setLevel(logging.ERROR)
    try:
        with torch.no_grad():
            program = torch.onnx.export(
                module, tuple(examples.values()), dynamo=True, opset_version=OPSET, input_names=list(examples),
                output_names=list(outputs), dynamic_shapes=dict(dynamic_shapes), custom_translation_table=table,
                verbose=False,
            )  # fmt: skip
    except torch.onnx.OnnxExporterError as error:
        text = " ".join(str(error.__cause__ or error).split())[:200]
        raise UserError(f"torch could not translate this network into ONNX: {text}") from error
    assert program is not None  # of the exporter that is chosen here
    model = program.model_proto
    for node in model.graph.node:  # where in which file of this machine each came from
        del node.metadata_props[:]
    return model


def halve(model: ModelProto) -> None:
    """Store large weights in 16 bits, with an operation behind each that makes it 32 bits again."""
    from onnx import TensorProto, helper, numpy_helper

    graph = model.graph
    for weights in list(graph.initializer):
        if weights.data_type != TensorProto.FLOAT or np.prod(weights.dims) < HALVED:
            continue
        values = numpy_helper.to_array(weights)
        small = numpy_helper.from_array(values.astype(np.float16), f"{weights.name}.half")
        graph.initializer.remove(weights)
        graph.initializer.append(small)
        graph.node.insert(0, helper.make_node("Cast", [small.name], [weights.name], to=TensorProto.FLOAT))


def opened(content: bytes) -> InferenceSession:
    """A model of ``translate``, to be run by onnxruntime on the CPU; it says nothing but errors."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def _describe(model: ModelProto, detector: Detector, rate: float) -> None:
    """What somebody who finds the file has to know."""
    channels, height, width = detector.config.image_shape
    facts = {
        "squid.input": f"float32 (B, {channels}, {height}, {width}), grey values or colours in 0..1",
        "squid.score": detector.default_score,
        "squid.false_positive_rate": rate,
        "squid.threshold": detector.threshold(rate),
        "squid.grid": list(detector.config.grid_shape),
        "squid.trained": str(detector.metadata.get("command", detector.metadata.get("data", "unknown"))),
        "squid.limitations": detector.limitations(rate),
        "squid.licence": LICENCE,
        "squid.use": USE,
    }
    for name, value in facts.items():
        entry = model.metadata_props.add()
        entry.key, entry.value = name, value if isinstance(value, str) else json.dumps(value)
    model.doc_string = f"SQUID, a detector of anomalies, {USE}"
    model.producer_name = "squidlib"


def _difference(content: bytes, judge: Judge, detector: Detector) -> float:
    """The largest one between onnxruntime and torch, over numbers and verdicts of batches of several sizes."""
    session = opened(content)
    generator, found = torch.Generator().manual_seed(1), []
    noise = torch.rand(4, *detector.config.image_shape, generator=generator)
    with torch.no_grad():
        familiar = judge.squid(noise).reconstruction.clamp(0, 1)  # what a decoder makes is no noise
        for images in (noise[:1], noise, familiar):
            told = session.run(None, {INPUT: images.numpy()})
            found += [(torch.from_numpy(own).float() - other.float()).abs().max()
                      for own, other in zip(told, judge(images), strict=True)]  # fmt: skip
    return float(torch.stack(found).max())
