"""Checks of lesson 02: reconstruction error, a point of the ROC curve, the worst tile, the mean image."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from squidlib.teaching.checks.report import Holds, exercise

__all__ = ["mean_image_score", "rates", "reconstruction_error", "worst_tile_score"]


def _images(count: int, seed: int) -> torch.Tensor:
    return torch.rand(count, 1, 6, 6, generator=torch.Generator().manual_seed(seed))


@exercise
def reconstruction_error(mine: Any, holds: Holds) -> None:
    """``mine(images, reconstructions)``: the mean squared difference of each image, (B,)."""
    start = "Take the difference, square it, and average over all dimensions but the first."
    images, reconstructed = _images(3, 0), _images(3, 1)
    got = holds.call(mine, images, reconstructed, hint=start)
    got = holds.shape(got, (3,), "(B,), one number an image", "Average over dim=(1, 2, 3), not over the batch.")
    same = holds.call(mine, images, images, hint=start)
    holds.that("zero", bool((same.abs() < 1e-7).all()), "a perfect reconstruction has error 0").otherwise(
        f"a perfect reconstruction must have error 0, got {same.tolist()}",
        "Nothing but the difference of the two may enter.",
    )
    swapped = holds.call(mine, reconstructed, images, hint=start)
    holds.that(
        "sign", bool((got > 0).all()) and torch.allclose(got, swapped, atol=1e-6), "too bright and too dark count alike"
    ).otherwise(
        "brighter and darker pixels cancel each other, or count with a sign",
        "Square the difference *before* you average it.",
    )
    expected = ((images - reconstructed) ** 2).mean(dim=(1, 2, 3))
    holds.that("sum", bool((got < 1).all()), "it is a mean, in 0..1").otherwise(
        f"a mean of squared differences in 0..1 is at most 1, got {got.max():.2f}",
        "Average over the pixels, do not add them up.",
    )
    holds.that("square", torch.allclose(got, expected, atol=1e-5), "it is the mean of the squares").otherwise(
        f"{expected[0]:.4f} expected for the first image, got {got[0]:.4f}",
        "Squares, not absolute values, and no root at the end.",
        "((images - reconstructions) ** 2).mean(...)",
    )


@exercise
def rates(mine: Any, holds: Holds) -> None:
    """``mine(labels, scores, threshold)``: (false-positive rate, true-positive rate)."""
    start = "called = scores > threshold; then the mean of called among the normals, and among the abnormals."
    labels, scores = np.array([0, 0, 0, 0, 1, 1, 1, 1]), np.array([0.1, 0.2, 0.3, 0.6, 0.35, 0.7, 0.8, 0.9])
    got = holds.call(mine, labels, scores, 0.5, hint=start)
    holds.that("pair", isinstance(got, tuple | list) and len(got) == 2, "it returns two numbers").otherwise(
        f"two numbers expected, got {type(got).__name__}", "Return both rates: return false_rate, true_rate"
    )
    false, true = (float(value) for value in got)
    holds.that("order", (false, true) != (0.75, 0.25), "the false-positive rate comes first").otherwise(
        "the two rates are the wrong way round: got (0.75, 0.25)", "First the rate among label 0, then among label 1."
    )
    holds.that(
        "share", (false, true) not in ((1 / 8, 3 / 8), (1.0, 3.0), (0.25, 3 / 8)), "each is a share of its own class"
    ).otherwise(
        f"got ({false:.3g}, {true:.3g}): these are counts, or shares of all images",
        "Divide by the number of normal images for one rate, by that of abnormal images for the other.",
    )
    holds.that(
        "value", abs(false - 0.25) < 1e-9 and abs(true - 0.75) < 1e-9, "both are right on eight images"
    ).otherwise(
        f"(0.25, 0.75) expected at threshold 0.5, got ({false:.3g}, {true:.3g})",
        "called[labels == 0].mean() is the first.",
        "An image counts as called where its score is above the threshold.",
    )
    tie = tuple(float(value) for value in holds.call(mine, labels, scores, 0.6, hint=start))
    holds.that("tie", tie == (0.0, 0.75), "a score equal to the threshold is not above it").otherwise(
        f"at threshold 0.6 the normal image with score 0.6 must not be called; got {tie}", "Use >, not >=."
    )


@exercise
def worst_tile_score(mine: Any, holds: Holds) -> None:
    """``mine(errors, normal_errors)``: the worst tile in standard deviations of normals at its position, (B,)."""
    start = "mean and std of normal_errors over dim 0 belong to the positions; then subtract, divide, amax over dim 1."
    generator = torch.Generator().manual_seed(0)
    normal = torch.rand(50, 4, generator=generator) * torch.tensor([1.0, 10.0, 0.1, 2.0]) + torch.arange(4.0)
    errors = normal[:3] + torch.tensor([[0.0, 0, 0, 0], [0, 0, 0.5, 0], [0, 0, 0, -5.0]])
    got = holds.call(mine, errors, normal, hint=start)
    got = holds.shape(got, (3,), "(B,), one number an image", "Take the largest over the tiles: .amax(dim=1).")
    standard = (errors - normal.mean(0)) / normal.std(0)
    holds.that(
        "units", float(got[1]) > 5 * max(float(got[0]), 0.1), "a small error counts much where normals have little"
    ).otherwise(
        "the second image has 0.5 too much at a position where normals vary by 0.03, and hardly stands out",
        "Divide by the standard deviation of the normals at each position.",
    )
    one_by_one = torch.cat([holds.call(mine, error[None], normal, hint=start) for error in errors])
    holds.that(
        "statistics", torch.allclose(got, one_by_one, atol=1e-4), "an image's score does not depend on its neighbours"
    ).otherwise(
        "an image alone gets another score than among others: its own batch set mean or standard deviation",
        "Mean and standard deviation come from normal_errors only.",
    )
    holds.that("worst", torch.allclose(got, standard.amax(1), rtol=0.05), "the worst tile counts").otherwise(
        f"{standard.amax(1)[1]:.2f} expected for the second image, got {got[1]:.2f}",
        "The worst is the largest: neither the mean over the tiles nor the largest absolute value.",
        "Too little error is not abnormal here: no abs().",
    )


@exercise
def mean_image_score(mine: Any, holds: Holds) -> None:
    """``mine(images, normals)``: the root mean squared difference to the mean normal image, (B,)."""
    start = "normals.mean(dim=0) is the mean image; compare each image with it."
    images, normals = _images(4, 2), _images(9, 3)
    got = holds.call(mine, images, normals, hint=start)
    got = holds.shape(got, (4,), "(B,), one number an image", "One number for each image: average over dim=(1, 2, 3).")
    mean = normals.mean(0)
    flat = holds.call(mine, mean[None], normals, hint=start)
    holds.that("mean image", float(flat.abs().max()) < 1e-4, "the mean image itself has score 0").otherwise(
        f"the mean normal image must have score 0, got {float(flat[0]):.3f}",
        "Average the *normals* over their first dimension, pixel by pixel.",
        "One number for all pixels is not enough: keep (1, H, W).",
    )
    expected = ((images - mean) ** 2).mean(dim=(1, 2, 3)).sqrt()
    holds.that("root", not torch.allclose(got, expected**2, atol=1e-5), "the root is taken").otherwise(
        "that is the mean squared difference; its root is asked for", "Put .sqrt() behind it."
    )
    holds.that("value", torch.allclose(got, expected, atol=1e-5), "it is the root mean squared difference").otherwise(
        f"{expected[0]:.4f} expected for the first image, got {got[0]:.4f}",
        "Square, then average over the pixels, then the root: in this order.",
    )
