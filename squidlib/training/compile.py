"""Compiling: the convolutions of both networks through ``torch.compile``, where this machine can.

What is compiled are the parts that cost most and hold no state of their own: the encoder, each decoder level, the
discriminator. The memory and the masks stay as they are: they count, and draw from a generator.
"""

from __future__ import annotations

import sys

import torch
from torch import nn

from squidlib.autoencoder import DecoderLevel, Encoder
from squidlib.discriminator import Discriminator
from squidlib.utils.distributed import rank, world


def compile_networks(squid: nn.Module, discriminator: nn.Module, device: torch.device) -> None:
    """Compile in place (names and weights stay), or say in one line on stderr why not, and leave all as it is."""
    obstacle = obstacle_to_compiling(device)
    if obstacle:
        if rank() == 0:
            print(f"note: without torch.compile, {obstacle}", file=sys.stderr)
        return
    for network in (squid, discriminator):
        for module in network.modules():
            if isinstance(module, Encoder | DecoderLevel | Discriminator):
                module.compile()


def obstacle_to_compiling(device: torch.device) -> str:
    """Why nothing can be compiled here, empty where it can: found by compiling a line."""
    if world() > 1:
        return "since batch normalisation of several processes has to talk in between"
    if device.type == "mps":
        return "which is not ready for Apple GPUs"
    try:
        torch.compile(_line)(torch.ones(8, device=device))
    except Exception as error:  # whatever a compiler can say; it is told, and nothing depends on it
        first = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
        return f"which fails here: {first[:200]}"
    return ""


def _line(x: torch.Tensor) -> torch.Tensor:
    return x * 2 + 1
