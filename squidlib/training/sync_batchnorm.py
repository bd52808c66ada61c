"""Batch normalisation over the batch of all processes, so that two processes normalise as one would.

Ioffe and Szegedy, "Batch Normalization", ICML 2015; with one process it is PyTorch's own.

Not ``torch.nn.SyncBatchNorm``: that refuses to run on a CPU, so no test without a GPU could show that several
processes train to the same result as one. This one is differentiable through its sums and runs anywhere.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn


class _Sum(torch.autograd.Function):
    """The sum of a tensor over all processes. Each of them used it, so its gradient is the sum of all gradients."""

    @staticmethod
    def forward(ctx: Any, tensor: Tensor) -> Tensor:
        total = tensor.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        total = gradient.contiguous().clone()
        dist.all_reduce(total)
        return total


class GlobalBatchNorm2d(nn.BatchNorm2d):
    """``nn.BatchNorm2d`` whose statistics, while training, are those of the equal shares of all processes together."""

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return super().forward(x)
        wide = x.to(
            torch.promote_types(x.dtype, torch.float32)
        )  # sums of bf16 would be too coarse; one process's kernel adds in float, too
        count = dist.get_world_size() * x.numel() // x.shape[1]
        mean = _Sum.apply(wide.sum((0, 2, 3))) / count
        centred = wide - mean[:, None, None]
        variance = _Sum.apply(centred.square().sum((0, 2, 3))) / count
        self._remember(mean.detach(), variance.detach() * count / (count - 1))
        scale = self.weight * torch.rsqrt(variance + self.eps)
        return (centred * scale[:, None, None] + self.bias[:, None, None]).to(x.dtype)

    @torch.no_grad()
    def _remember(self, mean: Tensor, variance: Tensor) -> None:
        assert self.running_mean is not None and self.running_var is not None and self.momentum is not None  # noqa: PT018
        assert self.num_batches_tracked is not None
        self.num_batches_tracked.add_(1)
        self.running_mean.lerp_(mean, self.momentum)
        self.running_var.lerp_(variance, self.momentum)


def normalise_globally(module: nn.Module) -> None:
    """Replace every ``nn.BatchNorm2d`` below ``module``; names, parameters and buffers stay the very same."""
    for name, child in module.named_children():
        if type(child) is nn.BatchNorm2d:
            other = GlobalBatchNorm2d(child.num_features, child.eps, child.momentum)
            other.load_state_dict(child.state_dict())
            setattr(module, name, other.train(child.training))
        elif isinstance(child, nn.modules.batchnorm._BatchNorm) and not isinstance(child, GlobalBatchNorm2d):
            raise TypeError(f"{name} is a {type(child).__name__}; over several processes only BatchNorm2d is known")
        else:
            normalise_globally(child)
