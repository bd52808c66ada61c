"""Training: the visible loop. Forward, loss, backward, step, push; nothing is hidden in a framework.

Paper: section 3.5 and 4.2. Authors' file: main.py (``gan_train``).

Differs from the original: the generator's forward pass is computed once a step and serves both networks (theirs runs
it twice); every random number is a function of (seed, step), so that a run that was killed goes on exactly as if it
had not been; several processes train to the same result as one (``squidlib.utils.distributed``; theirs uses one GPU).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import closing
from typing import NamedTuple

import torch
from torch import Tensor

from digitanatomy import seeded_generator
from squidlib.config import LossWeights
from squidlib.data.base import NormalData, Validates, Varies
from squidlib.losses import GeneratorLoss, discriminator_loss, generator_loss
from squidlib.squid import fill_memory
from squidlib.training.config import TrainingConfig
from squidlib.training.devices import resolve_device
from squidlib.training.early_stopping import back_to_best, is_over, validate
from squidlib.training.prefetch import batch_threads, batches
from squidlib.training.state import DivergenceError, TrainingState, start, unwrapped
from squidlib.utils.distributed import (
    all_gather,
    all_reduce_mean,
    average_gradients,
    broadcast,
    local_batch_size,
    local_draws,
    rank,
)
from squidlib.utils.distributed import world as world_size

__all__ = [
    "DivergenceError", "StepResult", "TrainingState", "resolve_device", "schedule", "set_learning_rate",
    "start", "train", "train_step", "unwrapped",
]  # fmt: skip


CHECKED_TOGETHER = 10  #: steps whose losses are looked at together on a GPU, which has to be waited for to look
DRAWS = 1 << 40  #: the number of step 0's generator: the data's own are counted from 0


class StepResult(NamedTuple):
    """Losses of one step (0-dimensional, detached; over several processes, of the whole batch).

    ``generator`` or ``discriminator`` is None where it rested, ``validation`` between two validations.
    """

    step: int
    generator: GeneratorLoss | None = None
    discriminator: Tensor | None = None
    validation: float | None = None


def train(
    state: TrainingState, data: NormalData, training: TrainingConfig, weights: LossWeights
) -> Iterator[StepResult]:
    """Train from ``state.step`` to ``training.steps``, then fill the memory if the configuration says so.

    With a ``training.patience`` it may stop before, and goes back to the networks of the lowest validation loss.

    >>> for result in train(state, data, training, weights):  # doctest: +SKIP
    ...     print(result.step, result.generator)

    Yields:
        After every step, when the state is whole again, its losses: log, save and draw there. Leaving the loop, and
        Ctrl-C, leave a state from which another ``train`` goes on. What is done after the last step is done when the
        loop asks for one more: a loop that is left by ``break`` leaves it out.

    Raises:
        DivergenceError: where a loss is not finite; weights and memory are no longer what they were before the step.
            On a GPU it is found up to ``CHECKED_TOGETHER`` - 1 steps later.
        ValueError: where ``training.validate_every`` is given and the data holds nothing back.
    """
    if training.validate_every and not isinstance(data, Validates):
        raise ValueError("validate_every needs data with held-out images: a method validation()")
    if state.step == 0:
        _fill(state, _on_device(data.batch(0, training.batch_size), state))
    validation = data.validation() if training.validate_every and isinstance(data, Validates) else None
    share, processes = local_batch_size(training.batch_size, world_size()), world_size()
    unchecked: list[StepResult] = []
    together = 1 if state.fabric.device.type == "cpu" else CHECKED_TOGETHER
    # this process's share of every batch
    own = batches(
        lambda step: data.batch(step * processes + rank(), share),
        range(state.step, training.steps),
        batch_threads(state.fabric.device),
    )
    with closing(own) as made:
        while not is_over(state, training):
            state.squid.train()
            state.discriminator.train()
            step = state.step
            images = _on_device(next(made), state)
            result = train_step(state, images, step, training, weights)
            unchecked.append(result)
            state.step = step + 1
            if len(unchecked) >= together or is_over(state, training):
                _check_finite(unchecked)
                unchecked.clear()
            if validation is not None and (state.step % training.validate_every == 0 or state.step == training.steps):
                result = result._replace(validation=validate(state, validation))
            yield result
    back_to_best(state)
    if training.refill_memory:
        reference = _on_device(data.varied_reference() if isinstance(data, Varies) else data.reference(), state)
        if 0 < training.refill_slots < len(reference):
            reference = reference[torch.arange(training.refill_slots) * len(reference) // training.refill_slots]
        unwrapped(state.squid).inpainting.memory.resize(len(reference))
        _fill(state, reference)


def train_step(
    state: TrainingState, images: Tensor, step: int, training: TrainingConfig, weights: LossWeights
) -> StepResult:
    """One step on images (B, C, H, W): one forward pass, then generator and discriminator where it is their turn.

    Of several processes, each has its share of the batch, and all of them call this.
    """
    generator = seeded_generator(training.seed, DRAWS + step, images.device)
    trains_generator = step % training.generator_every == 0
    trains_discriminator = step % training.discriminator_every == 0
    set_learning_rate(state.squid_optimizer, training.learning_rate * schedule(step, training))
    result = StepResult(step)

    with torch.set_grad_enabled(trains_generator), local_draws():
        output = state.squid(images, generator)
    if trains_generator:
        state.discriminator.requires_grad_(False)
        logits = state.discriminator(output.reconstruction) if trains_discriminator else None
        slots = unwrapped(state.squid).inpainting.memory.contents()
        loss = generator_loss(output, images, logits, slots, weights)
        state.squid_optimizer.zero_grad()
        state.fabric.backward(loss.total)
        average_gradients(state.squid)
        state.squid_optimizer.step()
        unwrapped(state.squid).push(all_gather(output.queries))  # the memory becomes this step's features
        result = result._replace(generator=GeneratorLoss(**all_reduce_mean(loss._asdict())))
    if trains_discriminator:
        state.discriminator.requires_grad_(True)
        real = state.discriminator(images)
        fake = state.discriminator(output.reconstruction.detach())
        judged = discriminator_loss(real, fake, weights)
        state.discriminator_optimizer.zero_grad()
        state.fabric.backward(judged)
        average_gradients(state.discriminator)
        state.discriminator_optimizer.step()
        result = result._replace(discriminator=all_reduce_mean({"discriminator": judged})["discriminator"])
    return result


def losses_of(result: StepResult) -> dict[str, Tensor]:
    """The losses of a step that are there, by name."""
    losses: dict[str, Tensor] = {} if result.generator is None else result.generator._asdict()
    return losses | ({} if result.discriminator is None else {"discriminator": result.discriminator})


def _check_finite(results: list[StepResult]) -> None:
    """Raise a ``DivergenceError`` where a loss is infinite or no number; all processes have the same losses."""
    every = [value for result in results for value in losses_of(result).values()]
    if not every or torch.stack(every).isfinite().all():  # one look at the device
        return
    for result in results:
        losses = {name: float(value) for name, value in losses_of(result).items()}
        strange = [f"{name} {value}" for name, value in losses.items() if not math.isfinite(value)]
        if strange:
            raise DivergenceError(
                f"training diverged: at step {result.step} a loss is not finite ({', '.join(strange)})"
            )


def schedule(step: int, training: TrainingConfig) -> float:
    """Factor on the learning rate: linear warm-up, then half a cosine that would end at ``schedule_steps``."""
    warm = min(1.0, (step + 1) / (training.warmup_steps + 1))
    low = training.final_learning_rate
    return warm * (low + (1 - low) * 0.5 * (1 + math.cos(math.pi * step / training.schedule_steps)))


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """The same rate for every parameter of an optimiser."""
    for group in optimizer.param_groups:
        group["lr"] = rate


def _fill(state: TrainingState, images: Tensor) -> None:
    """Fill the memory; every process computes the same, and then has the very bits of the first one."""
    squid = unwrapped(state.squid)
    fill_memory(squid, images)
    broadcast(squid.inpainting.memory.state_dict().values())


def _on_device(images: Tensor, state: TrainingState) -> Tensor:
    return images.to(state.fabric.device, non_blocking=True)
