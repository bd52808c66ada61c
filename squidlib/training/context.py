"""Train context prediction on what a trained SQUID's encoder says of normal images; nothing of SQUID changes.

The features are computed once; what is trained afterwards is small, and takes half a minute on one CPU core.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor, nn

from digitanatomy import seeded_generator
from squidlib.context import ContextPrediction, all_others, context_loss
from squidlib.data.base import NormalData, Unvaried
from squidlib.squid import Squid
from squidlib.utils.distributed import broadcast, rank
from squidlib.utils.modes import evaluating

IMAGES, STEPS, BATCH = 6400, 2000, 128
RATE, DECAY = 3e-3, 1e-4  #: the highest learning rate, reached after a third of the steps; of AdamW
FEATURE_BATCH = 64  #: images that are encoded at once
ORDER = 1 << 43  #: a stream of random numbers beside those of the data


def train_context(
    squid: Squid, data: NormalData, seed: int = 0, steps: int = STEPS, images: int = IMAGES
) -> ContextPrediction:
    """Context prediction for the memory features of ``squid``, in evaluation mode.

    Args:
        squid: trained; its weights, memory and mode stay as they are.
        data: its training images; ``images`` of them are encoded.
        seed: of weights and order.

    Raises:
        ValueError: where a number is below 1.
    """
    if min(steps, images) < 1:
        raise ValueError(f"at least one step and one image expected, got {steps=}, {images=}")
    features = encoded(squid, data, images)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = ContextPrediction(squid.config.features, all_others(squid.config.positions)).to(features.device)

    def loss_of(step: int) -> Tensor:
        generator = seeded_generator(seed, ORDER + step)
        chosen = torch.randint(len(features), (min(BATCH, len(features)),), generator=generator)
        return context_loss(model, features[chosen.to(features.device)])

    minimise(model, loss_of, steps)
    return model.eval()


def minimise(model: nn.Module, loss_of: Callable[[int], Tensor], steps: int, rate: float = RATE) -> None:
    """Train a small model by AdamW: a loss for each step's number, the rate up to ``rate`` and down again."""
    optimizer = torch.optim.AdamW(model.parameters(), rate, weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: rise_and_fall(step, steps))
    for step in range(steps):
        loss = loss_of(step)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()


def learn_context(squid: Squid, data: NormalData, seed: int) -> None:
    """Give ``squid``, whose configuration asks for a context, one that is trained; the same in every process.

    It learns from training images that nothing varied, where the data has them: what a variation gives to all patches
    of an image alike would be the easiest thing to tell images apart by.
    """
    if rank() == 0:
        print(f"learning which patches belong together: {STEPS} steps on the features of {IMAGES} images")
    shown = data.unvaried() if isinstance(data, Unvaried) else data
    squid.context = train_context(squid, shown, seed, STEPS, IMAGES)
    broadcast(squid.context.state_dict().values())


def rise_and_fall(step: int, steps: int) -> float:
    """Factor on the learning rate: up in a line for a third of the steps, then down along half a cosine to 0."""
    rising = max(1, steps // 3)
    if step < rising:
        return (step + 1) / rising
    return 0.5 * (1 + math.cos(math.pi * (step - rising) / max(1, steps - rising)))


def encoded(squid: Squid, data: NormalData, images: int) -> Float[Tensor, "N R D"]:
    """The memory features of that many training images, on the network's device."""
    device = next(squid.parameters()).device
    with evaluating(squid):
        batches = -(-images // FEATURE_BATCH)
        parts = [squid.query(data.batch(step, FEATURE_BATCH).to(device)) for step in range(batches)]
    return torch.cat(parts)[:images]
