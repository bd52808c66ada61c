"""Checks of lesson 13: whose image it is, patients not split, sharpness, a calibrated verdict, equal softness."""

from __future__ import annotations

from typing import Any

import torch

from squidlib.data.chest.sharpness import gradient, soften
from squidlib.detection.metrics import decide, threshold_at
from squidlib.teaching.checks.report import Holds, exercise

__all__ = ["calibrated_verdict", "equal_softness", "patient_name", "patient_split", "sharpness_score"]


@exercise
def patient_name(mine: Any, holds: Holds) -> None:
    """``mine(name)``: the patient that a file's name tells."""
    start = 'name.startswith("person") tells the two kinds apart; name.split("-") and name.rpartition("_") cut names.'
    got = holds.call(mine, "IM-0115-0001.jpeg", hint=start)
    holds.that("text", isinstance(got, str), "it is a text").otherwise(
        f"a text expected, got {type(got).__name__}",
        "Return the part of the name that stands for the patient.",
        'For "IM-0115-0001.jpeg" that is "IM-0115".',
    )
    holds.that("number", got == "IM-0115", "the number after the series is the patient's").otherwise(
        f'"IM-0115-0001.jpeg" is of patient "IM-0115", got "{got}"',
        "Series and first number make the patient; the second number counts the patient's images.",
        're.match(r"(NORMAL2-)?IM-\\d+", name)[0] takes just that.',
    )
    second = holds.call(mine, "IM-0429-0001-0002.jpeg", hint=start)
    holds.that("second image", second == "IM-0429", "a second image of a patient is the same patient's").otherwise(
        f'"IM-0429-0001.jpeg" and "IM-0429-0001-0002.jpeg" are both of "IM-0429", got "{second}" for the second',
        "Names may go on after the image's number: do not count from the end.",
        "Match from the beginning of the name.",
    )
    series = holds.call(mine, "NORMAL2-IM-0115-0001.jpeg", hint=start)
    holds.that("series", series == "NORMAL2-IM-0115", "each series counts its own patients").otherwise(
        f'"NORMAL2-IM-0115" is another patient than "IM-0115", got "{series}"',
        "Two series begin their numbers again: the series belongs to the patient.",
        'Let the pattern begin with "(NORMAL2-)?", which is there or not.',
    )
    person = holds.call(mine, "person12_bacteria_45.jpeg", hint=start)
    holds.that("person", person == "person12_bacteria", "of the abnormal ones, all before the last number").otherwise(
        f'"person12_bacteria_45.jpeg" is of "person12_bacteria", got "{person}"',
        "Here the image's number stands after the last underscore; bacteria and virus count persons on their own.",
        'name.rpartition("_")[0]',
    )


@exercise
def patient_split(mine: Any, holds: Holds) -> None:
    """``mine(patients, share, generator)``: which images to hold out, whole patients at a time."""
    start = "patients holds a name for each image. Draw patients from sorted(set(patients)) in random order."
    # The first patients by name have many images, so that counting patients is not counting images.
    patients = [f"p{number:03d}" for number in range(60) for _ in range(5 if number < 20 else 1)]  # 140 images
    got = holds.call(mine, patients, 0.2, torch.Generator().manual_seed(0), hint=start, copied=False)
    got = holds.shape(
        torch.as_tensor(got) if isinstance(got, list) else got,
        (140,),
        "(N,), held out or not for each image",
        "One truth value for each image, in the order of the list.",
    ).bool()
    held = {patient for patient, out in zip(patients, got.tolist(), strict=True) if out}
    rest = {patient for patient, out in zip(patients, got.tolist(), strict=True) if not out}
    shared = sorted(held & rest)
    holds.that("whole", not shared, "no patient is on both sides").otherwise(
        f"{len(shared)} patients are on both sides, {', '.join(shared[:2])} among them",
        "Hold out patients, not images: with a patient go all of its images.",
        "Choose a set of patients first; then [patient in chosen for patient in patients].",
    )
    count = int(got.sum())
    holds.that("enough", count >= 28, "at least the share of the images is held out").otherwise(
        f"20 per cent of 140 images are 28; {count} are held out",
        "The share is one of images: patients have more or fewer of them.",
        "Take one patient after the other until enough images are held out.",
    )
    holds.that("no more", count <= 28 + 4, "and no patient more than needed").otherwise(
        f"20 per cent of 140 images are 28 and no patient has more than five; {count} are held out",
        "Stop as soon as the share is reached.",
        "if held >= share * len(patients): break, before the next patient.",
    )
    again, other = (torch.as_tensor(mine(patients, 0.2, torch.Generator().manual_seed(seed))).bool() for seed in (0, 1))
    holds.that(
        "generator", torch.equal(got, again) and not torch.equal(got, other), "the generator decides who"
    ).otherwise(
        "the same generator must hold out the same patients, and another seed others",
        "Names are not random: the first ones may come from one ward.",
        "order = torch.randperm(len(names), generator=generator)",
    )


