"""Checks of lesson 12: the smallest memory, a k at which normals suffer, an anomaly that SQUID misses."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from digitanatomy import ANOMALIES
from squidlib.teaching.checks.report import Holds, exercise
from squidlib.teaching.explorer.begin import load_state
from squidlib.teaching.explorer.setting import Setting, kept
from squidlib.teaching.explorer.state import ExplorerState
from squidlib.teaching.memory_sizes import sizes
from squidlib.utils.errors import UserError

__all__ = ["missed_anomaly", "smallest_memory", "suffering_k"]

DETECTS = 0.965  #: AUC of every anomaly type that still counts as detecting
WORSE = 1.05  #: times the error that normal images have when all slots speak


@exercise
def smallest_memory(mine: Any, holds: Holds) -> None:
    """``mine``: the smallest memory size, with top-5, that has an AUC of at least 0.965 for every anomaly type."""
    state = load_state()
    offered = sizes(state.most_slots)
    size = _whole(mine, holds, "Read the row k 5 of the table: the columns are the sizes.")
    holds.that("offered", size in offered, "it is a size that the slider offers").otherwise(
        f"the sizes are {', '.join(map(str, offered))}; got {size}",
        "Give the number under which the column of the table stands.",
    )
    hardest = {other: _hardest(state, Setting(slots=other)) for other in offered}
    kind, auc = hardest[size]
    holds.that(
        "detects", auc >= DETECTS, f"every type has an AUC of at least {DETECTS}; {kind} has the lowest, {auc:.3f}"
    ).otherwise(
        f"with {size} slots the AUC of {kind} is {auc:.3f}, below {DETECTS}",
        f"Choose AUC of {kind} above the table, and go to the right in the row k 5 until it is large enough.",
    )
    smaller = [other for other in offered if other < size and hardest[other][1] >= DETECTS]
    holds.that("smallest", not smaller, "no smaller memory does that").otherwise(
        f"{len(smaller)} smaller sizes have an AUC of at least {DETECTS} for every anomaly type, too",
        "Go on to the left, however small the memory becomes.",
        f"Even {smaller[0] if smaller else size} is enough. Surprised? Read on below.",
    )


@exercise
def suffering_k(mine: Any, holds: Holds) -> None:
    """``mine``: a k, with all slots, at which normal images come back at least 5 % worse than with all weights."""
    state = load_state()
    most = state.most_slots
    k = _whole(mine, holds, "Move the slider of k and watch the squared error of a normal image.")
    holds.that("offered", k in kept(most), "it is a k that the slider offers").otherwise(
        f"k is one of {', '.join(map(str, kept(most)))}; got {k}",
        "Give the number beside the slider of k; all is the number of slots.",
    )
    here, best = normal_error(state, Setting(slots=most, k=k)), normal_error(state, Setting(slots=most, k=most))
    holds.that(
        "suffer",
        here >= WORSE * best,
        f"normal images have the squared error {here:.4f}, {here / best - 1:.0%} more than with all slots",
    ).otherwise(
        f"with k = {k} the squared error of normal images is {here:.4f}, with all slots {best:.4f}: "
        f"{here / best - 1:.1%} more; at least {WORSE - 1:.0%} asked for",
        "Do they suffer when many memories are mixed, or when few are?",
        "Try the smallest k.",
    )


@exercise
def missed_anomaly(mine: Any, holds: Holds) -> None:
    """``mine``: the link of an image that you made abnormal and that SQUID calls normal at 5 % false alarms."""
    state, start = load_state(), load_state().start()
    text = holds.given(mine, "Make one in the explorer, copy the field Link and put it between quotes.")
    holds.that("text", isinstance(text, str), "it is a text").otherwise(
        f"a link in quotes expected, got {type(text).__name__}", 'It looks like "image=normal-3&edits=h2".'
    )
    problem, setting = "", start
    try:
        setting = Setting.from_link(text, start)
    except UserError as error:
        problem = str(error)
    holds.that("link", not problem, "it is a link of the explorer").otherwise(
        problem or "a link expected", 'Copy the whole of it: "image=normal-3&edits=h2", say.'
    )
    holds.that("normal", setting.image.startswith("normal-"), "it begins with a normal image").otherwise(
        f"the image is {setting.image}: an anomaly of the set, or an upload, is not your own work",
        "Choose the kind Normal, then edit tiles.",
    )
    alone = Setting(image=setting.image, edits=setting.edits, slots=start.slots, k=start.k)
    view = state.view(alone)
    wrong = [] if view.wrong is None else [tile + 1 for tile in range(9) if view.wrong[tile]]
    holds.that("abnormal", bool(wrong), f"it is abnormal at tile {', '.join(map(str, wrong))}").otherwise(
        "no tile of it is wrong: it is a normal image",
        "Edit a tile; but a digit that looks the same when it is mirrored is still normal: 8, 1, or 3 upside down.",
        "Mirror a 4 or a 7, empty a tile, exchange two, put another digit into one.",
    )
    holds.that(
        "missed",
        not view.abnormal,
        f"SQUID, as it begins, calls it normal: score {view.score:.1f}, threshold {view.threshold:.1f}",
    ).otherwise(
        f"SQUID, as it begins (all slots, k = {start.k}, 5 % false alarms), calls it abnormal: "
        f"score {view.score:.1f}, threshold {view.threshold:.1f}",
        "One wrong tile is harder to find than many, and a mirrored digit harder than a missing one.",
        "Which mirrored digit looks most like itself? Try it in several normal images, and look at the scores.",
    )


@lru_cache(64)
def normal_error(state: ExplorerState, setting: Setting) -> float:
    """Mean squared reconstruction error of held-out normal images in a setting."""
    return float(state.calibration(setting).mean[0].mean())


def _hardest(state: ExplorerState, setting: Setting) -> tuple[str, float]:
    """The anomaly type with the lowest AUC, and that AUC."""
    found = {kind: state.effect.auc(setting, kind) for kind in ANOMALIES}
    known = {kind: auc for kind, auc in found.items() if auc is not None}  # all: what is offered is in the table
    return min(known.items(), key=lambda item: item[1])


def _whole(mine: Any, holds: Holds, start: str) -> int:
    value = holds.given(mine, start)
    holds.that("number", isinstance(value, int) and not isinstance(value, bool), "it is a whole number").otherwise(
        f"a whole number expected, got {type(value).__name__} {str(value)[:20]}", start
    )
    return int(value)
