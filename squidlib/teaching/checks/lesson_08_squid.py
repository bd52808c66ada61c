"""Checks of lesson 08: matching features, the discriminator's loss, eq. 6; ``stepping`` has the other two."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from squidlib import distillation, losses
from squidlib.config import LossWeights
from squidlib.teaching.checks.lesson_08_training_step import teacher_pass, training_step
from squidlib.teaching.checks.report import Holds, exercise

__all__ = ["anomaly_score", "discriminator_loss", "feature_matching", "teacher_pass", "training_step"]

NORMALS = torch.tensor([-1.0, 0.0, 1.0, 2.0, 3.0]).repeat(40)  #: logits of normal images, mean 1


@exercise
def feature_matching(mine: Any, holds: Holds) -> None:
    """``mine(student, teacher)``: the sum over levels of the mean squared difference."""
    start = "F.mse_loss(a, b) for each pair of levels (zip goes through both lists), then sum."
    student = [torch.zeros(2, 3, requires_grad=True), torch.zeros(5, requires_grad=True)]
    teacher = [torch.ones(2, 3, requires_grad=True), torch.full((5,), 2.0, requires_grad=True)]
    got = holds.call(mine, student, teacher, hint=start, copied=False)
    got = holds.shape(got, (), "(), one number", "A loss is one number for the whole batch: sum what the levels gave.")
    value = float(got.detach())
    same = holds.call(mine, student, student, hint=start, copied=False)
    holds.that("equal", abs(float(same.detach())) < 1e-6, "it is 0 where student and teacher agree").otherwise(
        f"equal features must give 0, got {float(same.detach()):.3g}",
        "Only differences count.",
        "F.mse_loss(own, other) is 0 where both are the same.",
    )
    holds.that("sum", abs(value - 2.5) > 1e-4, "the levels are added, not averaged").otherwise(
        "two levels with mean squares 1 and 4 gave 2.5, their mean",
        "The factor of this term was chosen for a sum over the levels.",
        "sum(...), or torch.stack(...).sum()",
    )
    holds.that("square", abs(value - 3) > 1e-4, "differences are squared").otherwise(
        "differences 1 and 2 gave 1 + 2", "It is a *squared* error: 2 counts as 4.", "F.mse_loss, not F.l1_loss"
    )
    holds.that(
        "mean",
        math.isclose(value, float(distillation.feature_matching(student, teacher).detach()), rel_tol=1e-4),
        "within a level it is the mean",
    ).otherwise(
        f"two levels with mean squares 1 and 4 must give 5, got {value:.3g}",
        "Every level counts the same, however many numbers it has: take the mean within it.",
        "F.mse_loss takes the mean over all numbers of a level.",
    )
    holds.that(
        "learns",
        got.requires_grad and all(grad is not None for grad in _gradients(got, student)),
        "the student learns from it",
    ).otherwise(
        "no gradient reaches the student's features",
        "Do not detach the student: it is meant to move towards the teacher.",
        "No .detach() and no .item() here.",
    )
    holds.that("both", all(grad is not None for grad in _gradients(got, teacher)), "and so does the teacher").otherwise(
        "no gradient reaches the teacher's features",
        "In most distillations the teacher is fixed. Not here: both decoders are new, and both move.",
        "What is detached is the teacher's *input*; that comes in the next exercise.",
    )


@exercise
def discriminator_loss(mine: Any, holds: Holds) -> None:
    """``mine(real, fake, factor)``: factor * (BCE(real, 1) + BCE(fake, 0)) on logits."""
    start = "F.binary_cross_entropy_with_logits(logits, target), once with ones and once with zeros."
    real, fake = torch.tensor([3.0, -1.0]), torch.tensor([-2.0, 0.5])
    got = holds.call(mine, real, fake, 1.0, hint=start)
    value = float(holds.shape(got, (), "(), one number", "The mean over the batch, not one loss for each image."))
    right, wrong = (
        float(holds.call(mine, torch.full((2,), 9.0 * sign), torch.full((2,), -9.0 * sign), 1.0, hint=start))
        for sign in (1, -1)
    )
    holds.that("sides", right < wrong, "it is small where real images look real and reconstructions do not").otherwise(
        f"right about both gives {right:.3g}, wrong about both {wrong:.3g}",
        "Real images have the target 1, reconstructions the target 0.",
        "ones_like(real), zeros_like(fake)",
    )
    seen = [float(holds.call(mine, *pair, 1.0, hint=start)) for pair in ((real, -fake), (-real, fake))]
    holds.that("both", all(abs(other - value) > 1e-4 for other in seen), "both sides count").otherwise(
        "one of the two logits makes no difference",
        "A discriminator that sees only one kind of image calls everything by that name.",
        "One loss for the real logits plus one for the fake ones.",
    )
    expected = float(losses.discriminator_loss(real, fake, LossWeights(discriminator=1.0)))
    holds.that("sum", abs(value - expected / 2) > 1e-4, "the two are added").otherwise(
        f"expected {expected:.4f}, got half of it",
        "The paper adds the two sides.",
        "No division by 2, and no cat of both before the mean.",
    )
    holds.that("logits", abs(value - expected) < 1e-4, "it is the cross-entropy of logits").otherwise(
        f"expected {expected:.4f}, got {value:.4f}",
        "What the discriminator gives are logits, any number; no sigmoid was applied to them yet, so apply it once.",
        "F.binary_cross_entropy_with_logits applies the sigmoid itself.",
    )
    tenth = float(holds.call(mine, real, fake, 0.1, hint=start))
    holds.that("factor", abs(tenth - expected / 10) < 1e-4, "the factor multiplies all of it").otherwise(
        f"with the factor 0.1 expected {expected / 10:.4f}, got {tenth:.4f}",
        "lambda_D stands before the bracket of both terms.",
        "factor * (first + second)",
    )


@exercise
def anomaly_score(mine: Any, holds: Holds) -> None:
    """``mine(logits, normal_logits)``: eq. 6, 1 - sigmoid((D - mu) / sigma) with mu, sigma of the normal logits."""
    start = "mu = normal_logits.mean(), sigma = normal_logits.std(); then torch.sigmoid."
    mean, deviation = float(NORMALS.mean()), float(NORMALS.std())
    logits = torch.tensor([mean - deviation, mean, mean + deviation])
    got = holds.shape(holds.call(mine, logits, NORMALS, hint=start), (3,), "(B,)", "One score for each of the logits.")
    holds.that("range", bool(((got > 0) & (got < 1)).all()), "scores lie between 0 and 1").otherwise(
        f"scores must lie in 0..1, got {_numbers(got)}",
        "Something that squeezes any number into 0..1 is still missing.",
        "torch.sigmoid((logits - mu) / sigma)",
    )
    holds.that("sign", bool((got[:-1] > got[1:]).all()), "what looks less real scores higher").otherwise(
        f"logits {_numbers(logits)} gave {_numbers(got)}: the most real one has the highest score",
        "A high logit means: looks real. A high score means: abnormal.",
        "1 - sigmoid(...)",
    )
    alone = torch.cat([holds.call(mine, logit[None], NORMALS, hint=start) for logit in logits])
    holds.that(
        "alone",
        bool(torch.isfinite(alone).all()) and torch.allclose(alone, got, atol=1e-4),
        "an image's score does not depend on the others in its batch",
    ).otherwise(
        f"the same three images scored one by one gave {_numbers(alone)}, together {_numbers(got)}",
        "mu and sigma belong to the normal images, not to the images that are being judged.",
        "normal_logits.mean() and normal_logits.std()",
    )
    holds.that("middle", abs(float(got[1]) - 0.5) < 1e-3, "a logit of mu scores 0.5").otherwise(
        f"a logit of mu = {mean:.2f} must score 0.5, got {float(got[1]):.3f}",
        "Subtract the normal images' mean first.",
        "(logits - mu) / sigma",
    )
    expected = 1 - float(torch.sigmoid(torch.tensor(-1.0)))
    holds.that(
        "deviation", abs(float(got[0]) - expected) < 3e-3, "distances count in standard deviations of normal images"
    ).otherwise(
        f"one standard deviation below mu must score {expected:.3f}, got {float(got[0]):.3f}",
        "Divide by the standard deviation: not by the variance, and not by nothing.",
        "normal_logits.std()",
    )


def _gradients(loss: Tensor, leaves: list[Tensor]) -> tuple[Tensor | None, ...]:
    return torch.autograd.grad(loss, leaves, retain_graph=True, allow_unused=True) if loss.requires_grad else (None,)


def _numbers(tensor: Tensor) -> list[float]:
    return [round(value, 3) for value in tensor.tolist()]
