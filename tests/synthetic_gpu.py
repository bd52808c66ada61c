"""A GPU that is not there: tensors that say they are elsewhere, while their numbers are worked out on the CPU.

Under ``synthetic_gpu()`` whatever is made on, or moved to, ``GPU`` is a ``Synthetic``. An operation that mixes it with
a plain tensor of the CPU fails as it would on CUDA. Other than PyTorch's fake tensors, these hold numbers, so that code
which reads a counter runs; and backward, which for fake "cuda" tensors asks for a driver, runs too. PyTorch's unused
device type "lazy" stands for the GPU: its gradients are worked out in the thread that asks for them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode, return_and_correct_aliasing
from torch.utils._pytree import tree_flatten, tree_map, tree_map_only

GPU = torch.device("lazy")
CPU = torch.device("cpu")
_BETWEEN_DEVICES = {torch.ops.aten._to_copy.default, torch.ops.aten.copy_.default}
_INDEXING = {
    torch.ops.aten.index.Tensor, torch.ops.aten.index_put_.default, torch.ops.aten.index_put.default,
    torch.ops.aten._index_put_impl_.default,
}  # fmt: skip


_READING = {torch.ops.aten._local_scalar_dense.default, torch.ops.aten.nonzero.default, torch.ops.aten.equal.default}
_waits: list[str] | None = None


class Synthetic(torch.Tensor):
    """A tensor on ``GPU``; ``inner`` has its numbers."""

    inner: torch.Tensor

    @staticmethod
    def __new__(cls, inner: torch.Tensor) -> Synthetic:
        made = torch.Tensor._make_wrapper_subclass(
            cls, inner.size(), strides=inner.stride(), storage_offset=inner.storage_offset(), dtype=inner.dtype,
            layout=inner.layout, device=GPU, requires_grad=False,
        )  # fmt: skip
        made.inner = inner
        return made

    def __repr__(self, **_: Any) -> str:
        return f"Synthetic({self.inner!r})"

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _run(func, args, kwargs or {})


class _Mode(TorchDispatchMode):
    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _run(func, args, kwargs or {})


def _run(func: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    tensors = [value for value in tree_flatten((args, kwargs))[0] if isinstance(value, torch.Tensor)]
    there = [tensor for tensor in tensors if isinstance(tensor, Synthetic)]
    strange = [tensor for tensor in tensors if not isinstance(tensor, Synthetic) and tensor.dim() > 0]
    if there and strange and func not in _BETWEEN_DEVICES and not (func in _INDEXING and args[0] is there[0]):
        raise RuntimeError(f"{func}: tensors on different devices, {tuple(strange[0].shape)} is on the CPU")
    wanted = kwargs.get("device")
    on_gpu = bool(there) if wanted is None else torch.device(wanted) == GPU
    if func is torch.ops.aten.copy_.default:
        on_gpu = isinstance(args[0], Synthetic)
    if _waits is not None and there and (func in _READING or (func in _BETWEEN_DEVICES and not on_gpu)):
        _waits.append(str(func))
    plain_args, plain = tree_map_only(Synthetic, lambda value: value.inner, (args, kwargs))
    if wanted is not None:
        plain["device"] = CPU
    result = func(*plain_args, **plain)
    if not on_gpu:
        return result
    wrapped = tree_map(lambda value: Synthetic(value) if isinstance(value, torch.Tensor) else value, result)
    return return_and_correct_aliasing(func, args, kwargs, wrapped) if there else wrapped


class SyntheticFabric:
    """Of Lightning Fabric, what training uses: it moves networks and their optimiser's parameters to ``GPU``."""

    device = GPU

    def setup(self, module: torch.nn.Module, optimizer: torch.optim.Optimizer) -> tuple[Any, Any]:
        names = {id(parameter): name for name, parameter in module.named_parameters()}
        module.to(GPU)
        for group in optimizer.param_groups:
            group["params"] = [module.get_parameter(names[id(parameter)]) for parameter in group["params"]]
            group["fused"] = False  # the fused kernel of another device would be asked for
        return module, optimizer

    def backward(self, loss: torch.Tensor) -> None:
        loss.backward()


@contextmanager
def waits() -> Iterator[list[str]]:
    """Within, every operation is noted for which the program has to wait until the device has done all before."""
    global _waits
    _waits = []
    try:
        yield _waits
    finally:
        _waits = None


@contextmanager
def synthetic_gpu() -> Iterator[torch.device]:
    """Within, ``GPU`` can be used."""
    before = torch._C._only_lift_cpu_tensors()
    torch._C._set_only_lift_cpu_tensors(True)  # what is made of Python numbers is made on the CPU and moved in sight
    try:
        with _Mode():
            yield GPU
    finally:
        torch._C._set_only_lift_cpu_tensors(before)
