"""Training: the visible loop. Forward, loss, backward, step, push; nothing is hidden in a framework.

Paper: section 3.5 and 4.2. Authors' file: main.py (``gan_train``).

Differs from the original: the generator's forward pass is computed once a step and serves both networks (theirs runs
it twice); every random number is a function of (seed, step), so that a run that was killed goes on exactly as if it
had not been. Lightning Fabric places tensors and sets the precision, no more.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import torch
from torch import Generator, Tensor

from squidlib.config import LossWeights, SquidConfig, TrainingConfig
from squidlib.digits import NormalData
from squidlib.discriminator import Discriminator
from squidlib.inpainting import InpaintingBlock
from squidlib.losses import GeneratorLoss, discriminator_loss, generator_loss
from squidlib.squid import Squid, fill_memory

if TYPE_CHECKING:
    from lightning_fabric import Fabric


NetworkT = TypeVar("NetworkT", bound=torch.nn.Module)


class StepResult(NamedTuple):
    """Losses of one step (0-dimensional, detached); ``generator`` or ``discriminator`` is None where it rested."""

    step: int
    generator: GeneratorLoss | None
    discriminator: Tensor | None


@dataclass
class TrainingState:
    """Everything that changes while training; ``step`` is the next one to do."""

    squid: Any  #: Squid, in what Fabric puts around it; see ``unwrapped``
    discriminator: Any  #: Discriminator, likewise
    squid_optimizer: torch.optim.Optimizer
    discriminator_optimizer: torch.optim.Optimizer
    fabric: Fabric
    step: int = 0


def start(
    config: SquidConfig,
    training: TrainingConfig,
    device: str = "auto",
    block: Callable[[SquidConfig], InpaintingBlock] = InpaintingBlock,
) -> TrainingState:
    """New networks and optimisers; the weights depend on ``training.seed`` alone.

    Args:
        device: "auto" takes a CUDA GPU where there is one, else the CPU; or "cpu", "cuda", "mps".
        block: builds the in-painting block; ablations build another one.
    """
    from lightning_fabric import Fabric

    fabric = Fabric(accelerator=resolve_device(device), devices=1, precision=training.precision)  # type: ignore[arg-type]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(training.seed)
        squid, discriminator = Squid(config, block), Discriminator(config.image_size)
    betas = (training.beta1, 0.999)
    # Fused: one pass over the weights in place of several; the paper preset has 50 M of them.
    squid_optimizer = torch.optim.Adam(
        squid.parameters(),
        training.learning_rate,
        betas,
        eps=training.epsilon,
        weight_decay=training.weight_decay,
        fused=True,
    )
    discriminator_optimizer = torch.optim.Adam(
        discriminator.parameters(), training.discriminator_learning_rate, (0.5, 0.999), fused=True
    )
    squid, squid_optimizer = fabric.setup(squid, squid_optimizer)
    discriminator, discriminator_optimizer = fabric.setup(discriminator, discriminator_optimizer)
    return TrainingState(squid, discriminator, squid_optimizer, discriminator_optimizer, fabric)


def train(
    state: TrainingState,
    data: NormalData,
    training: TrainingConfig,
    weights: LossWeights,
    after_step: Callable[[StepResult], None] = lambda result: None,
) -> None:
    """Train from ``state.step`` to ``training.steps``, then fill the memory if the configuration says so.

    ``after_step`` is called when the state is whole again: log, save and draw there. An exception that it raises, and
    Ctrl-C, leave a state from which ``train`` goes on.
    """
    if state.step == 0:
        fill_memory(unwrapped(state.squid), _on_device(data.batch(0, training.batch_size), state))
    state.squid.train()
    state.discriminator.train()
    for step in range(state.step, training.steps):
        images = _on_device(data.batch(step, training.batch_size), state)
        result = train_step(state, images, step, training, weights)
        state.step = step + 1
        after_step(result)
    if training.refill_memory:
        squid, reference = unwrapped(state.squid), _on_device(data.reference(), state)
        squid.inpainting.memory.resize(len(reference))
        fill_memory(squid, reference)


def train_step(
    state: TrainingState, images: Tensor, step: int, training: TrainingConfig, weights: LossWeights
) -> StepResult:
    """One step on images (B, 1, H, W): one forward pass, then generator and discriminator where it is their turn."""
    generator = seeded_generator(training.seed, step, images.device)
    trains_generator = step % training.generator_every == 0
    trains_discriminator = step % training.discriminator_every == 0
    set_learning_rate(state.squid_optimizer, training.learning_rate * schedule(step, training))

    with torch.set_grad_enabled(trains_generator):
        output = state.squid(images, generator)
    loss = None
    if trains_generator:
        state.discriminator.requires_grad_(False)
        logits = state.discriminator(output.reconstruction) if trains_discriminator else None
        slots = unwrapped(state.squid).inpainting.memory.contents()
        loss = generator_loss(output, images, logits, slots, weights)
        state.squid_optimizer.zero_grad()
        state.fabric.backward(loss.total)
        state.squid_optimizer.step()
        unwrapped(state.squid).push(output.queries)  # the memory becomes this step's features
    discriminator_result = None
    if trains_discriminator:
        state.discriminator.requires_grad_(True)
        real = state.discriminator(images)
        fake = state.discriminator(output.reconstruction.detach())
        discriminator_result = discriminator_loss(real, fake, weights)
        state.discriminator_optimizer.zero_grad()
        state.fabric.backward(discriminator_result)
        state.discriminator_optimizer.step()
        discriminator_result = discriminator_result.detach()
    return StepResult(step, loss and GeneratorLoss(*(term.detach() for term in loss)), discriminator_result)


def schedule(step: int, training: TrainingConfig) -> float:
    """Factor on the learning rate: linear warm-up, then half a cosine that would end at ``schedule_steps``."""
    warm = min(1.0, (step + 1) / (training.warmup_steps + 1))
    low = training.final_learning_rate
    return warm * (low + (1 - low) * 0.5 * (1 + math.cos(math.pi * step / training.schedule_steps)))


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """The same rate for every parameter of an optimiser."""
    for group in optimizer.param_groups:
        group["lr"] = rate


def seeded_generator(seed: int, step: int, device: torch.device) -> Generator:
    """A generator for one step on one device."""
    return Generator(device).manual_seed((seed << 32) + step)


def resolve_device(name: str) -> str:
    """ "auto" -> "cuda" where a CUDA GPU is, else "cpu"; other names are returned."""
    if name != "auto":
        return name
    return "cuda" if torch.cuda.is_available() else "cpu"


def unwrapped(module: NetworkT) -> NetworkT:
    """The module itself, without what Fabric puts around it."""
    inner: NetworkT = getattr(module, "module", module)
    return inner


def _on_device(images: Tensor, state: TrainingState) -> Tensor:
    return images.to(state.fabric.device, non_blocking=True)
