"""Training film: reconstructions of a few images, from the first step of a training to its last, as a moving picture.

A GIF plays in a notebook, on a page and on the first page of a repository without a kernel or a script; its last frame,
which stays for a while, is the whole result, so a still of it tells the same.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from squidlib.squid import Squid
from squidlib.teaching.lesson.training_picture import reconstruct_now
from squidlib.utils import palette
from squidlib.utils.plotting import as_picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SIDE = 1.25  #: inches of one image
DPI = 80
STEP_SECONDS, LAST_SECONDS = 0.35, 4.0  #: that a frame stays


@dataclass
class TrainingFilm:
    """Keeps reconstructions at chosen steps and makes a GIF of them.

    images: (N, 1, H, W) in 0..1. titles: one for each. moments: steps after which a frame is taken.
    """

    images: Tensor
    titles: Sequence[str]
    moments: Sequence[int]
    frames: list[tuple[int, Tensor]] = field(default_factory=list)  #: step -> reconstructions

    def note(self, squid: Squid, steps: int) -> None:
        """Take a frame if ``steps`` is one of the moments; the network stays in the mode it is in."""
        if steps in self.moments:
            self.frames.append((steps, reconstruct_now(squid, self.images)))

    def last(
        self, reconstruction: Float[Tensor, "N 1 H W"], found: Bool[Tensor, "N R"], verdicts: Sequence[str]
    ) -> bytes:
        """The whole film as a GIF; its last frame outlines the patches that were found, with the verdicts.

        Args:
            reconstruction: the finished detector's.
            found: patches to outline, in reading order.
            verdicts: one for each image.

        Raises:
            ValueError: where no frame was taken.
        """
        if not self.frames:
            raise ValueError(f"no frame was taken: none of the moments {list(self.moments)} came")
        end = self.frames[-1][0]
        figures = [self._frame(images, f"step {step:,} of {end:,}", step / end) for step, images in self.frames]
        figures.append(self._frame(reconstruction, "trained: what it finds", 1.0, found, verdicts))
        return gif(figures, [STEP_SECONDS] * len(self.frames) + [LAST_SECONDS])

    def _frame(
        self, images: Tensor, text: str, share: float, found: Tensor | None = None, verdicts: Sequence[str] = ()
    ) -> Figure:
        from matplotlib.figure import Figure
        from matplotlib.patches import Rectangle

        figure = Figure(figsize=(SIDE * len(self.images) + 0.9, 2 * SIDE + 0.95), facecolor="white")
        axes = figure.subplots(2, len(self.images), squeeze=False)
        figure.subplots_adjust(left=0.11, right=0.99, top=0.84, bottom=0.10, wspace=0.06, hspace=0.06)
        for row, shown, name in zip(axes, (self.images, images), ("input", "reconstruction"), strict=True):
            for axis, image in zip(row, shown, strict=True):
                axis.imshow(as_picture(image), cmap="gray", vmin=0, vmax=1)
                axis.set(xticks=[], yticks=[])
            row[0].set_ylabel(name, fontsize=9)
        for column, title in enumerate(self.titles):
            axes[0, column].set_title(title, fontsize=10)
        if found is not None:
            grid = round(found.shape[1] ** 0.5)
            side = self.images.shape[-1] / grid
            for column, patches in enumerate(found):
                for patch in torch.nonzero(patches).flatten().tolist():
                    corner = (patch % grid * side - 0.5, patch // grid * side - 0.5)
                    axes[0, column].add_patch(
                        Rectangle(corner, side, side, fill=False, edgecolor=palette.ABNORMAL, linewidth=2.5)
                    )
        for column, verdict in enumerate(verdicts):
            axes[1, column].set_xlabel(verdict, fontsize=9)
        figure.text(0.11, 0.94, text, fontsize=11, fontweight="bold")
        figure.add_artist(Rectangle((0.62, 0.95), 0.37, 0.022, color=palette.COMPARED, transform=figure.transFigure))
        figure.add_artist(
            Rectangle((0.62, 0.95), 0.37 * share, 0.022, color=palette.NETWORK, transform=figure.transFigure)
        )
        return figure


def gif(figures: Sequence[Figure], seconds: Sequence[float]) -> bytes:
    """A moving picture that begins again at its end.

    Args:
        figures: of one size.
        seconds: how long each stays.
    """
    from PIL import Image

    pages = []
    for figure in figures:
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=DPI)
        pages.append(Image.open(buffer).convert("RGB").quantize(48, dither=Image.Dither.NONE))
    out = io.BytesIO()
    durations = [round(1000 * each) for each in seconds]
    pages[0].save(out, format="GIF", save_all=True, append_images=pages[1:], duration=durations, loop=0, optimize=True)
    return out.getvalue()
