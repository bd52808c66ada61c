"""Training state: networks and optimisers as they are made, placed, taken down and put back.

Lightning Fabric places tensors, sets the precision and joins processes, no more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import torch
from torch import Tensor

from squidlib.config import SquidConfig
from squidlib.discriminator import Discriminator
from squidlib.inpainting import InpaintingBlock
from squidlib.squid import Squid
from squidlib.training.compile import compile_networks
from squidlib.training.config import TrainingConfig
from squidlib.training.devices import Layout, make_fabric, resolve_device
from squidlib.training.sync_batchnorm import normalise_globally
from squidlib.utils.distributed import broadcast_json, broadcast_tensors, rank, world
from squidlib.utils.errors import UserError

if TYPE_CHECKING:
    from lightning_fabric import Fabric

NetworkT = TypeVar("NetworkT", bound=torch.nn.Module)


class DivergenceError(UserError):
    """A loss or a weight is no longer a finite number: nothing of this training can be used from here on."""


class Best(NamedTuple):
    """The lowest validation loss so far, after which step, and what the networks were then."""

    loss: float = float("inf")
    step: int = 0
    networks: Mapping[str, Tensor] = {}


@dataclass
class TrainingState:
    """Everything that changes while training; ``step`` is the next one to do."""

    squid: Any  #: Squid, in what Fabric puts around it; see ``unwrapped``
    discriminator: Any  #: Discriminator, likewise
    squid_optimizer: torch.optim.Optimizer
    discriminator_optimizer: torch.optim.Optimizer
    fabric: Fabric
    step: int = 0
    best: Best = field(default_factory=Best)  #: changes only where there is a ``TrainingConfig.patience``


def start(
    config: SquidConfig,
    training: TrainingConfig,
    device: str = "auto",
    block: Callable[[SquidConfig], InpaintingBlock] = InpaintingBlock,
    fabric: Fabric | None = None,
) -> TrainingState:
    """New networks and optimisers; the weights depend on ``training.seed`` alone.

    Args:
        device: "auto" takes a CUDA GPU where there is one, else the CPU; or "cpu", "cuda", "mps".
        block: builds the in-painting block; ablations build another one.
        fabric: of ``make_fabric``, for several processes; it knows the device. None: one process.
    """
    if fabric is None:
        fabric = make_fabric(Layout(resolve_device(device), 1), training.precision)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(training.seed)
        squid, discriminator = Squid(config, block), Discriminator(config.image_shape)
    if world() > 1:
        normalise_globally(squid)
        normalise_globally(discriminator)
    if training.channels_last:
        squid.to(memory_format=torch.channels_last)
        discriminator.to(memory_format=torch.channels_last)
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
    if training.compile:
        compile_networks(squid, discriminator, fabric.device)
    squid, squid_optimizer = fabric.setup(squid, squid_optimizer)
    discriminator, discriminator_optimizer = fabric.setup(discriminator, discriminator_optimizer)
    return TrainingState(squid, discriminator, squid_optimizer, discriminator_optimizer, fabric)


def networks_of(state: TrainingState) -> dict[str, Tensor]:
    """A copy on the CPU of both networks, the memory included, by names."""
    return {
        f"{name}.{key}": tensor.detach().to("cpu", copy=True)
        for name, module in _modules(state).items()
        for key, tensor in module.state_dict().items()
    }


def set_networks(state: TrainingState, tensors: Mapping[str, Tensor]) -> None:
    """Set both networks to what ``networks_of`` gave.

    Raises:
        RuntimeError: where they do not fit.
    """
    for name, module in _modules(state).items():
        module.load_state_dict(_below(tensors, name))


def snapshot(state: TrainingState) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Everything that ``restore`` needs to go on bit-identically: tensors, and JSON facts."""
    tensors = networks_of(state)
    for name, optimizer in _optimizers(state).items():
        for index, values in optimizer.state_dict()["state"].items():
            tensors |= {f"{name}.{index}.{key}": torch.as_tensor(value) for key, value in values.items()}
    metadata: dict[str, Any] = {"step": state.step}
    if state.best.networks:
        tensors |= {f"best.{name}": tensor for name, tensor in state.best.networks.items()}
        metadata |= {"best_loss": state.best.loss, "best_step": state.best.step}
    return tensors, metadata


def restore(state: TrainingState, tensors: Mapping[str, Tensor], metadata: Mapping[str, Any]) -> None:
    """Set a freshly started state to a snapshot.

    Raises:
        RuntimeError: where it does not fit the networks.
    """
    set_networks(state, tensors)
    for name, optimizer in _optimizers(state).items():
        plain = optimizer.state_dict()
        parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
        for key, value in _below(tensors, name).items():
            index, field_name = key.split(".")
            if value.shape == parameters[int(index)].shape:  # the fused step expects the weights' memory format
                value = torch.empty_like(parameters[int(index)], dtype=value.dtype, device=value.device).copy_(value)
            plain["state"].setdefault(int(index), {})[field_name] = value
        optimizer.load_state_dict(plain)
    state.step = int(metadata["step"])
    if "best_loss" in metadata:
        state.best = Best(metadata["best_loss"], metadata["best_step"], _below(tensors, "best"))


def check_finite(tensors: Mapping[str, Tensor], step: int) -> None:
    """Raise a ``DivergenceError`` where a tensor holds an infinite number, or no number."""
    strange = next((name for name, tensor in tensors.items() if not tensor.isfinite().all()), None)
    if strange is not None:
        raise DivergenceError(f"training diverged: after step {step} {strange} is not finite")


def share_state(state: TrainingState) -> None:
    """Give every process the first one's state; only that one needs to read the run's folder."""
    if world() == 1:
        return
    tensors, metadata = snapshot(state)
    tensors, metadata = broadcast_tensors(tensors), broadcast_json(metadata)
    if rank():
        restore(state, tensors, metadata)


def unwrapped(module: NetworkT) -> NetworkT:
    """The module itself, without what Fabric puts around it."""
    inner: NetworkT = getattr(module, "module", module)
    return inner


def _below(tensors: Mapping[str, Tensor], name: str) -> dict[str, Tensor]:
    prefix = name + "."
    return {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}


def _modules(state: TrainingState) -> dict[str, torch.nn.Module]:
    return {"squid": unwrapped(state.squid), "discriminator": unwrapped(state.discriminator)}


def _optimizers(state: TrainingState) -> dict[str, torch.optim.Optimizer]:
    return {"squid_optimizer": state.squid_optimizer, "discriminator_optimizer": state.discriminator_optimizer}
