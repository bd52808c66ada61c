"""The page's graph: its memory, k and λ are inputs, and it says what the detector says when it is read so."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import jaxtyping
import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import Tensor

from squidlib.detection.calibration import calibrate, calibration_of, image_scores, standardised
from squidlib.detection.detector import Detector
from squidlib.detection.memory_readout import encode, newest, read, read_scores
from squidlib.detection.onnx_page import INPUTS, SHOWN, Page, PageGraph, page_inputs, page_model
from squidlib.detection.prediction import limits_of, patch_scores
from squidlib.discriminator import Discriminator
from squidlib.memory import Shrink
from squidlib.patches import neighbours
from squidlib.shrinkage import hard_shrink, topk_shrink
from squidlib.squid import Squid, fill_memory
from squidlib.utils.modes import evaluating
from tests.conftest import tiny_config
from tests.helpers import noise, refusal

SLOTS = 6
Tell = Callable[[tuple[Tensor, ...]], Page]


def made(score: str = "combined", **changes: int | bool) -> Detector:
    torch.manual_seed(0)
    config = tiny_config(directions=8, slots=SLOTS, **changes)
    squid, discriminator = Squid(config).eval(), Discriminator(config.image_shape).eval()
    fill_memory(squid, noise(9, 24, seed=3))
    return Detector(squid, discriminator, calibrate(squid, discriminator, noise(40, 24, seed=4)), {"score": score})


@pytest.fixture(scope="module")
def session() -> onnxruntime.InferenceSession:
    return session_of(made(cosine_memory=True))


@pytest.fixture(scope="module")
def context_session() -> onnxruntime.InferenceSession:
    return session_of(made("either", cosine_memory=True, context=True))


def session_of(detector: Detector) -> onnxruntime.InferenceSession:
    jaxtyping.config.update("jaxtyping_disable", True)  # the exporter traces with things that are no tensors
    try:
        model, difference = page_model(detector)
    finally:
        jaxtyping.config.update("jaxtyping_disable", False)
    assert difference < 1e-3
    onnx.checker.check_model(model)
    assert not any(node.metadata_props for node in model.graph.node)  # paths of the machine that wrote it
    return onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])


def told(session: onnxruntime.InferenceSession, inputs: tuple[Tensor, ...]) -> Page:
    found = session.run(None, {name: part.numpy() for name, part in zip(INPUTS, inputs, strict=True)})
    return Page(*map(torch.from_numpy, found))


def in_torch(detector: Detector, inputs: tuple[Tensor, ...]) -> Page:
    jaxtyping.config.update("jaxtyping_disable", True)  # Limits holds tensors there
    try:
        with torch.no_grad():
            return PageGraph(detector)(*inputs)
    finally:
        jaxtyping.config.update("jaxtyping_disable", False)


@pytest.fixture(params=[True, False], ids=["cosine in onnxruntime", "dot product in torch"])
def case(request: pytest.FixtureRequest, session: onnxruntime.InferenceSession) -> tuple[Detector, Tell]:
    detector = made(cosine_memory=request.param)
    return detector, partial(told, session) if request.param else partial(in_torch, detector)


def kept(k: int) -> Shrink:
    return lambda weights: topk_shrink(weights, k, straight_through=False)


def above(threshold: float) -> Shrink:
    return lambda weights: hard_shrink(weights, threshold)


READINGS = [
    # slots, k and threshold that the graph gets, the shrinkage of memory_readout
    (SLOTS, 2, 0.0, kept(2)),
    (SLOTS, 5, 0.0, kept(5)),
    (SLOTS, SLOTS, 0.0, lambda weights: weights),
    (SLOTS, SLOTS, 0.16, above(0.16)),
    (SLOTS, SLOTS, 0.9, above(0.9)),  # nothing is recalled
    (3, 1, 0.0, kept(1)),
    (2, 2, 0.0, kept(2)),  # fewer slots than the distance averages over
    (1, 1, 0.0, kept(1)),
]


@pytest.mark.parametrize(("count", "k", "threshold", "shrink"), READINGS)
def test_however_the_memory_is_read_it_says_what_the_library_says(
    case: tuple[Detector, Tell], count: int, k: int, threshold: float, shrink: Shrink
) -> None:
    (detector, tell), images = case, noise(3, 24, seed=9)
    slots = newest(detector.squid.inpainting.memory.contents(), count)
    found = tell(page_inputs(detector, images, slots, k, threshold))
    output = read(detector.squid, encode(detector, images).levels[0], slots, shrink)
    raw = read_scores(detector, encode(detector, images), slots, shrink)
    expected = {
        "queries": output.queries, "weights": output.weights, "recalled": output.recalled,
        "reconstruction": output.reconstruction, "raw": raw.patches(),
        "standard": standardised(raw, detector.calibration),
        "score": image_scores(raw, detector.calibration)["combined"],
    }  # fmt: skip
    for name, own in expected.items():
        assert torch.allclose(getattr(found, name), own, atol=1e-4, rtol=1e-4), name
    assert torch.allclose(found.softmax.sum(-1), torch.ones(3, 9), atol=1e-5)
    assert torch.allclose(found.patch_scores, found.standard.sum(0), atol=1e-4)


def test_as_it_was_trained_it_is_the_detectors_prediction(
    case: tuple[Detector, Tell],
) -> None:
    (detector, tell), images = case, torch.cat([noise(2, 24, seed=9), torch.zeros(1, 1, 24, 24)])  # the last is unlike
    slots = detector.squid.inpainting.memory.contents()
    found = tell(page_inputs(detector, images, slots, detector.config.topk, 0.0))
    own = detector.predict(images)
    for name in ("score", "patch_scores", "reconstruction", "anomaly_map"):
        assert torch.allclose(getattr(found, name), getattr(own, name), atol=1e-4, rtol=1e-4), name
    assert np.array_equal(found.unlike.numpy(), own.unlike.numpy())
    assert found.unlike[-1]


@pytest.mark.parametrize("score", SHOWN)
def test_each_score_is_that_of_the_worst_patch(score: str) -> None:
    detector, images = made(score, context=True), noise(4, 24, seed=9)
    slots = detector.squid.inpainting.memory.contents()
    found, own = (
        in_torch(detector, page_inputs(detector, images, slots, detector.config.topk, 0.0)),
        detector.predict(images),
    )
    for name in ("score", "patch_scores", "anomaly_map"):
        assert torch.allclose(getattr(found, name), getattr(own, name), atol=1e-4, rtol=1e-4), name
    assert torch.equal(found.own.amax(-1), found.score)


@pytest.mark.parametrize(("count", "k"), [(SLOTS, 2), (3, 3), (1, 1)])
def test_what_belongs_together_is_judged_with_any_number_of_slots(
    context_session: onnxruntime.InferenceSession, count: int, k: int
) -> None:
    detector, images = made("either", cosine_memory=True, context=True), noise(3, 24, seed=9)
    slots = newest(detector.squid.inpainting.memory.contents(), count)
    raw = read_scores(detector, encode(detector, images), slots, kept(k))
    known = calibration_of(read_scores(detector, encode(detector, noise(40, 24, seed=4)), slots, kept(k)))
    read_so = Detector(detector.squid, detector.discriminator, known, detector.metadata)  # another scale and limits
    found = told(context_session, page_inputs(read_so, images, slots, k, 0.0))
    assert torch.allclose(found.raw, raw.patches(), atol=1e-4)
    assert torch.allclose(found.score, image_scores(raw, known)["either"], atol=1e-3)
    assert torch.allclose(found.patch_scores, patch_scores(raw, known, limits_of(known)), atol=1e-3)


@pytest.mark.parametrize(("count", "k", "threshold"), [(SLOTS, 2, 0.0), (4, 4, 0.1)])
def test_every_output_is_torchs(session: onnxruntime.InferenceSession, count: int, k: int, threshold: float) -> None:
    detector = made(cosine_memory=True)
    slots = newest(detector.squid.inpainting.memory.contents(), count)
    inputs = page_inputs(detector, noise(2, 24, seed=5), slots, k, threshold)
    for name, one, other in zip(Page._fields, told(session, inputs), in_torch(detector, inputs), strict=True):
        assert one.shape == other.shape, name
        assert torch.allclose(one.float(), other.float(), atol=1e-4, rtol=1e-4), name


def test_attention_is_the_blocks_and_alone_is_the_picture_among_mean_neighbours(
    session: onnxruntime.InferenceSession,
) -> None:
    detector = made(cosine_memory=True)
    squid, images = detector.squid, noise(2, 24, seed=6)
    block, slots = squid.inpainting, squid.inpainting.memory.contents()
    found = told(session, page_inputs(detector, images, slots, 2, 0.0))
    around = neighbours(found.recalled, 3).flatten(0, 1)
    asked, mean = found.queries.flatten(0, 1)[:, None], neighbours(slots.mean(1).expand(2, -1, -1), 3).flatten(0, 1)
    with evaluating(squid):
        weights = block.attention(asked, around, around)[1]
        answer = block.attention(asked, mean, mean)[0][:, 0]
        x = torch.relu(block.attention_norm(answer) + found.recalled.flatten(0, 1))
        x = torch.relu(block.feed_forward_norm(block.feed_forward(x)) + x).unflatten(0, (2, 9))
        levels = squid.encode(images)
        alone = squid.student(block.rebuild(levels[-1], x), levels)[0]
    assert torch.allclose(found.attention.flatten(0, 1), weights[:, 0], atol=1e-4)
    assert torch.allclose(found.attention.sum(-1), torch.ones(2, 9), atol=1e-5)
    assert torch.allclose(found.alone, alone, atol=1e-5)
    assert not torch.allclose(found.inpainted, x, atol=1e-4)


def test_a_detector_that_scores_by_something_else_is_refused() -> None:
    other = made("discriminator")
    assert "this one scores by discriminator" in refusal(lambda: PageGraph(other))
