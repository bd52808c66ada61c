"""Reading with another memory gives what a detector with that memory gives, and changes nothing."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace

import pytest
import torch

from squidlib.config import SquidConfig
from squidlib.detection.detector import Detector
from squidlib.detection.memory_readout import encode, newest, read, read_scores
from squidlib.shrinkage import topk_shrink
from squidlib.teaching.explorer.setting import Setting
from tests.conftest import tiny_config
from tests.helpers import noise, untrained

IMAGES = noise(5, 24, seed=3)


@pytest.fixture(params=[False, True], ids=["dot", "cosine"])
def detector(request: pytest.FixtureRequest) -> Detector:
    return untrained(tiny_config(cosine_memory=request.param), noise(12, 24))


def test_all_slots_and_the_detectors_own_k_are_the_detector_itself(detector: Detector) -> None:
    slots = detector.squid.inpainting.memory.contents()
    output = read(detector.squid, detector.squid.encode(IMAGES), slots, lambda weights: topk_shrink(weights, 2))
    torch.testing.assert_close(output.reconstruction, detector.reconstruct(IMAGES))
    own = detector.raw_scores(IMAGES)
    found = read_scores(detector, encode(detector, IMAGES), slots, lambda weights: topk_shrink(weights, 2))
    for ours, theirs in zip(own, found, strict=True):
        torch.testing.assert_close(ours, theirs)


def test_a_memory_that_reaches_to_neighbours_is_read_as_the_detector_reads_it() -> None:
    """The readout asked each position's own memory, whatever the configuration."""
    reaching = untrained(replace(tiny_config(), memory_reach=1), noise(6, 24))
    slots = reaching.squid.inpainting.memory.contents()
    found = read_scores(reaching, encode(reaching, IMAGES), slots, lambda weights: topk_shrink(weights, 2))
    torch.testing.assert_close(found.distance, reaching.raw_scores(IMAGES).distance)


@pytest.mark.parametrize("count", [1, 2, 4, 6])
def test_fewer_slots_are_the_queue_resized(detector: Detector, count: int) -> None:
    resized = deepcopy(detector)
    resized.squid.inpainting.memory.resize(count)
    kept = newest(detector.squid.inpainting.memory.contents(), count)
    torch.testing.assert_close(kept, resized.squid.inpainting.memory.contents())
    found = read(detector.squid, detector.squid.encode(IMAGES), kept, Setting(slots=count, k=2).shrink())
    torch.testing.assert_close(found.reconstruction, resized.reconstruct(IMAGES))


def test_soft_reading_is_k_of_all(detector: Detector) -> None:
    every = deepcopy(detector)
    every.squid.inpainting.config = replace(every.config, topk=6)
    slots = detector.squid.inpainting.memory.contents()
    found = read(detector.squid, detector.squid.encode(IMAGES), slots, Setting(shrinkage="soft").shrink())
    torch.testing.assert_close(found.reconstruction, every.reconstruct(IMAGES))


def test_reading_changes_nothing(detector: Detector) -> None:
    before = {name: tensor.clone() for name, tensor in detector.squid.state_dict().items()}
    slots = detector.squid.inpainting.memory.contents()
    read_scores(detector, encode(detector, IMAGES), newest(slots, 1), Setting(shrinkage="hard").shrink())
    for name, tensor in detector.squid.state_dict().items():
        assert torch.equal(tensor, before[name]), name


def test_more_slots_than_there_are_cannot_be_had(detector: Detector) -> None:
    slots = detector.squid.inpainting.memory.contents()
    for count in (0, 7):
        with pytest.raises(ValueError, match=r"1\.\.6 slots"):
            newest(slots, count)


def test_a_configuration_of_the_paper_can_be_read_too() -> None:
    config = replace(SquidConfig(), width=8, code_channels=8, slots=6, topk=2, skip_slots=4)
    detector = untrained(config, noise(3, 96))
    slots = detector.squid.inpainting.memory.contents()
    images = noise(2, 96, seed=1)
    found = read(detector.squid, detector.squid.encode(images), slots, Setting(k=2).shrink())
    torch.testing.assert_close(found.reconstruction, detector.reconstruct(images))
