"""Budget: how many steps of a method's training fit into the time that every method gets.

A short trial on throw-away weights measures the seconds of a step, phase by phase, and what a fit costs besides its
steps (banks, statistics); the first steps are slower than the rest and are not counted. On a CPU with one thread the
processor's own time is counted, so that waiting for other work takes nothing from a method's budget.

Costs: the parameters of a method, and the most memory that a process had.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from squidlib.baselines.base import Method

TRIAL_STEPS = 24
NOT_COUNTED = 4  #: first steps of every phase
LEAST_STEPS = 8  #: fewer would leave a phase of some methods without any
TRIAL_SHARE = 0.5  #: of the budget that a phase of the trial may take


@runtime_checkable
class Trained(Protocol):
    """A method that is trained step by step."""

    steps: int


class Plan(NamedTuple):
    """Steps to do, and what they were planned from; all in seconds but ``steps``."""

    steps: int
    step_seconds: float  #: of one step
    fixed_seconds: float  #: of a fit, besides its steps
    trial_seconds: float  #: that the trial took


class Clock:
    """``Ticks`` that measure how long each step takes and end a phase that takes too long.

    Args:
        device: on which the steps are done.
        limit: seconds after which a phase ends, when some of its steps were counted.
    """

    def __init__(self, device: torch.device, limit: float = float("inf")) -> None:
        self.device, self.limit = device, limit
        self.phases: list[tuple[int, list[float]]] = []  #: planned steps, and the seconds of those done

    def __call__(self, steps: int) -> Iterator[int]:
        taken: list[float] = []
        self.phases.append((steps, taken))
        for step in range(steps):
            begun = seconds_now(self.device)
            yield step
            taken.append(seconds_now(self.device) - begun)
            if len(taken) > NOT_COUNTED and sum(taken) > self.limit:
                return

    def seconds(self) -> float:
        """Of all steps that were done."""
        return sum(sum(taken) for _, taken in self.phases)

    def expected(self) -> float:
        """Of all steps that were planned, at the pace of those that are counted."""
        return sum(steps * _pace(taken) for steps, taken in self.phases)


def plan(trial: Method, normals: Tensor, augmented: Tensor, seed: int, seconds: float) -> Plan | None:
    """Fit ``trial``, which is thrown away, for a few steps; say how many take ``seconds``. None: it has no steps."""
    if not isinstance(trial, Trained):
        return None
    trial.steps = TRIAL_STEPS
    clock = Clock(normals.device, TRIAL_SHARE * seconds)
    begun = seconds_now(normals.device)
    trial.fit(normals, seed, clock, augmented)
    whole = seconds_now(normals.device) - begun
    return planned(seconds, clock.expected() / TRIAL_STEPS, max(0.0, whole - clock.seconds()), whole)


def planned(seconds: float, step_seconds: float, fixed_seconds: float, trial_seconds: float = 0.0) -> Plan:
    """Steps that fill what the fixed part leaves of ``seconds``; at least ``LEAST_STEPS``."""
    fitting = int((seconds - fixed_seconds) / max(step_seconds, 1e-9))
    return Plan(max(LEAST_STEPS, fitting), step_seconds, fixed_seconds, trial_seconds)


def seconds_now(device: torch.device) -> float:
    """What a stopwatch shows once the device has done what it was told; only differences mean anything."""
    synchronise(device)
    alone = device.type == "cpu" and torch.get_num_threads() == 1
    return time.process_time() if alone else time.perf_counter()


def synchronise(device: torch.device) -> None:
    """Wait until the device has done what it was told."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


def _pace(taken: list[float]) -> float:
    counted = taken[NOT_COUNTED:] or taken
    return sum(counted) / len(counted) if counted else 0.0


def parameters_of(method: object) -> int:
    """Numbers in the parameters of all torch modules that can be reached from a method, each counted once."""
    found: dict[int, int] = {}
    seen: set[int] = set()
    waiting: list[object] = [method]
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
