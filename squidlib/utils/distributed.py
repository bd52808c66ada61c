"""Processes: one training shared by N processes, on one machine or on many.

Every process holds the whole network and its share of every batch, the r-th N-th of it. What one process would do with
the whole batch all of them do together, up to the order of floating-point sums:

- gradients are averaged (``average_gradients``), and batch normalisation sees the whole batch
  (``squidlib.training.sync_batchnorm``);
- random masks are drawn for the whole batch, of which each takes its share (``local_draws``);
- the memory queue gets the features of all, in the order of the batch (``all_gather``), on every process.

Lightning Fabric starts the processes or joins those that torchrun or Slurm started. It would also wrap networks into
DistributedDataParallel; ``squidlib.training.strategy`` leaves that out. Here networks take turns, parameters are
switched off and on, some have no gradient at some steps: each a special case of that wrapper, all of them the same
plain sum here. And the wrapper regroups its sums after the first step, so that a run that was resumed would add in
another order.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from squidlib.utils.errors import UserError

T = TypeVar("T")


def world() -> int:
    """How many processes share the work; 1 where nothing was started."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def rank() -> int:
    """Which of them this one is, from 0; the first prints, logs, draws and saves."""
    return dist.get_rank() if world() > 1 else 0


def local_batch_size(batch_size: int, processes: int) -> int:
    """Images of a batch that fall on each process.

    Raises:
        UserError: where the batch cannot be split into equal shares.
    """
    if batch_size % processes:
        fitting = ", ".join(str(count) for count in range(1, batch_size + 1) if batch_size % count == 0)
        raise UserError(f"{processes} processes cannot share a batch of {batch_size} images; choose one of {fitting}")
    return batch_size // processes


def all_gather(tensor: Tensor) -> Tensor:
    """The tensors (B, ...) of all processes as one (N * B, ...), in the order of the batch; no gradient passes."""
    if world() == 1:
        return tensor
    parts = [torch.empty_like(tensor, memory_format=torch.contiguous_format) for _ in range(world())]
    dist.all_gather(parts, tensor.detach().contiguous())
    return torch.cat(parts)


def all_reduce_mean(values: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Each 0-dimensional value's mean over the processes, detached, by one message."""
    detached = {name: value.detach() for name, value in values.items()}
    if world() == 1 or not values:
        return detached
    packed = torch.stack(list(detached.values()))
    dist.all_reduce(packed)
    return dict(zip(detached, packed / world(), strict=True))


@torch.no_grad()
def average_gradients(module: nn.Module) -> None:
    """Replace every gradient by its mean over the processes, by one message; parameters without one stay so."""
    gradients = [parameter.grad for parameter in module.parameters() if parameter.grad is not None]
    if world() == 1 or not gradients:
        return
    packed = torch.cat([gradient.flatten() for gradient in gradients])
    dist.all_reduce(packed)
    packed /= world()
    for gradient, mean in zip(gradients, packed.split([gradient.numel() for gradient in gradients]), strict=True):
        gradient.copy_(mean.view(gradient.shape))


def broadcast(tensors: Iterable[Tensor]) -> None:
    """Overwrite tensors by the first process's."""
    if world() > 1:
        for tensor in tensors:
            dist.broadcast(tensor, 0)


def any_process(wish: bool, device: torch.device) -> bool:
    """Whether any process wishes it: how they agree to stop."""
    if world() == 1:
        return wish
    wishes = torch.full((), int(wish), device=device)
    dist.all_reduce(wishes, dist.ReduceOp.MAX)
    return bool(wishes)


def broadcast_json(value: Any) -> Any:
    """The first process's JSON value, in every process. It travels as text: nothing is unpickled."""
    if world() == 1:
        return value
    text = torch.frombuffer(bytearray(json.dumps(value).encode()), dtype=torch.uint8).to(_device())
    length = torch.tensor(len(text), device=_device())
    dist.broadcast(length, 0)
    if rank():
        text = torch.empty(int(length), dtype=torch.uint8, device=_device())
    dist.broadcast(text, 0)
    return json.loads(text.cpu().numpy().tobytes())


def broadcast_tensors(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The first process's tensors, on the CPU, in every process, whatever the others hold; as bytes, bit for bit."""
    known = {name: (str(tensor.dtype).removeprefix("torch."), list(tensor.shape)) for name, tensor in tensors.items()}
    received = {}
    for name, (dtype, shape) in broadcast_json(known).items():
        mine = tensors[name].detach().cpu() if rank() == 0 else torch.empty(shape, dtype=getattr(torch, dtype))
        content = mine.contiguous().reshape(-1).view(torch.uint8).to(_device())
        dist.broadcast(content, 0)
        received[name] = content.cpu().view(mine.dtype).reshape(shape)
    return received


def on_rank_zero(action: Callable[[], T]) -> T:
    """Do something in the first process only, and give its result, a JSON value, to all; or its refusal.

    Raises:
        UserError, OSError: in the first process, as ``action`` raised it; the others leave without a word, for one
            line is enough.
    """
    if world() == 1:
        return action()
    result, refusal = None, None
    if rank() == 0:
        try:
            result = action()
        except (UserError, OSError) as error:
            refusal = error
    answer = broadcast_json({"result": result, "refused": refusal is not None})
    if answer["refused"]:
        raise refusal or SystemExit(2)
    received: T = answer["result"]
    return received


def _device() -> torch.device:
    """Where messages have to lie: NCCL knows only GPUs."""
    return torch.device("cuda", torch.cuda.current_device()) if dist.get_backend() == "nccl" else torch.device("cpu")


class _Share(TorchFunctionMode):
    """``torch.rand(B, ...)`` gives this process's share of ``torch.rand(N * B, ...)``."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is torch.rand:
            count = args[0]
            return func(count * world(), *args[1:], **(kwargs or {}))[rank() * count : (rank() + 1) * count]
        return func(*args, **(kwargs or {}))


@contextmanager
def local_draws() -> Iterator[None]:
    """Within, random numbers for a share of the batch are those that one process would draw for these images.

    Every network part draws by ``torch.rand(B, ...)`` with the images first; it need not know how many processes there
    are. Seeds are equal in all processes.
    """
    if world() == 1:
        yield
        return
    with _Share():
        yield
