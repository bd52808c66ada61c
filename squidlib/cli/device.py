"""The option --device, checked before any work."""

from __future__ import annotations

from squidlib.errors import UserError


def check_device(device: str) -> None:
    """Raise a UserError where the device is unknown or absent."""
    import torch

    if device not in ("auto", "cpu", "cuda", "mps"):
        raise UserError(f"--device is auto, cpu, cuda or mps; got {device!r}")
    if device == "cuda" and not torch.cuda.is_available():
        raise UserError("--device cuda: this torch sees no CUDA GPU; use --device auto, or see: squid doctor")
    if device == "mps" and not torch.backends.mps.is_available():
        raise UserError("--device mps: this torch sees no Apple GPU; use --device auto")
