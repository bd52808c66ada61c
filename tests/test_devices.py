"""Devices: every step of training and scoring runs on "cuda" under fake tensors, which notice any mix-up."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from squidlib.config import LossWeights
from squidlib.discriminator import Discriminator
from squidlib.losses import discriminator_loss, generator_loss
from squidlib.memory import MemoryQueue
from squidlib.scoring import raw_scores
from squidlib.squid import Squid
from tests.conftest import tiny_config


@pytest.fixture
def cuda() -> Iterator[torch.device]:
    """A pretended GPU: shapes and devices are real, numbers are not."""
    with FakeTensorMode(allow_non_fake_inputs=False):
        yield torch.device("cuda")


def made(device: torch.device) -> tuple[Squid, Discriminator, torch.Tensor]:
    config = tiny_config(cosine_memory=True)
    with device:
        squid, discriminator = Squid(config), Discriminator(config.image_size)
    memory = squid.inpainting.memory
    # Fake tensors hold no numbers, so how far the queue is filled has to be told.
    object.__setattr__(memory, "_buffers", {**memory._buffers, "filled": _Number(config.slots), "pointer": _Number(0)})
    return squid, discriminator, torch.rand(4, 1, config.image_size, config.image_size, device=device)


class _Number(int):
    """Stands for a 0-dimensional counter where tensors hold no numbers."""


def test_every_loss_of_a_training_step_stays_on_its_device(cuda: torch.device) -> None:
    squid, discriminator, images = made(cuda)
    squid.train()
    output = squid(images)
    weights = LossWeights.laptop()
    loss = generator_loss(output, images, discriminator(output.reconstruction), squid.inpainting.memory.slots, weights)
    other = discriminator_loss(discriminator(images), discriminator(output.reconstruction.detach()), weights)
    assert {term.device.type for term in (*loss, other)} == {"cuda"}
    # Backward needs a CUDA driver even for fake tensors; it follows the devices that forward has just proven.


def test_pushing_stays_on_its_device(cuda: torch.device) -> None:
    with cuda:
        queue = MemoryQueue(9, 6, 8)
    queue.push(torch.rand(4, 9, 8, device=cuda))
    assert queue.slots.device.type == queue.pointer.device.type == "cuda"


def test_scoring_stays_on_its_device(cuda: torch.device) -> None:
    squid, discriminator, images = made(cuda)
    squid.eval()
    output = squid(images)
    logits = discriminator.eval()(output.reconstruction)
    scores = raw_scores(output, squid.inpainting.memory.contents(), logits, images, squid.config.grid)
    assert {part.device.type for part in scores} == {"cuda"}


def test_fake_tensors_do_notice_a_mix_up(cuda: torch.device) -> None:
    squid, _, _ = made(cuda)
    with pytest.raises(RuntimeError, match="device"):
        squid(torch.rand(4, 1, 24, 24, device="cpu"))
