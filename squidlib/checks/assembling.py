"""Checks of lesson 07: matching features, what the teacher gets, the discriminator's loss, a step's order, eq. 6."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import torch
from torch import Tensor

from squidlib import distillation, losses
from squidlib.checks.report import Holds, exercise
from squidlib.config import LossWeights

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
    holds.that(
        "equal", abs(float(same.detach())) < 1e-6, "it is 0 where student and teacher agree",
        f"equal features must give 0, got {float(same.detach()):.3g}",
        "Only differences count.", "F.mse_loss(own, other) is 0 where both are the same.",
    )  # fmt: skip
    holds.that(
        "sum", abs(value - 2.5) > 1e-4, "the levels are added, not averaged",
        "two levels with mean squares 1 and 4 gave 2.5, their mean",
        "The factor of this term was chosen for a sum over the levels.", "sum(...), or torch.stack(...).sum()",
    )  # fmt: skip
    holds.that(
        "square", abs(value - 3) > 1e-4, "differences are squared", "differences 1 and 2 gave 1 + 2",
        "It is a *squared* error: 2 counts as 4.", "F.mse_loss, not F.l1_loss",
    )  # fmt: skip
    holds.that(
        "mean", math.isclose(value, float(distillation.feature_matching(student, teacher).detach()), rel_tol=1e-4),
        "within a level it is the mean",
        f"two levels with mean squares 1 and 4 must give 5, got {value:.3g}",
        "Every level counts the same, however many numbers it has: take the mean within it.",
        "F.mse_loss takes the mean over all numbers of a level.",
    )  # fmt: skip
    holds.that(
        "learns", got.requires_grad and all(grad is not None for grad in _gradients(got, student)),
        "the student learns from it",
        "no gradient reaches the student's features",
        "Do not detach the student: it is meant to move towards the teacher.", "No .detach() and no .item() here.",
    )  # fmt: skip
    holds.that(
        "both", all(grad is not None for grad in _gradients(got, teacher)), "and so does the teacher",
        "no gradient reaches the teacher's features",
        "In most distillations the teacher is fixed. Not here: both decoders are new, and both move.",
        "What is detached is the teacher's *input*; that comes in the next exercise.",
    )  # fmt: skip


@exercise
def teacher_pass(mine: Any, holds: Holds) -> None:
    """``mine(teacher, levels)``: what the teacher makes of the encoder's detached levels."""
    start = "teacher(codes, levels): the codes are the last of the levels; .detach() cuts a tensor off."
    levels = [torch.full((2, 4 - index), 1.0 + index, requires_grad=True) * 2 for index in range(3)]
    weight, calls = torch.ones((), requires_grad=True), []

    def teacher(codes: Tensor, encoded: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        calls.append((codes, list(encoded)))
        picture = weight * (codes.sum() + sum(level.sum() for level in encoded))
        return picture, [picture]

    got = holds.call(mine, teacher, levels, hint=start, copied=False)
    holds.that(
        "called", len(calls) == 1, "the teacher is called once", f"the teacher was called {len(calls)} times",
        "Call teacher(...) once and return what it returns.", "return teacher(codes, levels)",
    )  # fmt: skip
    codes, encoded = calls[0]
    holds.that(
        "deepest", codes.shape == levels[-1].shape, "its codes are the deepest level",
        f"the codes have shape {tuple(codes.shape)}, the deepest level has {tuple(levels[-1].shape)}",
        "The levels go from the first to the deepest, and a decoder begins with the deepest.", "levels[-1]",
    )  # fmt: skip
    holds.that(
        "all levels", [level.shape for level in encoded] == [level.shape for level in levels],
        "it gets every level for its skips", f"{len(encoded)} levels of {len(levels)} came, or in another order",
        "Pass on the whole list, in its order.", "[level.detach() for level in levels]",
    )  # fmt: skip
    holds.that(
        "codes detached", not codes.requires_grad, "the codes are detached",
        "a gradient of the teacher would reach the encoder through its codes",
        "The teacher shall learn to decode what is there, and not change it.", "levels[-1].detach()",
    )  # fmt: skip
    holds.that(
        "skips detached", not any(level.requires_grad for level in encoded), "the levels for its skips are detached",
        "a gradient of the teacher would reach the encoder through the skips",
        "The skips lead back into the encoder as well.", "[level.detach() for level in levels]",
    )  # fmt: skip
    holds.that(
        "learns", isinstance(got, tuple) and isinstance(got[0], Tensor) and got[0].requires_grad,
        "the teacher itself still learns",
        "no gradient reaches the teacher's own weights, or its answer was not returned",
        "torch.no_grad() stops everything inside, the teacher's weights too.",
        "Detach the inputs and return what the teacher gives, untouched.",
    )  # fmt: skip


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
    holds.that(
        "sides", right < wrong, "it is small where real images look real and reconstructions do not",
        f"right about both gives {right:.3g}, wrong about both {wrong:.3g}",
        "Real images have the target 1, reconstructions the target 0.", "ones_like(real), zeros_like(fake)",
    )  # fmt: skip
    seen = [float(holds.call(mine, *pair, 1.0, hint=start)) for pair in ((real, -fake), (-real, fake))]
    holds.that(
        "both", all(abs(other - value) > 1e-4 for other in seen), "both sides count",
        "one of the two logits makes no difference",
        "A discriminator that sees only one kind of image calls everything by that name.",
        "One loss for the real logits plus one for the fake ones.",
    )  # fmt: skip
    expected = float(losses.discriminator_loss(real, fake, LossWeights(discriminator=1.0)))
    holds.that(
        "sum", abs(value - expected / 2) > 1e-4, "the two are added",
        f"expected {expected:.4f}, got half of it",
        "The paper adds the two sides.", "No division by 2, and no cat of both before the mean.",
    )  # fmt: skip
    holds.that(
        "logits", abs(value - expected) < 1e-4, "it is the cross-entropy of logits",
        f"expected {expected:.4f}, got {value:.4f}",
        "What the discriminator gives are logits, any number; no sigmoid was applied to them yet, so apply it once.",
        "F.binary_cross_entropy_with_logits applies the sigmoid itself.",
    )  # fmt: skip
    tenth = float(holds.call(mine, real, fake, 0.1, hint=start))
    holds.that(
        "factor", abs(tenth - expected / 10) < 1e-4, "the factor multiplies all of it",
        f"with the factor 0.1 expected {expected / 10:.4f}, got {tenth:.4f}",
        "lambda_D stands before the bracket of both terms.", "factor * (first + second)",
    )  # fmt: skip


class _Output(NamedTuple):
    reconstruction: Tensor
    queries: Tensor
    recalled: Tensor


@exercise
def training_step(mine: Any, holds: Holds) -> None:
    """``mine(images, squid, generator_step, push, discriminator_step)``: one step in its order; returns the output."""
    start = "output = squid(images) comes first; then three calls, each with one line; return output."
    events: list[str] = []
    given: dict[str, tuple[Any, ...]] = {}
    images = torch.ones(2, 1, 4, 4)

    def squid(batch: Tensor) -> _Output:
        events.append("forward")
        leaf = torch.ones(2, 9, 3, requires_grad=True)
        return _Output(batch * 0.5 * leaf.mean(), leaf * 2, leaf * 3)

    def generator_step(output: Any, images: Any) -> None:
        events.append("generator")
        given["generator"] = output, images

    def push(queries: Any) -> None:
        events.append("push")
        given["push"] = (queries,)

    def discriminator_step(real: Any, fake: Any) -> None:
        events.append("discriminator")
        given["discriminator"] = real, fake

    names = ("generator", "push", "discriminator")
    got = holds.call(mine, images, squid, generator_step, push, discriminator_step, hint=start, copied=False)
    missing = [name for name in ("forward", *names) if name not in events]
    holds.that(
        "all", not missing, "everything is done", f"not done: {', '.join(missing)}",
        "Four things happen in a step: forward, generator_step, push, discriminator_step.", start,
    )  # fmt: skip
    order = ", ".join(events)
    holds.that(
        "read first", events[0] == "forward" and events.index("generator") < events.index("push"),
        "the memory is read and the generator has learned before anything is pushed",
        f"the order was: {order}",
        "What is pushed before it is read is found again by itself: every patch would recall its own copy.",
        "push comes after generator_step: its backward pass still needs the memory as it was read.",
    )  # fmt: skip
    holds.that(
        "once", events.count("forward") == 1, "one forward pass serves both networks",
        f"squid was called {events.count('forward')} times",
        "The forward pass is the dearest part of a step: keep its output and use it twice.",
        "output = squid(images), then output.reconstruction for the discriminator as well.",
    )  # fmt: skip
    holds.that(
        "discriminator last", events[-1] == "discriminator", "the discriminator comes last",
        f"the order was: {order}",
        "The generator shall be judged by the discriminator as it stood at the beginning of the step.",
        "forward, generator_step, push, discriminator_step",
    )  # fmt: skip
    output, batch = given["generator"]
    holds.that(
        "generator", isinstance(output, _Output) and torch.equal(batch, images),
        "the generator's step gets the output and the images", "generator_step got something else",
        "Its losses compare the output with the images it was made of.", "generator_step(output, images)",
    )  # fmt: skip
    pushed = given["push"][0]
    holds.that(
        "queries", torch.equal(pushed.detach(), torch.full((2, 9, 3), 2.0)), "the queries are pushed",
        "what was pushed are not output.queries",
        "The memory shall hold what the encoder *sees*, not what the memory answered.", "push(output.queries...)",
    )  # fmt: skip
    holds.that(
        "pushed detached", not pushed.requires_grad, "what is pushed is detached",
        "the pushed features still hang on this step's graph",
        "A memory holds copies. With a graph on them it would keep every step of the past alive.",
        "output.queries.detach()",
    )  # fmt: skip
    real, fake = given["discriminator"]
    holds.that(
        "sides", torch.equal(real, images), "the discriminator gets the real images first",
        "the first argument of discriminator_step is not the batch of images",
        "discriminator_step(real, fake): which of the two is the image, and which the reconstruction?",
        "discriminator_step(images, output.reconstruction...)",
    )  # fmt: skip
    holds.that(
        "fake detached", torch.equal(fake.detach(), images * 0.5) and not fake.requires_grad,
        "and the detached reconstruction second",
        "the reconstruction reaches the discriminator's step with its graph, or something else does",
        "The discriminator's loss must not change the generator: there it would teach it to look *fake*.",
        "output.reconstruction.detach()",
    )  # fmt: skip
    holds.that(
        "returns", isinstance(got, _Output), "the output is returned", f"the output expected, got {type(got).__name__}",
        "Return what squid(images) gave, for the losses to be looked at.", "return output",
    )  # fmt: skip


@exercise
def anomaly_score(mine: Any, holds: Holds) -> None:
    """``mine(logits, normal_logits)``: eq. 6, 1 - sigmoid((D - mu) / sigma) with mu, sigma of the normal logits."""
    start = "mu = normal_logits.mean(), sigma = normal_logits.std(); then torch.sigmoid."
    mean, deviation = float(NORMALS.mean()), float(NORMALS.std())
    logits = torch.tensor([mean - deviation, mean, mean + deviation])
    got = holds.shape(holds.call(mine, logits, NORMALS, hint=start), (3,), "(B,)", "One score for each of the logits.")
    holds.that(
        "range", bool(((got > 0) & (got < 1)).all()), "scores lie between 0 and 1",
        f"scores must lie in 0..1, got {_numbers(got)}",
        "Something that squeezes any number into 0..1 is still missing.", "torch.sigmoid((logits - mu) / sigma)",
    )  # fmt: skip
    holds.that(
        "sign", bool((got[:-1] > got[1:]).all()), "what looks less real scores higher",
        f"logits {_numbers(logits)} gave {_numbers(got)}: the most real one has the highest score",
        "A high logit means: looks real. A high score means: abnormal.", "1 - sigmoid(...)",
    )  # fmt: skip
    alone = torch.cat([holds.call(mine, logit[None], NORMALS, hint=start) for logit in logits])
    holds.that(
        "alone", bool(torch.isfinite(alone).all()) and torch.allclose(alone, got, atol=1e-4),
        "an image's score does not depend on the others in its batch",
        f"the same three images scored one by one gave {_numbers(alone)}, together {_numbers(got)}",
        "mu and sigma belong to the normal images, not to the images that are being judged.",
        "normal_logits.mean() and normal_logits.std()",
    )  # fmt: skip
    holds.that(
        "middle", abs(float(got[1]) - 0.5) < 1e-3, "a logit of mu scores 0.5",
        f"a logit of mu = {mean:.2f} must score 0.5, got {float(got[1]):.3f}",
        "Subtract the normal images' mean first.", "(logits - mu) / sigma",
    )  # fmt: skip
    expected = 1 - float(torch.sigmoid(torch.tensor(-1.0)))
    holds.that(
        "deviation", abs(float(got[0]) - expected) < 3e-3, "distances count in deviations of normal images",
        f"one deviation below mu must score {expected:.3f}, got {float(got[0]):.3f}",
        "Divide by the standard deviation: not by the variance, and not by nothing.", "normal_logits.std()",
    )  # fmt: skip


def _gradients(loss: Tensor, leaves: list[Tensor]) -> tuple[Tensor | None, ...]:
    return torch.autograd.grad(loss, leaves, retain_graph=True, allow_unused=True) if loss.requires_grad else (None,)


def _numbers(tensor: Tensor) -> list[float]:
    return [round(value, 3) for value in tensor.tolist()]
