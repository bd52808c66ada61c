"""Systems picture: what each system makes of a normal image and of each anomaly, as on the paper's slides.

A system is anything with ``reconstruct(images)``; one more in the mapping is one more row (or column).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import torch
from torch import Tensor

from digitanatomy import GRID, KINDS, TILE_SIZE, DigitAnatomy, Sample
from squidlib.lesson.figures import image_grid
from squidlib.plots import ABNORMAL_COLOUR

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@runtime_checkable
class Reconstructs(Protocol):
    """What a system has to offer to be shown."""

    def reconstruct(self, images: Tensor) -> Tensor:
        """(B, 1, H, W) in 0..1 -> the same."""
        ...


def first_of_each_kind(test: DigitAnatomy) -> list[Sample]:
    """The first image of each kind that the set has: chosen before anything is scored."""
    return [test[test.kinds.index(kind)] for kind in KINDS if kind in test.kinds]


def systems_picture(
    samples: Sequence[Sample],
    systems: Mapping[str, Reconstructs],
    title: str = "",
    systems_across: bool = False,
) -> Figure:
    """Inputs and every system's reconstructions; what is truly wrong in an input is outlined.

    Args:
        samples: one a kind, say.
        systems: name -> system, in the order of the rows.
        title: above the figure.
        systems_across: a column for each system and a row for each sample, in place of the other way round.

    Raises:
        ValueError: where there is no sample.
    """
    if not samples:
        raise ValueError("at least one sample is needed, got 0")
    images = torch.stack([sample.image for sample in samples])
    shown = {"input": images} | {name: system.reconstruct(images) for name, system in systems.items()}
    kinds = [sample.kind.capitalize() for sample in samples]
    if systems_across:
        rows = {kind: [column[index] for column in shown.values()] for index, kind in enumerate(kinds)}
        figure = image_grid(rows, titles=list(shown), title=title)
    else:
        figure = image_grid(shown, titles=kinds, title=title)
    step = len(shown) if systems_across else 1
    for index, sample in enumerate(samples):
        _outline(figure.axes[index * step], sample.wrong)
    return figure


def _outline(axis: Axes, wrong: Tensor) -> None:
    from matplotlib.patches import Rectangle

    for tile in torch.nonzero(wrong).flatten().tolist():
        corner = (tile % GRID * TILE_SIZE - 0.5, tile // GRID * TILE_SIZE - 0.5)
        axis.add_patch(
            Rectangle(corner, TILE_SIZE, TILE_SIZE, fill=False, edgecolor=ABNORMAL_COLOUR, linewidth=2, clip_on=False)
        )
