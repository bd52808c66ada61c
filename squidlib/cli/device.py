"""The option --device, checked before any work."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from squidlib.utils.command import command
from squidlib.utils.errors import UserError

if TYPE_CHECKING:
    from squidlib.utils.cluster import Cluster


def check_device(device: str, elsewhere: bool = False) -> None:
    """Raise a UserError where the device is unknown, or absent here; ``elsewhere`` asks the workers of a cluster."""
    import torch

    if device not in ("auto", "cpu", "cuda", "mps"):
        raise UserError(f"--device is auto, cpu, cuda or mps; got {device!r}")
    if elsewhere:
        return
    if device == "cuda" and not torch.cuda.is_available():
        raise UserError(f"--device cuda: this torch sees no CUDA GPU; use --device auto, or see: {command('doctor')}")
    if device == "mps" and not torch.backends.mps.is_available():
        raise UserError("--device mps: this torch sees no Apple GPU; use --device auto")


def device_of_workers(wanted: str, cluster: Cluster | None) -> str:
    """The device of this machine, or the one that all workers of a cluster have.

    Raises:
        UserError: where a worker has another one, or not the one that is wanted.
    """
    if cluster is None:
        return checked_device(wanted)
    return cluster.ask(partial(checked_device, wanted))


def checked_device(wanted: str) -> str:
    """The name of a torch device that is there, "auto" resolved.

    Raises:
        UserError: where it is not.
    """
    from squidlib.training.devices import resolve_device

    check_device(wanted)
    return resolve_device(wanted)
