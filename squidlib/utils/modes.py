"""Modes: look at networks without leaving a trace in them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn


@contextmanager
def evaluating(*networks: nn.Module) -> Iterator[None]:
    """Without gradients and in evaluation mode; afterwards every part is in the mode that it was in before.

    ``network.eval()`` and ``network.train()`` would put all parts into one mode, also those that were in another.
    """
    training = [module for network in networks for module in network.modules() if module.training]
    for module in training:
        module.training = False
    try:
        with torch.no_grad():
            yield
    finally:
        for module in training:
            module.training = True
