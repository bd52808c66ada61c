"""Costs: the parameters of a system, and the most memory that a process had."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import nn


def parameters_of(system: object) -> int:
    """Numbers in the parameters of all torch modules that can be reached from a system, each counted once."""
    found: dict[int, int] = {}
    seen: set[int] = set()
    waiting: list[object] = [system]
    while waiting:
        thing = waiting.pop()
        if id(thing) in seen:
            continue
        seen.add(id(thing))
        if isinstance(thing, nn.Module):
            found |= {id(parameter): parameter.numel() for parameter in thing.parameters()}
        elif isinstance(thing, Mapping):
            waiting += thing.values()
        elif isinstance(thing, list | tuple | set):
            waiting += thing
        elif hasattr(thing, "__dict__") and not isinstance(thing, type | torch.Tensor):
            waiting += vars(thing).values()
    return sum(found.values())


def peak_memory() -> int | None:
    """The most bytes of main memory that this process had so far; None where the system does not tell (Windows)."""
    status = Path("/proc/self/status")
    if status.is_file():  # Linux: getrusage would count what the parent had when it started this process
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024
    if sys.platform == "darwin":
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # bytes there
    return None


def peak_cuda_memory(device: torch.device) -> int | None:
    """The most bytes of a GPU's memory that tensors of this process had; None without a CUDA GPU."""
    return torch.cuda.max_memory_allocated(device) if device.type == "cuda" else None
