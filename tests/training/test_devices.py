"""Devices: every step of training and scoring stays on the device that it began on; no GPU is needed to know.

Two ways. PyTorch's fake tensors on "cuda" know shapes and devices and no numbers: forward, losses, pushing, scoring.
They cannot go backward without a driver, nor through code that reads a counter. ``tests.synthetic_gpu`` works the
numbers out on the CPU and only pretends the device: the whole of training, backward and optimiser included, filling and
refilling the memory, validation, gathering, saving and going on, calibration, scores, anomaly map.

What neither can cover: CUDA's own kernels and their numbers, the fused optimiser (its plain one stands in), 16-bit
autocast on a GPU, a generator on a GPU (the CPU's stands in; the device it is asked for is checked), NCCL.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode

import squidlib.training.loop
from squidlib.context import ContextPrediction, all_others
from squidlib.detection.scores import raw_scores
from squidlib.discriminator import Discriminator
from squidlib.losses import discriminator_loss, generator_loss
from squidlib.memory import MemoryQueue
from squidlib.squid import Squid
from squidlib.training.config import TrainingConfig
from squidlib.training.early_stopping import validation_loss
from squidlib.training.loop import TrainingState, start, train, train_step, unwrapped
from squidlib.training.presets import PRESETS
from squidlib.training.state import restore, snapshot
from squidlib.training.trainer import finish
from squidlib.utils.distributed import all_gather, all_reduce_mean, any_process, average_gradients
from tests.conftest import tiny_config
from tests.synthetic_gpu import GPU, Synthetic, SyntheticFabric, synthetic_gpu, waits
from tests.two_processes import StreamOfNoise


@pytest.fixture
def cuda() -> Iterator[torch.device]:
    """A synthetic GPU: shapes and devices are real, numbers are not."""
    with FakeTensorMode(allow_non_fake_inputs=False):
        yield torch.device("cuda")


def made(device: torch.device) -> tuple[Squid, Discriminator, torch.Tensor]:
    config = tiny_config(cosine_memory=True)
    with device:
        squid, discriminator = Squid(config), Discriminator(config.image_shape)
    squid.push(torch.rand(config.slots, config.positions, config.features, device=device))
    return squid, discriminator, torch.rand(4, 1, config.image_size, config.image_size, device=device)


def test_every_loss_of_a_training_step_stays_on_its_device(cuda: torch.device) -> None:
    squid, discriminator, images = made(cuda)
    squid.train()
    output = squid(images)
    weights = PRESETS["laptop"]["digitanatomy"].weights
    loss = generator_loss(output, images, discriminator(output.reconstruction), squid.inpainting.memory.slots, weights)
    other = discriminator_loss(discriminator(images), discriminator(output.reconstruction.detach()), weights)
    assert {term.device.type for term in (*loss, other)} == {"cuda"}


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
    slots, grid = squid.inpainting.memory.contents(), squid.config.grid
    with cuda:
        context = ContextPrediction(squid.config.features, all_others(squid.config.positions))
    scores = raw_scores(output, slots, logits, images, grid, context=context)
    assert scores.context is not None
    assert {part.device.type for part in scores if part is not None} == {"cuda"}


def test_fake_tensors_do_notice_a_mix_up(cuda: torch.device) -> None:
    squid, _, _ = made(cuda)
    with pytest.raises(RuntimeError, match="device"):
        squid(torch.rand(4, 1, 24, 24, device="cpu"))


TRAINING = TrainingConfig(
    steps=4, schedule_steps=4, batch_size=4, generator_every=2, refill_memory=True, validate_every=2, patience=9
)
WEIGHTS, DATA = PRESETS["laptop"]["digitanatomy"].weights, StreamOfNoise(24)


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> Iterator[torch.device]:
    """A synthetic GPU with numbers; its generators are the CPU's."""

    def seeded(seed: int, step: int, device: torch.device) -> torch.Generator:
        assert device == GPU
        return torch.Generator().manual_seed(step)

    monkeypatch.setattr(squidlib.training.loop, "seeded_generator", seeded)
    with synthetic_gpu() as device:
        yield device


def begun() -> TrainingState:
    return start(tiny_config(cosine_memory=True), TRAINING, fabric=SyntheticFabric())  # type: ignore[arg-type]


def test_a_step_of_training_never_waits_for_the_device(gpu: torch.device) -> None:
    """A number that is read, or a tensor that is copied to the CPU, would let a GPU run dry in every step."""
    state = begun()
    images = DATA.batch(0, 4).to(gpu)
    unwrapped(state.squid).push(unwrapped(state.squid).query(images))
    with waits() as seen:
        for step in range(2):
            train_step(state, images, step, TRAINING, WEIGHTS)
    assert seen == []
    with waits() as seen:
        int(unwrapped(state.squid).inpainting.memory.filled)
    assert seen == ["aten._local_scalar_dense.default"], "a number that is read is seen"