@exercise
def sharpness_score(mine: Any, holds: Holds) -> None:
    """``mine(images)``: minus the mean absolute difference of horizontal neighbours."""
    start = "images[..., 1:] - images[..., :-1] are the differences of horizontal neighbours, as images.diff(dim=-1)."
    images = torch.rand(3, 1, 6, 9, generator=torch.Generator().manual_seed(0))
    got = holds.shape(
        holds.call(mine, images, hint=start),
        (3,),
        "(B,), one number an image",
        "Average over the three last dimensions and keep the first: .mean(dim=(1, 2, 3)).",
    )
    stripes = torch.zeros(1, 1, 6, 9)
    stripes[..., ::2] = 1
    sharp = float(holds.call(mine, stripes, hint=start)[0])
    holds.that("absolute", abs(sharp) > 0.9, "differences to brighter and to darker do not cancel").otherwise(
        f"stripes of 0 and 1 differ by 1 everywhere, and the score is {sharp:.3g}",
        "Take the absolute value of each difference before the mean.",
        ".diff(dim=-1).abs()",
    )
    holds.that("sign", sharp < 0, "a soft image gets the higher score").otherwise(
        f"the sharpest image there is got {sharp:.3g}, a grey area 0: the sharp one counts as more abnormal",
        "Higher means more abnormal, and here soft shall count as abnormal.",
        "Put a minus in front.",
    )
    lying = float(holds.call(mine, stripes.transpose(2, 3), hint=start)[0])
    holds.that("direction", abs(lying) < 1e-6, "neighbours are horizontal ones").otherwise(
        f"lying stripes have equal horizontal neighbours, so the score is 0; got {lying:.3g}",
        "Width is the last dimension, dim=-1.",
        "Leave out the vertical differences.",
    )
    holds.that(
        "mean", torch.allclose(got, -gradient(images), atol=1e-5), "it is the mean over all neighbours"
    ).otherwise(
        f"expected {-gradient(images)[0]:.4f} for the first image, got {float(got[0]):.4f}",
        "The plain mean of the absolute differences: no square, no sum.",
    )


