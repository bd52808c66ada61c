"""Layout: on which devices, by how many processes, and who starts them.

Three ways, one command: ``squid train`` alone starts what ``--devices`` says on this machine; torchrun (or ``fabric
run``) and Slurm's srun start the command once for each process, on one machine or on many, and say so in variables of
the environment.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import torch

from squidlib.utils.distributed import local_batch_size
from squidlib.utils.errors import UserError

if TYPE_CHECKING:
    from lightning_fabric import Fabric


class Layout(NamedTuple):
    """Processes on each machine, machines, and whether the processes are there already."""

    accelerator: str  #: "cpu", "cuda" or "mps"
    devices: int
    nodes: int = 1
    joined: bool = False

    @property
    def processes(self) -> int:
        return self.devices * self.nodes


def resolve_device(name: str) -> str:
    """ "auto" -> "cuda" where a CUDA GPU is, else "cpu"; other names are returned."""
    if name != "auto":
        return name
    return "cuda" if torch.cuda.is_available() else "cpu"


def layout_of(
    device: str = "auto", devices: int | Literal["auto"] | None = None, environment: Mapping[str, str] = os.environ
) -> Layout:
    """What ``--device`` and ``--devices`` mean here.

    Args:
        devices: processes on this machine, one for each GPU; "auto": all GPUs; None: 1, or what torchrun or srun began.
        environment: variables, as torchrun and Slurm set them.

    Raises:
        UserError: where there are fewer GPUs, or a launcher began another number of processes.
    """
    accelerator = resolve_device(device)
    begun = _begun(environment)
    if begun is not None:
        if devices not in (None, "auto", begun[0]):
            raise UserError(f"--devices {devices}, but {begun[0]} processes were started on each machine; leave it out")
        return Layout(accelerator, *begun, joined=True)
    there = torch.cuda.device_count() if accelerator == "cuda" else 1
    count = there if devices == "auto" else 1 if devices is None else devices
    if count < 1:
        raise UserError(f"--devices is the number of processes, at least 1, or auto; got {count}")
    if accelerator != "cpu" and count > there:
        raise UserError(f"--devices {count}: this machine has {there} of {accelerator}; ask for no more, or for auto")
    return Layout(accelerator, count)


def _begun(environment: Mapping[str, str]) -> tuple[int, int] | None:
    """(processes on each machine, machines) that a launcher began; None without one.

    Raises:
        UserError: where machines have unequal numbers of them, or Fabric's command line was told a strategy.
    """
    if "LT_STRATEGY" in environment:
        raise UserError("fabric run: leave --strategy out; squid train has its own way to share a batch")
    if "TORCHELASTIC_RUN_ID" in environment:
        total, local = int(environment["WORLD_SIZE"]), int(environment["LOCAL_WORLD_SIZE"])
    elif "SLURM_NTASKS" in environment and environment.get("SLURM_JOB_NAME") not in ("bash", "interactive"):
        total = int(environment["SLURM_NTASKS"])
        if total == 1:  # a batch script without srun, or one task: nothing to join
            return None
        if "SLURM_NTASKS_PER_NODE" not in environment:
            raise UserError("Slurm: give --ntasks-per-node (processes on each machine) in place of --ntasks")
        local = int(environment["SLURM_NTASKS_PER_NODE"])
    else:
        return None
    if total % local:
        raise UserError(f"{total} processes, {local} on each machine: as many on every machine expected")
    return local, total // local


def make_fabric(layout: Layout, precision: str = "32-true") -> Fabric:
    """Fabric for one process, or for several that ``Fabric.launch`` is still to start or to connect."""
    from lightning_fabric import Fabric

    accelerator: Any = layout.accelerator
    if layout.processes == 1:
        return Fabric(accelerator=accelerator, devices=1, precision=precision)  # type: ignore[arg-type]
    from squidlib.training.strategy import Replicas

    return Fabric(
        accelerator=accelerator,
        devices=layout.devices,
        num_nodes=layout.nodes,
        strategy=Replicas(layout.joined),
        precision=precision,  # type: ignore[arg-type]
    )


def check_batch(batch_size: int, layout: Layout) -> None:
    """Raise a UserError where a batch cannot be shared equally."""
    local_batch_size(batch_size, layout.processes)
