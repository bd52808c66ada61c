"""Pictures: a view as one figure to keep, the static grid for readers without a kernel, and queue against matrix."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor

from squidlib.teaching.explorer.setting import Setting
from squidlib.teaching.explorer.state import ExplorerState
from squidlib.teaching.explorer.view import View
from squidlib.teaching.studies.memory_size import MEMORIES
from squidlib.utils.palette import colours_of
from squidlib.utils.plotting import (
    ABNORMAL_COLOUR,
    DASHES,
    MAP_COLOURS,
    MARKERS,
    NORMAL_COLOUR,
    image_grid,
    panels,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def view_picture(view: View) -> Figure:
    """Everything of one view: image, reconstruction, map; scores; attention and what the strongest slots remember."""
    figure, axes = panels(2, 4, width=2.6, height=2.5)
    top, bottom = axes
    for axis, image, title in zip(
        top, (view.image, view.reconstruction), (f"Input ({view.kind})", "Reconstruction"), strict=False
    ):
        axis.imshow(image[0], cmap="gray", vmin=0, vmax=1)
        axis.set_title(title, fontsize=10)
    top[2].imshow(view.anomaly_map[0].sqrt(), cmap=MAP_COLOURS, vmin=0)
    top[2].set_title("Anomaly map", fontsize=10)
    colour = ABNORMAL_COLOUR if view.abnormal else NORMAL_COLOUR
    top[3].hist(view.normal_scores.numpy(), bins=30, color="0.7")
    top[3].axvline(view.threshold, color="black", linestyle=":")
    top[3].axvline(view.score, color=colour, linewidth=2.5)
    top[3].set_title(f"{view.setting.score} {view.score:.2f}: {view.called}", fontsize=10)
    spoken = view.attention.nonzero().flatten().numpy()  # lines: a bar of one in 350 would be thinner than a pixel
    bottom[0].vlines(spoken, 0, view.attention[spoken].numpy(), color=NORMAL_COLOUR, linewidth=1.5)
    bottom[0].set(xlim=(-1, len(view.attention)), ylim=(0, None))
    bottom[0].set_title(f"Slots of tile {view.setting.tile + 1}, oldest first", fontsize=10)
    for axis, slot in zip(bottom[1:], view.strongest, strict=False):
        axis.imshow(slot.picture, cmap="gray", vmin=0, vmax=1)
        axis.set_title(f"slot {slot.slot + 1}: {slot.weight:.0%}", fontsize=10)
    for axis in bottom[1 + len(view.strongest) :]:
        axis.set_axis_off()
    for axis in [*top[:3], *bottom[1:]]:
        axis.set(xticks=[], yticks=[])
    top[3].set(yticks=[])
    figure.suptitle(f"squid explore: {view.setting.as_link() or 'as it begins'}", fontsize=9)
    return figure


def grid_settings(state: ExplorerState, images: Sequence[str], slots: Sequence[int]) -> dict[str, list[Setting]]:
    """The settings of the static grid: a row for each size of memory, a column for each image."""
    rows = {}
    for size in slots:
        settings = [Setting(image=name, slots=size, k=state.start().k) for name in images]
        rows[f"{size} slot{'s' if size > 1 else ''}"] = settings
    return rows


def grid_rows(state: ExplorerState, images: Sequence[str], slots: Sequence[int]) -> dict[str, list[Tensor]]:
    """What the static grid shows: the inputs, then a row of reconstructions for each size of memory."""
    settings = grid_settings(state, images, slots)
    first = next(iter(settings.values()))
    return {"input": [state.view(setting).image for setting in first]} | {
        name: [state.view(setting).reconstruction for setting in row] for name, row in settings.items()
    }


def static_grid(state: ExplorerState, images: Sequence[str], slots: Sequence[int]) -> Figure:
    """The explorer on paper: reconstructions for each size of memory, under them what each image was called."""
    settings = grid_settings(state, images, slots)
    figure = image_grid(
        grid_rows(state, images, slots),
        titles=[name.replace("-", " ") for name in images],
        title="The same detector with fewer and fewer memories; under each: its score, and what it was called",
    )
    views = [state.view(setting) for row in settings.values() for setting in row]
    for axis, view in zip(figure.axes[len(images) :], views, strict=True):
        axis.set_xlabel(
            f"{view.score:.1f} {view.called}",
            fontsize=8,
            color=ABNORMAL_COLOUR if view.abnormal else NORMAL_COLOUR,
        )
    return figure


def shrinking_picture(runs: Mapping[str, Mapping[str, Any]], score: str, slots: int | None = None) -> Figure:
    """Mean AUC of queue and matrix over the slots that are left, with the standard deviation over seeds.

    Args:
        runs: of ``studies.memory_size``.
        score: one of the scores that the study has.
        slots: a size to be marked.
    """
    figure, axes = panels(width=6.0, height=3.2)
    axis = axes[0, 0]
    for index, (name, colour) in enumerate(zip(MEMORIES, colours_of(MEMORIES), strict=True)):
        of_seeds = [run for key, run in runs.items() if key.startswith(f"{name}/")]
        places = sorted(int(size) for size in of_seeds[0] if size.isdigit())
        values = np.array([[run[str(size)][score]["mean"] for size in places] for run in of_seeds])
        mean, deviation = values.mean(0), values.std(0, ddof=1)
        axis.plot(places, mean, color=colour, marker=MARKERS[index], linestyle=DASHES[index], label=name, ms=4)
        axis.fill_between(places, mean - deviation, mean + deviation, color=colour, alpha=0.15, linewidth=0)
    if slots is not None:
        axis.axvline(slots, color="black", linestyle=":", label=f"{slots} slot{'s' if slots > 1 else ''}")
    axis.set_xscale("log")
    axis.set_xlabel("slots that are left of each tile's memory")
    axis.set_ylabel("mean AUC")
    axis.set_title(f"Memories as they shrink, score: {score} ({len(of_seeds)} seeds each)", fontsize=10)
    axis.spines[["top", "right"]].set_visible(False)
    axis.legend(fontsize=8, frameon=False)
    return figure