def test_a_loop_waits_for_the_device_once_in_ten_steps(gpu: torch.device) -> None:
    state, training = begun(), TrainingConfig(steps=40, schedule_steps=40, batch_size=4)
    with waits() as seen:
        for _ in train(state, DATA, training, WEIGHTS):
            pass
    assert seen.count("aten._local_scalar_dense.default") == 4


def everything(state: TrainingState) -> list[torch.Tensor]:
    modules = [unwrapped(state.squid), unwrapped(state.discriminator)]
    found = [tensor for module in modules for tensor in module.state_dict().values()]
    found += [parameter.grad for module in modules for parameter in module.parameters() if parameter.grad is not None]
    for optimizer in (state.squid_optimizer, state.discriminator_optimizer):
        found += [value for values in optimizer.state.values() for value in values.values() if value.dim()]
    return found


def test_a_whole_training_stays_on_its_device(gpu: torch.device) -> None:
    state = begun()
    list(train(state, DATA, TRAINING, WEIGHTS))
    tensors = everything(state)
    assert len(tensors) > 300
    assert {tensor.device for tensor in tensors} == {gpu}
    assert validation_loss(state, DATA.validation()) > 0


def test_a_saved_training_goes_on_on_its_device(gpu: torch.device) -> None:
    state, other = begun(), begun()
    list(train(state, DATA, TRAINING, WEIGHTS))
    tensors, metadata = snapshot(state)
    assert {tensor.device.type for name, tensor in tensors.items() if name.startswith("squid.")} == {"cpu"}
    restore(other, tensors, metadata)
    assert {tensor.device for tensor in everything(other)} == {gpu}
    images = DATA.batch(7, 4).to(gpu)
    results = [train_step(each, images, 4, TRAINING, WEIGHTS) for each in (state, other)]
    assert float(results[0].generator.total) == float(results[1].generator.total)  # type: ignore[union-attr]


def test_a_trained_detector_is_calibrated_scores_and_draws_on_its_device_and_answers_where_it_was_asked(
    gpu: torch.device,
) -> None:
    state = begun()
    list(train(state, DATA, TRAINING, WEIGHTS))
    detector, images = finish(state, DATA, {}), DATA.batch(9, 3)
    assert detector.device == gpu
    assert {part.device for part in detector.calibration.as_tensors().values()} == {gpu}
    for asked in (images, images.to(gpu)):
        answers = [detector.score(asked), detector.anomaly_map(asked), detector.reconstruct(asked)]
        assert {answer.device for answer in answers} == {asked.device}


def test_what_processes_exchange_stays_on_its_device(gpu: torch.device, monkeypatch: pytest.MonkeyPatch) -> None:
    module = torch.nn.Linear(3, 2).to(gpu)
    module(torch.rand(4, 3, device=gpu)).sum().backward()
    sent: list[torch.device] = []

    def gather(parts: list[torch.Tensor], tensor: torch.Tensor) -> None:
        sent.extend(part.device for part in (*parts, tensor))
        for part in parts:
            part.copy_(tensor)

    monkeypatch.setattr("squidlib.utils.distributed.world", lambda: 2)
    monkeypatch.setattr("torch.distributed.all_gather", gather)
    monkeypatch.setattr("torch.distributed.all_reduce", lambda tensor, *_: sent.append(tensor.device))
    assert all_gather(torch.rand(2, 3, device=gpu)).shape == (4, 3)
    average_gradients(module)
    all_reduce_mean({"loss": torch.ones((), device=gpu)})
    any_process(True, gpu)
    assert sent == [gpu] * 6


def test_the_synthetic_gpu_does_notice_a_mix_up_forward_and_backward(gpu: torch.device) -> None:
    there, here = torch.rand(3, device=gpu, requires_grad=True), torch.rand(3)
    assert isinstance(there, Synthetic)
    with pytest.raises(RuntimeError, match="different devices"):
        there + here

    class Mixes(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
            return x * 2

        @staticmethod
        def backward(ctx: Any, gradient: torch.Tensor) -> torch.Tensor:  # type: ignore[override]
            return gradient * here

    with pytest.raises(RuntimeError, match="different devices"):
        Mixes.apply(there).sum().backward()
    with pytest.raises(RuntimeError, match="different devices"):
        begun().squid(DATA.batch(0, 4))
