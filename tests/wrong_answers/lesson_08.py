"""Lesson 08: SQUID assembled."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

bce = F.binary_cross_entropy_with_logits


def push_before_the_read(images: Tensor, squid: Any, generator_step: Any, push: Any, discriminator_step: Any) -> Any:
    push(squid(images).queries.detach())
    output = squid(images)
    generator_step(output, images)
    discriminator_step(images, output.reconstruction.detach())
    return output


def forward_twice(images: Tensor, squid: Any, generator_step: Any, push: Any, discriminator_step: Any) -> Any:
    output = squid(images)
    generator_step(output, images)
    push(output.queries.detach())
    discriminator_step(images, squid(images).reconstruction.detach())  # the authors'
    return output


def step_with(queries: Any = None, real_fake: Any = None, judge_first: bool = False, pushes: bool = True) -> Any:
    """The right step with one thing exchanged."""
    queries = queries or (lambda output: output.queries.detach())
    real_fake = real_fake or (lambda images, output: (images, output.reconstruction.detach()))

    def step(images: Tensor, squid: Any, generator_step: Any, push: Any, discriminator_step: Any) -> Any:
        output = squid(images)
        if judge_first:
            discriminator_step(*real_fake(images, output))
        generator_step(output, images)
        if pushes:
            push(queries(output))
        if not judge_first:
            discriminator_step(*real_fake(images, output))
        return output

    return step


def taught_without_gradients(teacher: Any, levels: list[Tensor]) -> Any:
    with torch.no_grad():
        return teacher(levels[-1], levels)


def taught_for_nothing(teacher: Any, levels: list[Tensor]) -> Any:
    picture, features = teacher(levels[-1].detach(), [level.detach() for level in levels])
    return picture.detach(), features


WRONG = {
    "feature_matching": {
        "sum": lambda s, t: torch.stack([F.mse_loss(a, b) for a, b in zip(s, t, strict=True)]).mean(),
        "mean": lambda s, t: torch.stack([((a - b) ** 2).sum() for a, b in zip(s, t, strict=True)]).sum(),
        "square": lambda s, t: torch.stack([F.l1_loss(a, b) for a, b in zip(s, t, strict=True)]).sum(),
        "both": lambda s, t: torch.stack([F.mse_loss(a, b.detach()) for a, b in zip(s, t, strict=True)]).sum(),
        "learns": lambda s, t: torch.tensor(sum(F.mse_loss(a, b).item() for a, b in zip(s, t, strict=True))),
        "shape": lambda s, t: torch.stack([F.mse_loss(a, b) for a, b in zip(s, t, strict=True)]),
        "type": lambda s, t: [F.mse_loss(a, b) for a, b in zip(s, t, strict=True)],
    },
    "teacher_pass": {
        "codes detached": lambda teacher, levels: teacher(levels[-1], levels),
        "skips detached": lambda teacher, levels: teacher(levels[-1].detach(), levels),
        "deepest": lambda teacher, levels: teacher(levels[0].detach(), [level.detach() for level in levels]),
        "all levels": lambda teacher, levels: teacher(levels[-1].detach(), [levels[-1].detach()]),
        "gradients on": taught_without_gradients,
        "learns": taught_for_nothing,
        "called": lambda teacher, levels: levels[-1].detach(),
    },
    "discriminator_loss": {
        "sides": lambda r, f, w: w * (bce(r, torch.zeros_like(r)) + bce(f, torch.ones_like(f))),  # swapped
        "both": lambda r, f, w: w * bce(r, torch.ones_like(r)),
        "sum": lambda r, f, w: w * (bce(r, torch.ones_like(r)) + bce(f, torch.zeros_like(f))) / 2,
        "logits": lambda r, f, w: w * (bce(r.sigmoid(), torch.ones_like(r)) + bce(f.sigmoid(), torch.zeros_like(f))),
        "factor": lambda r, f, w: bce(r, torch.ones_like(r)) + bce(f, torch.zeros_like(f)),
        "raises": lambda r, f, w: w * (F.binary_cross_entropy(r, torch.ones_like(r))),
    },
    "training_step": {
        "all": step_with(pushes=False),
        "read first": push_before_the_read,
        "once": forward_twice,
        "discriminator last": step_with(judge_first=True),
        "generator": lambda images, squid, generate, push, judge: step_with()(
            images, squid, lambda output, images: generate(output.reconstruction, images), push, judge
        ),
        "queries": step_with(queries=lambda output: output.recalled.detach()),
        "pushed detached": step_with(queries=lambda output: output.queries),
        "sides": step_with(real_fake=lambda images, output: (output.reconstruction.detach(), images)),
        "fake detached": step_with(real_fake=lambda images, output: (images, output.reconstruction)),
    },
    "anomaly_score": {
        "range": lambda logits, normals: -(logits - normals.mean()) / normals.std(),
        "sign": lambda logits, normals: torch.sigmoid((logits - normals.mean()) / normals.std()),
        "alone": lambda logits, normals: 1 - torch.sigmoid((logits - logits.mean()) / logits.std()),
        "middle": lambda logits, normals: 1 - torch.sigmoid(logits / normals.std()),
        "deviation": lambda logits, normals: 1 - torch.sigmoid((logits - normals.mean()) / normals.var()),
        "shape": lambda logits, normals: (1 - torch.sigmoid((logits - normals.mean()) / normals.std())).mean(),
    },
}
