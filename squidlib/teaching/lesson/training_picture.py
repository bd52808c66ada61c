"""Training picture: what a SQUID learns, in one figure: each loss term at the left, reconstructions at the right.

Paper: eq. 3-5, section 3.5 (the terms); the picture is ours.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from squidlib.config import LossWeights
from squidlib.squid import Squid
from squidlib.training.loop import StepResult
from squidlib.utils.modes import evaluating
from squidlib.utils.plotting import curves

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BINS = 40  #: at most so many points a line; each is the mean of the steps it stands for
GAP = 3  #: white pixels around each image
#: What a line is called -> the term of ``GeneratorLoss`` and its factor in ``LossWeights`` (their names agree).
TERMS = {
    "student": "reconstruction",
    "teacher": "teacher",
    "matching": "distillation",
    "looks real": "adversarial",
    "position (ours)": "position",
}
DISCRIMINATOR = "discriminator"


@dataclass
class TrainingPicture:
    """Collects losses, keeps reconstructions of a few steps, and draws both.

    squid: the network that is trained; not what Fabric puts around it.
    images: (N, 1, H, W) in 0..1, what is reconstructed again and again.
    titles: one for each image.
    weights: the factors, so that what is drawn is each term's share in the sum that is minimised.
    milestones: steps whose reconstructions stay in the picture.
    """

    squid: Squid
    images: Tensor
    titles: tuple[str, ...]
    weights: LossWeights
    milestones: tuple[int, ...] = (10, 100)
    shares: dict[str, list[tuple[int, float]]] = field(default_factory=dict)  #: name -> (step, factor * term)
    kept: dict[int, Tensor] = field(default_factory=dict)  #: milestone -> reconstructions

    def note(self, result: StepResult) -> None:
        """Keep what a step gave. Terms that rested, or whose factor is 0, leave no point."""
        adversary = result.discriminator is not None
        if result.generator is not None:
            for name, term in TERMS.items():
                factor = getattr(self.weights, term)
                if factor and (adversary or term != "adversarial"):
                    self._add(name, result.step, factor * float(getattr(result.generator, term)))
        if result.discriminator is not None:
            self._add(DISCRIMINATOR, result.step, float(result.discriminator))
        if result.step + 1 in self.milestones:
            self.kept[result.step + 1] = reconstruct_now(self.squid, self.images)

    def lines(self) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Steps (n <= BINS) and, for each name, the mean over the steps around them; NaN where there is none."""
        last = max((points[-1][0] for points in self.shares.values()), default=-1) + 1
        edges = np.linspace(0, last, min(BINS, last) + 1)
        found = {}
        for name, points in self.shares.items():
            steps, values = np.array(points).T
            bins = np.clip(np.searchsorted(edges, steps, side="right") - 1, 0, len(edges) - 2)
            count = np.bincount(bins, minlength=len(edges) - 1)
            total = np.bincount(bins, weights=values, minlength=len(edges) - 1)
            found[name] = np.where(count > 0, total / np.maximum(count, 1), np.nan)
        return (edges[:-1] + edges[1:]) / 2, found

    def changes(self) -> dict[str, float]:
        """By which factor each term's share changed, from the first twentieth of its points to the last."""
        found = {}
        for name, points in self.shares.items():
            values, count = [share for _, share in points], max(1, len(points) // 20)
            found[name] = sum(values[-count:]) / sum(values[:count])
        return found

    def draw(self) -> Figure:
        """The picture as it is now; the network is left in the mode it was in."""
        from matplotlib.figure import Figure

        figure = Figure(figsize=(11.0, 4.4), layout="constrained", facecolor="white")
        sides: Any = figure.subfigures(1, 2, width_ratios=[1.0, 1.05])
        left, right = sides
        steps, lines = self.lines()
        axis = left.subplots()
        done = max((points[-1][0] + 1 for points in self.shares.values()), default=0)
        error = lines.get("student")
        text = "" if error is None else f", squared error {float(error[-1]) / self.weights.reconstruction:.4f}"
        curves(steps, lines, f"After {done} steps{text}", "step", "factor × term (log)", axis=axis)
        if lines:
            axis.set_yscale("log")
            axis.get_legend().remove()
            left.legend(loc="outside lower center", ncols=3, fontsize=8, frameon=False)
        now = reconstruct_now(self.squid, self.images)
        rows = {"input": self.images} | {f"step {step}": images for step, images in self.kept.items()} | {"now": now}
        _table(right.subplots(), rows, self.titles)
        return figure

    def _add(self, name: str, step: int, share: float) -> None:
        self.shares.setdefault(name, []).append((step, share))


def _table(axis: Axes, rows: dict[str, Tensor], titles: tuple[str, ...]) -> None:
    """Rows of images as one picture: an axis for each image would take most of a drawing's time."""
    padded = torch.stack([F.pad(images[:, 0], (GAP, GAP, GAP, GAP), value=1.0) for images in rows.values()])
    height, width = padded.shape[2:]
    axis.imshow(padded.permute(0, 2, 1, 3).flatten(2).flatten(0, 1).numpy(), cmap="gray", vmin=0, vmax=1)
    axis.set_xticks([(place + 0.5) * width for place in range(len(titles))], titles, fontsize=9)
    axis.set_yticks([(place + 0.5) * height for place in range(len(rows))], list(rows), fontsize=9)
    axis.tick_params(length=0, top=False, labeltop=True, bottom=False, labelbottom=False)
    axis.set_frame_on(False)


def reconstruct_now(squid: Squid, images: Float[Tensor, "B 1 H W"]) -> Float[Tensor, "B 1 H W"]:
    """Reconstructions in evaluation mode, also while a training goes on: the mode is put back, come what may."""
    with evaluating(squid):
        return squid(images.to(next(squid.parameters()).device)).reconstruction.cpu()
