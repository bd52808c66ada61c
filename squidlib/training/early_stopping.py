"""Validation on normal images: is the network still getting better, asked without a label.

Prechelt, "Early Stopping - But When?", 1998: keep the weights of the lowest validation loss, stop when it has not
fallen for a while. The loss is the student's reconstruction error of held-out *normal* images. What it cannot say is
how well anomalies are found: a network that rebuilds everything has a low one, too.
"""

from __future__ import annotations

import torch
import torch.distributed as dist
from torch import Tensor

from squidlib.training.config import TrainingConfig
from squidlib.training.state import Best, TrainingState, networks_of, set_networks, unwrapped
from squidlib.utils.distributed import rank, world
from squidlib.utils.modes import evaluating

BATCH = 64  #: images at once


def validation_loss(state: TrainingState, images: Tensor) -> float:
    """Mean squared reconstruction error of images (N, 1, H, W) in evaluation mode; each process sees its share."""
    total = torch.zeros((), dtype=images.dtype, device=state.fabric.device)
    with evaluating(unwrapped(state.squid)):
        for batch in images[rank() :: world()].split(BATCH):
            batch = batch.to(state.fabric.device)
            total += (state.squid(batch).reconstruction - batch).square().sum()
    if world() > 1:
        dist.all_reduce(total)
    return float(total / images.numel())


def validate(state: TrainingState, images: Tensor) -> float:
    """The loss now; where it is the lowest so far, ``state.best`` becomes these very networks."""
    loss = validation_loss(state, images)
    if loss < state.best.loss:
        state.best = Best(loss, state.step, networks_of(state))
    return loss


def is_over(state: TrainingState, training: TrainingConfig) -> bool:
    """Whether all steps are done, or the loss has not fallen for ``training.patience`` validations."""
    waited = state.step - state.best.step
    exhausted = training.patience and state.best.step and waited >= training.patience * training.validate_every
    return state.step >= training.steps or bool(exhausted)


def back_to_best(state: TrainingState) -> None:
    """Put the networks of the lowest validation loss in place; without one, nothing changes."""
    if state.best.networks:
        set_networks(state, state.best.networks)
