"""Checks of lesson 08: what the teacher gets, and the order of a training step. Both ask which tensors are detached."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor

from squidlib.teaching.checks.report import Holds, exercise


@exercise
def teacher_pass(mine: Any, holds: Holds) -> None:
    """``mine(teacher, levels)``: what the teacher makes of the encoder's detached levels."""
    start = "teacher(codes, levels): the codes are the last of the levels; .detach() cuts a tensor off."
    levels = [torch.full((2, 4 - index), 1.0 + index, requires_grad=True) * 2 for index in range(3)]
    weight, calls = torch.ones((), requires_grad=True), []
    gradients: list[bool] = []  # whether they were on, for each call

    def teacher(codes: Tensor, encoded: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        calls.append((codes, list(encoded)))
        gradients.append(torch.is_grad_enabled())
        picture = weight * (codes.sum() + sum(level.sum() for level in encoded))
        return picture, [picture]

    got = holds.call(mine, teacher, levels, hint=start, copied=False)
    holds.that("gradients on", all(gradients), "the teacher is not called with gradients switched off").otherwise(
        "the teacher was called under torch.no_grad(): nothing reaches the encoder, but the teacher cannot learn",
        "no_grad() switches off every gradient inside, those of the teacher's weights too. Detach its inputs only.",
        "levels[-1].detach(), [level.detach() for level in levels]",
    )
    holds.that("called", len(calls) == 1, "the teacher is called once").otherwise(
        f"the teacher was called {len(calls)} times",
        "Call teacher(...) once and return what it returns.",
        "return teacher(codes, levels)",
    )
    codes, encoded = calls[0]
    holds.that("deepest", codes.shape == levels[-1].shape, "its codes are the deepest level").otherwise(
        f"the codes have shape {tuple(codes.shape)}, the deepest level has {tuple(levels[-1].shape)}",
        "The levels go from the first to the deepest, and a decoder begins with the deepest.",
        "levels[-1]",
    )
    holds.that(
        "all levels",
        [level.shape for level in encoded] == [level.shape for level in levels],
        "it gets every level for its skips",
    ).otherwise(
        f"{len(encoded)} levels of {len(levels)} came, or in another order",
        "Pass on the whole list, in its order.",
        "[level.detach() for level in levels]",
    )
    holds.that("codes detached", not codes.requires_grad, "the codes are detached").otherwise(
        "a gradient of the teacher would reach the encoder through its codes",
        "The teacher shall learn to decode what is there, and not change it.",
        "levels[-1].detach()",
    )
    holds.that(
        "skips detached", not any(level.requires_grad for level in encoded), "the levels for its skips are detached"
    ).otherwise(
        "a gradient of the teacher would reach the encoder through the skips",
        "The skips lead back into the encoder as well.",
        "[level.detach() for level in levels]",
    )
    holds.that(
        "learns",
        isinstance(got, tuple) and isinstance(got[0], Tensor) and got[0].requires_grad,
        "the teacher itself still learns",
    ).otherwise(
        "no gradient reaches the teacher's own weights, or its answer was not returned",
        "torch.no_grad() stops everything inside, the teacher's weights too.",
        "Detach the inputs and return what the teacher gives, untouched.",
    )


class _Output(NamedTuple):
    reconstruction: Tensor
    queries: Tensor
    recalled: Tensor


@exercise
def training_step(mine: Any, holds: Holds) -> None:
    """``mine(images, squid, generator_step, push, discriminator_step)``: one step in its order; returns the output."""
    start = "output = squid(images) comes first; then three calls, each with one line; return output."
    images = torch.ones(2, 1, 4, 4)
    events: list[str] = []
    given: dict[str, tuple[Any, ...]] = {}
    got = holds.call(mine, images, *_recorders(events, given), hint=start, copied=False)
    missing = [name for name in ("forward", "generator", "push", "discriminator") if name not in events]
    holds.that("all", not missing, "everything is done").otherwise(
        f"not done: {', '.join(missing)}",
        "Four things happen in a step: forward, generator_step, push, discriminator_step.",
        start,
    )
    _order(events, holds)
    _arguments(given, images, holds)
    holds.that("returns", isinstance(got, _Output), "the output is returned").otherwise(
        f"the output expected, got {type(got).__name__}",
        "Return what squid(images) gave, for the losses to be looked at.",
        "return output",
    )


def _recorders(events: list[str], given: dict[str, tuple[Any, ...]]) -> tuple[Callable[..., Any], ...]:
    """The four functions of a step, which note in ``events`` that they were called and in ``given`` what they got."""

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

    return squid, generator_step, push, discriminator_step


def _order(events: list[str], holds: Holds) -> None:
    """Whether a step did everything in the right order."""
    order = ", ".join(events)
    holds.that(
        "read first",
        events[0] == "forward" and events.index("generator") < events.index("push"),
        "the memory is read and the generator has learned before anything is pushed",
    ).otherwise(
        f"the order was: {order}",
        "What is pushed before it is read is found again by itself: every patch would recall its own copy.",
        "push comes after generator_step: its backward pass still needs the memory as it was read.",
    )
    holds.that("once", events.count("forward") == 1, "one forward pass serves both networks").otherwise(
        f"squid was called {events.count('forward')} times",
        "The forward pass is the dearest part of a step: keep its output and use it twice.",
        "output = squid(images), then output.reconstruction for the discriminator as well.",
    )
    holds.that("discriminator last", events[-1] == "discriminator", "the discriminator comes last").otherwise(
        f"the order was: {order}",
        "The generator shall be judged by the discriminator as it stood at the beginning of the step.",
        "forward, generator_step, push, discriminator_step",
    )


def _arguments(given: dict[str, tuple[Any, ...]], images: Tensor, holds: Holds) -> None:
    """Whether each part of a step got what it needs, detached where it has to be."""
    output, batch = given["generator"]
    holds.that(
        "generator",
        isinstance(output, _Output) and torch.equal(batch, images),
        "the generator's step gets the output and the images",
    ).otherwise(
        "generator_step got something else",
        "Its losses compare the output with the images it was made of.",
        "generator_step(output, images)",
    )
    pushed = given["push"][0]
    holds.that("queries", torch.equal(pushed.detach(), torch.full((2, 9, 3), 2.0)), "the queries are pushed").otherwise(
        "what was pushed are not output.queries",
        "The memory shall hold what the encoder *sees*, not what the memory answered.",
        "push(output.queries...)",
    )
    holds.that("pushed detached", not pushed.requires_grad, "what is pushed is detached").otherwise(
        "the pushed features still hang on this step's graph",
        "A memory holds copies. With a graph on them it would keep every step of the past alive.",
        "output.queries.detach()",
    )
    real, fake = given["discriminator"]
    holds.that("sides", torch.equal(real, images), "the discriminator gets the real images first").otherwise(
        "the first argument of discriminator_step is not the batch of images",
        "discriminator_step(real, fake): which of the two is the image, and which the reconstruction?",
        "discriminator_step(images, output.reconstruction...)",
    )
    holds.that(
        "fake detached",
        torch.equal(fake.detach(), images * 0.5) and not fake.requires_grad,
        "and the detached reconstruction second",
    ).otherwise(
        "the reconstruction reaches the discriminator's step with its graph, or something else does",
        "The discriminator's loss must not change the generator: there it would teach it to look *fake*.",
        "output.reconstruction.detach()",
    )