@exercise
def calibrated_verdict(mine: Any, holds: Holds) -> None:
    """``mine(normal_scores, scores, labels, rate)``: (sensitivity, specificity) at a threshold of normals alone."""
    start = "threshold = torch.quantile(normal_scores, 1 - rate); then two means over parts of scores > threshold."
    normals = torch.linspace(0, 1, 101).flip(0)
    labels = torch.tensor([0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1])
    scores = torch.tensor([0.1, 0.2, 0.85, 0.95, 0.3, 0.7, 0.96, 0.97, 0.98, 2.0, 3.0, 0.99, 0.5, 1.5, 0.2])
    got = holds.call(mine, normals, scores, labels, 0.1, hint=start)
    pair = isinstance(got, tuple | list) and len(got) == 2
    holds.that("pair", pair, "it is a pair").otherwise(
        f"(sensitivity, specificity) expected, got {type(got).__name__}",
        "Return two numbers.",
        "return sensitivity, specificity",
    )
    sensitivity, specificity = (float(value) for value in got)
    wanted = decide(labels, scores, threshold_at(normals, 0.1))  # 0.9: 7 of 10 found, 4 of 5 let pass
    swapped = abs(sensitivity - wanted.specificity) + abs(specificity - wanted.sensitivity) < 1e-4
    holds.that("order", not swapped, "sensitivity comes first").otherwise(
        f"the two are swapped: got {sensitivity:.2f}, {specificity:.2f}",
        "Sensitivity is about the abnormal images, specificity about the normal ones.",
        "Return them in that order.",
    )
    lenient = decide(labels, scores, threshold_at(normals, 0.9))
    holds.that("tail", abs(specificity - lenient.specificity) > 1e-4, "the threshold is in the upper tail").otherwise(
        f"with a rate of 0.1 only a tenth of the normals may lie above; specificity {specificity:.2f} comes from a "
        "threshold that nine tenths exceed",
        "A rate of false alarms of 0.1 is the 0.9 quantile.",
        "torch.quantile(normal_scores, 1 - rate)",
    )
    holds.that(
        "specificity", abs(specificity - wanted.specificity) < 1e-4, "specificity: normal images that were let pass"
    ).otherwise(
        f"4 of the 5 normal test images lie at or below the threshold, 0.80; got {specificity:.3g}",
        "The threshold comes from normal_scores; the share is counted among scores where labels is 0.",
        "(scores[labels == 0] <= threshold).float().mean()",
    )
    holds.that(
        "sensitivity", abs(sensitivity - wanted.sensitivity) < 1e-4, "sensitivity: abnormal images that were found"
    ).otherwise(
        f"7 of the 10 abnormal test images lie above the threshold, 0.70; got {sensitivity:.3g}",
        "Divide by all abnormal images, not by all that were called abnormal (that is precision).",
        "(scores[labels == 1] > threshold).float().mean()",
    )


@exercise
def equal_softness(mine: Any, holds: Holds) -> None:
    """``mine(images, target, widths)``: each image blurred until its gradient is nearest to the target."""
    start = "blurred = torch.stack([soften(images, torch.full((len(images),), width)) for width in widths])"
    images = torch.rand(4, 1, 24, 24, generator=torch.Generator().manual_seed(0))
    images = soften(images, torch.tensor([0.35, 0.5, 0.7, 2.5]))
    widths = [0.02 * step for step in range(100)]
    target = 0.9 * float(gradient(images)[2])
    got = holds.call(mine, images, target, widths, hint=start)
    got = holds.shape(got, (4, 1, 24, 24), "that of the images", "One blurred version of each image is kept.")
    holds.that("changed", not torch.allclose(got[:3], images[:3], atol=1e-4), "sharp images are blurred").otherwise(
        "the three images that are sharper than the target came back as they were",
        "Choose the version whose gradient is nearest to the target, not the largest one.",
        "gaps = torch.stack([gradient(version) - target for version in blurred]).abs()",
    )
    holds.that(
        "soft", torch.allclose(got[3], images[3], atol=1e-4), "what is too soft already stays as it is"
    ).otherwise(
        "the fourth image is softer than the target, so that the width 0 is nearest; it was changed",
        "Every image needs a width of its own.",
        "Take argmin over the widths, dimension 0, not over everything.",
    )
    reached = gradient(got)[:3]
    near = bool(((reached - target).abs() < 0.1 * target).all())
    holds.that("target", near, "the others are equally soft now").otherwise(
        f"gradients near {target:.4f} expected, got {[round(value, 4) for value in reached.tolist()]}",
        "Compare the gradients of the *blurred* versions with the target, for each image.",
        "blurred[gaps.argmin(0), torch.arange(len(images))]",
    )
    fewer = holds.call(mine, images, target, [0.0, 5.0], hint=start)
    offered = torch.stack([images, soften(images, torch.full((4,), 5.0))])
    nearest = (torch.stack([gradient(version) for version in offered]) - target).abs().argmin(0)
    holds.that(
        "offered",
        torch.allclose(fewer, offered[nearest, torch.arange(4)], atol=1e-4),
        "only the widths that are offered are used",
    ).otherwise(
        "with the widths 0 and 5 alone, something else than these two versions came back",
        "Use the widths that are given, and decide by the absolute gap.",
        "(gradient - target).abs(), then argmin(0).",
    )
