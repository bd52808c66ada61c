"""Inputs: images that a detector can judge; what cannot be is refused in a line that says what was expected."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from squidlib.utils.errors import UserError

ROUNDING = 1e-4  #: so far beyond 0..1 a value may lie: resampling rounds; it is clamped


def check_images(images: object, image_shape: tuple[int, int, int]) -> Tensor:
    """Images (B, C, H, W) that can be judged, as floats in 0..1.

    Args:
        image_shape: channels, height and width that the detector takes.

    Raises:
        UserError: where type, shape or range is another one; it says what was expected and how to correct it.
    """
    channels, height, width = image_shape
    expected = f"a tensor (B, {channels}, {height}, {width}) in 0..1"
    if isinstance(images, np.ndarray):
        shape = tuple(images.shape)
        raise UserError(f"images must be {expected}, got a numpy array {shape}; give torch.from_numpy(images)")
    if not isinstance(images, Tensor):
        raise UserError(f"images must be {expected}, got {type(images).__name__}")
    if images.ndim != 4 or tuple(images.shape[1:]) != image_shape:
        raise UserError(f"images must be {expected}, got {tuple(images.shape)}; {_mend(images, image_shape)}")
    if not images.is_floating_point():
        raise UserError(f"images must be floating point in 0..1, got {images.dtype}; divide 8-bit images by 255")
    if not torch.isfinite(images).all():
        raise UserError("images hold NaN or infinite values; 0..1 expected")
    if images.numel() and (images.min() < -ROUNDING or images.max() > 1 + ROUNDING):
        raise UserError(f"images must lie in 0..1, got {images.min():.6g}..{images.max():.6g}; rescale them")
    return images.to(torch.float32).clamp(0, 1)


def _mend(images: Tensor, image_shape: tuple[int, int, int]) -> str:
    """What to do about a shape that does not fit."""
    channels, height, width = image_shape
    if images.ndim != 4:
        return "give one dimension each for images, channels, height and width"
    if images.shape[1] != channels:
        return "make them grey first: images.mean(1, keepdim=True)" if channels == 1 else "give them in colour"
    return f"scale them to {height} x {width} pixels first"
