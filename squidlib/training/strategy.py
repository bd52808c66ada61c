"""Replicas: Lightning Fabric's processes without DistributedDataParallel; why, says ``squidlib.utils.distributed``.

A module of its own because it brings Lightning: import it where processes are started, not before.
"""

from __future__ import annotations

import logging

from lightning_fabric.strategies import DDPStrategy
from torch import nn


class Replicas(DDPStrategy):
    """Starts, finds and connects the processes; the training step itself averages the gradients."""

    def setup_environment(self) -> None:
        """Connect, without a line from each process about it: who joined is no news of a training."""
        logging.getLogger("lightning_fabric").setLevel(logging.WARNING)
        super().setup_environment()

    def setup_module(self, module: nn.Module) -> nn.Module:  # type: ignore[override]
        """The module as it is."""
        return module
