"""M-KD: a small student imitates a frozen pretrained network at several depths; it fails where an image is new.

Paper: Salehi et al., "Multiresolution Knowledge Distillation for Anomaly Detection", CVPR 2021.
Objective, and score: sum over depths of (1 - cos(s, t)) + .01 * sum over depths of mean (s - t)^2, where s and t are
all activations of a depth, of student and teacher, as one vector an image, as in the authors' code.
Map: the same two terms of the activations at each position, enlarged to the image and summed over the depths.

Differs from the original: the teacher is ``squidlib.backbone``'s network at 96 px, not VGG-16, its four
stages being
the depths, which all count in the score (the authors' code leaves the shallowest out of it); the student's maps are
brought to the teacher's channels by 1x1 convolutions; batches of 16, not 64; the map is of differences of features, for
the paper's gradients cost a backward pass an image.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch.nn.functional as F
from jaxtyping import Float
from torch import Generator, Tensor, nn

from squidlib.backbone import Backbone, backbone
from squidlib.baselines.trained import Phase, Shape, SingleLoss
from squidlib.utils.modes import evaluating

VALUES = 0.01  #: factor of the squared differences, in the authors' code (in the paper lambda is the directions')
EASY = 1e-8  #: keeps the cosine of two vectors of zeros finite


def imitation_loss(student: Sequence[Tensor], teacher: Sequence[Tensor]) -> Float[Tensor, "B"]:
    """Of each image: directions + lambda * values, summed over depths; 0 where all maps (B, C, h, w) are equal."""
    total = student[0].new_zeros(len(student[0]))
    for ours, theirs in zip(student, teacher, strict=True):
        ours, theirs = ours.flatten(1), theirs.flatten(1)
        total = total + 1 - F.cosine_similarity(ours, theirs, eps=EASY) + VALUES * (ours - theirs).square().mean(1)
    return total


def difference_map(
    student: Sequence[Tensor], teacher: Sequence[Tensor], size: tuple[int, int]
) -> Float[Tensor, "B 1 H W"]:
    """The two terms at each position, over channels, enlarged to ``size`` and summed over depths."""
    total = student[0].new_zeros(len(student[0]), 1, *size)
    for ours, theirs in zip(student, teacher, strict=True):
        here = 1 - F.cosine_similarity(ours, theirs, dim=1, eps=EASY) + VALUES * (ours - theirs).square().mean(1)
        total = total + F.interpolate(here[:, None], size=size, mode="bilinear")
    return total


class Student(nn.Module):
    """Four stages at strides 4, 8, 16 and 32, and a 1x1 convolution to the teacher's channels after each."""

    def __init__(self, channels: Sequence[int], width: int) -> None:
        super().__init__()
        widths = [width * 2**level for level in range(len(channels))]
        self.stages = nn.ModuleList()
        inputs = 3
        for level, outputs in enumerate(widths):
            layers = [*self._halve(inputs, outputs)]
            if level == 0:  # the first stage halves twice
                layers += self._halve(outputs, outputs)
            self.stages.append(nn.Sequential(*layers))
            inputs = outputs
        self.heads = nn.ModuleList(nn.Conv2d(ours, theirs, 1) for ours, theirs in zip(widths, channels, strict=True))

    @staticmethod
    def _halve(inputs: int, outputs: int) -> list[nn.Module]:
        return [nn.Conv2d(inputs, outputs, 4, 2, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]

    def forward(self, images: Float[Tensor, "B 3 S S"]) -> list[Tensor]:
        """A map of each depth, shaped as the teacher's."""
        maps = []
        for stage, head in zip(self.stages, self.heads, strict=True):
            images = stage(images)
            maps.append(head(images))
        return maps


class MultiresolutionDistillation(SingleLoss):
    """Score: how badly the student imitates the teacher on the image.

    Args:
        teacher: None is ``backbone(size=96)``; its side must be a multiple of 32.
        width: channels of the student's first stage.
        steps, batch_size, learning_rate: of the training.

    Raises:
        ValueError: where the teacher's side is no multiple of 32.
    """

    network: Student

    def __init__(
        self,
        teacher: Backbone | None = None,
        width: int = 32,
        steps: int = 150,
        batch_size: int = 16,
        learning_rate: float = 1e-3,
    ) -> None:
        self.teacher = backbone(size=96) if teacher is None else teacher
        if self.teacher.size % 32:
            raise ValueError(f"the teacher's side must be a multiple of 32, got {self.teacher.size}")
        self.name = f"M-KD ({self.teacher.name})"
        self.width, self.steps, self.batch_size, self.learning_rate = width, steps, batch_size, learning_rate

    def build(self, shape: Shape, seed: int) -> Student:
        """The student; it reads what the teacher reads, three channels of the teacher's size."""
        return Student(self.teacher.channels, self.width)

    def phases(self, normals: Float[Tensor, "N C H W"], shown: Float[Tensor, "M C H W"], seed: int) -> Iterator[Phase]:
        """One, with the teacher where the images are."""
        self.teacher.to(shown.device)
        yield from super().phases(normals, shown, seed)

    def loss(self, images: Float[Tensor, "B C H W"], generator: Generator) -> Float[Tensor, ""]:
        """How badly the student imitates the teacher."""
        return imitation_loss(*self._both(images)).mean()

    def anomaly_map(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B 1 H W"]:
        """Differences of features at each position, >= 0."""
        size = (images.shape[2], images.shape[3])
        return self.ask(lambda batch: difference_map(*self._both(batch), size), images, 32)

    def score(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B"]:
        """The objective of each image, >= 0."""
        return self.ask(lambda batch: imitation_loss(*self._both(batch)), images, 32)

    def _both(self, images: Float[Tensor, "B C H W"]) -> tuple[list[Tensor], list[Tensor]]:
        """Maps of student and teacher."""
        with evaluating(self.teacher):
            teacher = self.teacher.features(images)
        return self.network(self.teacher.prepare(images)), teacher
