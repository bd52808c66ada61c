"""Training: the one loop that trains every baseline network, so that they differ in network and loss alone.

A method with one loss is a ``SingleLoss``: ``build``, ``loss`` and ``score``. One with several networks, optimisers or
phases is a ``TrainedMethod``, which says in ``phases`` what a step does. The loop owns the rest: seeds, steps, the
order of images, optimisers' steps, progress and what an interruption leaves.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, TypeVar

import torch
from jaxtyping import Float
from torch import Generator, Tensor, nn

from digitanatomy import seeded_generator
from squidlib.baselines.base import Progress, batches, check_count, in_batches, seeded
from squidlib.utils.modes import evaluating

TrainedT = TypeVar("TrainedT", bound="TrainedMethod")  # not Self: beartype, in the tests, refuses it
Shape = tuple[int, int, int]  #: channels, height and width of an image
Update = tuple[Tensor, Iterable[torch.optim.Optimizer]]  #: a loss, and the optimisers that take a step on it


class Phase(NamedTuple):
    """A part of a training.

    steps: how many it takes.
    batches: what each step learns from; without an end.
    updates: (step, batch) -> the losses that are minimised in this step, one after the other. What the function does
        after a ``yield``, it does after the optimisers' step.
    """

    steps: int
    batches: Iterator[Tensor]
    updates: Callable[[int, Tensor], Iterable[Update]]


class TrainedMethod(ABC):
    """A method with networks: seeding, the loop, interruptions and evaluation without a trace.

    Attributes:
        steps, batch_size, learning_rate: of the training.
        least: normal images that it needs.
        longest_gradient: to which the gradients of a step are cut; None leaves them as they are.
        network: all that is trained and kept; there after ``fit``.
    """

    steps: int
    batch_size: int
    learning_rate: float
    least: int = 1
    longest_gradient: float | None = None
    network: nn.Module

    @abstractmethod
    def build(self, shape: Shape, seed: int) -> nn.Module:
        """The network for images of this shape. The global generator is seeded with ``seed`` while it is called."""

    @abstractmethod
    def phases(self, normals: Float[Tensor, "N C H W"], shown: Float[Tensor, "M C H W"], seed: int) -> Iterator[Phase]:
        """The parts of the training, each asked for when the one before it is done.

        Args:
            normals: as they are, for statistics.
            shown: to train on.
            seed: of everything that is drawn.
        """

    def finish(self, normals: Float[Tensor, "N C H W"]) -> None:  # noqa: B027 (most measure nothing)
        """What the method measures on normal images once its networks are trained; here nothing."""

    def fit(
        self: TrainedT,
        normals: Float[Tensor, "N C H W"],
        seed: int = 0,
        progress: Progress = range,
        augmented: Float[Tensor, "M C H W"] | None = None,
    ) -> TrainedT:
        """Train on ``augmented`` normal images, or on the plain ones; statistics are those of the plain ones.

        An interruption leaves what was learned so far, with its statistics.

        Raises:
            UserError: where there are too few images, or their sides do not fit the network.
        """
        check_count(normals, self.least)
        shown = normals if augmented is None else augmented
        shape = (normals.shape[1], normals.shape[2], normals.shape[3])
        self.network = seeded(seed, lambda: self.build(shape, seed)).to(normals.device).train()
        try:
            for phase in self.phases(normals, shown, seed):
                for step, (_, batch) in enumerate(zip(progress(phase.steps), phase.batches, strict=False)):
                    for loss, optimizers in phase.updates(step, batch):
                        self._descend(loss, optimizers)
        except KeyboardInterrupt:
            self._finish(normals)
            raise
        self._finish(normals)
        return self

    def ask(self, function: Callable[[Tensor], Tensor], images: Tensor, size: int = 128) -> Tensor:
        """``function`` of many images, a batch at a time, by the network in evaluation mode and without gradients."""
        with evaluating(self.network):
            return in_batches(function, images, size)

    def _finish(self, normals: Tensor) -> None:
        self.network.eval()
        self.finish(normals)

    def _descend(self, loss: Tensor, optimizers: Iterable[torch.optim.Optimizer]) -> None:
        optimizers = list(optimizers)
        for optimizer in optimizers:
            optimizer.zero_grad()
        loss.backward()
        for optimizer in optimizers:
            if self.longest_gradient is not None:
                learning = [weights for group in optimizer.param_groups for weights in group["params"]]
                nn.utils.clip_grad_norm_(learning, self.longest_gradient)
            optimizer.step()


class SingleLoss(TrainedMethod):
    """A method with one loss, one optimiser and one phase."""

    @abstractmethod
    def loss(self, images: Float[Tensor, "B C H W"], generator: Generator) -> Float[Tensor, ""]:
        """What a step minimises; what it draws, it draws from ``generator``."""

    def optimizer(self) -> torch.optim.Optimizer:
        """Adam, unless a method's paper says otherwise."""
        return torch.optim.Adam(self.network.parameters(), self.learning_rate)

    def generator(self, seed: int) -> Generator:
        """Of all that ``loss`` draws; another one than that of the order of images."""
        return seeded_generator(seed, 1)

    def phases(self, normals: Float[Tensor, "N C H W"], shown: Float[Tensor, "M C H W"], seed: int) -> Iterator[Phase]:
        """One."""
        optimizer, generator = self.optimizer(), self.generator(seed)
        draws = batches(shown, self.batch_size, seed)
        yield Phase(self.steps, draws, lambda _step, images: [(self.loss(images, generator), [optimizer])])
