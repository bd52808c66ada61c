"""Weight picture: the weights of a patch's strongest slots before shrinkage and after it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jaxtyping import Float
from torch import Tensor

from squidlib.utils import palette
from squidlib.utils.plotting import panels

if TYPE_CHECKING:
    from matplotlib.figure import Figure

STRONGEST = 60  #: slots that are drawn


def weight_picture(
    before: Float[Tensor, "S"], after: Float[Tensor, "S"], title: str, threshold: float | None = None
) -> Figure:
    """Columns of the strongest slots: pale the weights before, green those after; a dotted line at the threshold."""
    order = before.argsort(descending=True)[:STRONGEST]
    figure, axes = panels(width=6.0, height=2.8)
    axis = axes[0, 0]
    places = list(range(len(order)))
    axis.bar(places, after[order].tolist(), color=palette.MEMORY, width=0.9, label="after")
    axis.bar(places, before[order].tolist(), color="none", edgecolor="black", width=0.9, linewidth=0.6, label="before")
    if threshold is not None:
        axis.axhline(threshold, color="black", linestyle=":", label="λ")
    axis.set_title(title, fontsize=10)
    axis.set_xlabel(f"the {len(order)} strongest of {len(before)} slots")
    axis.set_ylabel("weight")
    axis.spines[["top", "right"]].set_visible(False)
    axis.legend(fontsize=8, frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
    return figure
