"""Soften: blur every image by a width of its own; ``gradient`` says how sharp an image is.

Blurring only: what a soft image has lost cannot be brought back.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

REACH = 3.0  #: the kernel ends at so many widths


def soften(images: Float[Tensor, "B 1 H W"], widths: Float[Tensor, "B"]) -> Float[Tensor, "B 1 H W"]:
    """Gaussian blur; beyond the border the border's own pixels go on.

    Args:
        widths: standard deviation for each image, in pixels, >= 0; 0 changes nothing.

    Raises:
        ValueError: where a width is negative.
    """
    if not len(images):
        return images.clone()
    if float(widths.min()) < 0:
        raise ValueError(f"widths of at least 0 pixels expected, got {float(widths.min()):g}; nothing can be sharpened")
    reach = int(torch.ceil(REACH * widths.max()))
    offsets = torch.arange(-reach, reach + 1, device=images.device)
    # A width of 0 would divide by 0; at this one the neighbours' weights are 0 in float32. Each kernel ends at its own
    # reach, so that an image does not depend on those beside it.
    kernels = torch.exp(-0.5 * (offsets / widths.clamp(min=0.05)[:, None]) ** 2)
    kernels = kernels * (offsets.abs() <= torch.ceil(REACH * widths)[:, None])
    kernels = (kernels / kernels.sum(1, keepdim=True)).to(images.dtype)
    stacked = F.pad(images, (reach, reach, reach, reach), mode="replicate").transpose(0, 1)  # (1, B, H + 2r, W + 2r)
    across = F.conv2d(stacked, kernels[:, None, None, :], groups=len(images))
    return F.conv2d(across, kernels[:, None, :, None], groups=len(images)).transpose(0, 1)


def gradient(images: Float[Tensor, "B 1 H W"]) -> Float[Tensor, "B"]:
    """Mean absolute difference of horizontal neighbours: large where an image is sharp."""
    return images.diff(dim=-1).abs().mean(dim=(1, 2, 3))
