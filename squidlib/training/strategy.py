"""Replicas: Lightning Fabric's processes without DistributedDataParallel; why, says ``squidlib.utils.distributed``.

A module of its own because it brings Lightning: import it where processes are started, not before.

Processes that are started here find each other by a file in a folder that only the user can open, and talk over the
loopback interface. PyTorch's own way is a store that listens on all interfaces of the machine and asks nobody who they
are; processes on several machines (torchrun, Slurm) need it, so they belong into a network that is trusted.
"""

from __future__ import annotations

import atexit
import logging
import os
import shutil
import socket
import tempfile
from pathlib import Path
from typing import Any

import torch.distributed as dist
from lightning_fabric.strategies import DDPStrategy
from torch import nn


class Replicas(DDPStrategy):
    """Starts, finds and connects the processes; the training step itself averages the gradients.

    Args:
        joined: whether torchrun or Slurm has started the processes.
    """

    def __init__(self, joined: bool, **others: Any) -> None:
        super().__init__(start_method="popen" if joined else "spawn", **others)
        self.meeting: Path | None = None
        if not joined:
            folder = tempfile.mkdtemp(prefix="squid-")  # of mode 0700
            atexit.register(shutil.rmtree, folder, ignore_errors=True)
            self.meeting = Path(folder) / "store"

    def setup_environment(self) -> None:
        """Connect, without a line from each process about it: who joined is no news of a training."""
        logging.getLogger("lightning_fabric").setLevel(logging.WARNING)
        if self.meeting is not None:  # Lightning leaves alone what is connected already
            self._connect(self.meeting)
        super().setup_environment()
        atexit.register(_leave)

    def setup_module(self, module: nn.Module) -> nn.Module:  # type: ignore[override]
        """The module as it is."""
        return module

    def _connect(self, meeting: Path) -> None:
        """Meet the other processes of this machine."""
        loopback = [name for _, name in socket.if_nameindex() if name in ("lo", "lo0")]
        for library in ("GLOO", "NCCL"):
            if loopback:
                os.environ.setdefault(f"{library}_SOCKET_IFNAME", loopback[0])
        on_gpu = self.root_device.type == "cuda"
        dist.init_process_group(
            "nccl" if on_gpu else "gloo",
            init_method=meeting.as_uri(),
            rank=self.local_rank,
            world_size=self.num_processes,
            device_id=self.root_device if on_gpu else None,
        )


def _leave() -> None:
    """Leave the other processes before the interpreter ends.

    gloo's threads may hold the last message for a moment longer than the work that sent it. Where the interpreter is
    ending by then, letting go of it kills the process (PyTorch's issue 190489): a training that is done would be told
    of as one that was ended by SIGABRT.
    """
    if dist.is_initialized():
        dist.destroy_process_group()
