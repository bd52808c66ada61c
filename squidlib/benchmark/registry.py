"""Methods: everything that can be put into the table, by the name that the command line takes.

One more method is one more file in ``squidlib.baselines`` and one more line in ``METHODS``.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from squidlib import baselines
from squidlib.baselines.base import Method
from squidlib.benchmark.squid_method import SquidMethod, SquidOnFeatures
from squidlib.training.presets import Preset
from squidlib.utils.errors import UserError

SQUID = "SQUID"
ON_PHOTOGRAPHS = "SQUID-backbone"  #: for photographs and X-rays; on digits it is run only where it is named

#: What a method measures, in one word; "naive" ones learn (next to) nothing, and the others have to beat them.
RECONSTRUCTION, MEMORY, ONE_CLASS = "reconstruction", "memory", "one-class"
DISTILLATION, SELF_SUPERVISION, DENSITY = "distillation", "self-supervision", "density"
NAIVE, OTHER = "naive", "other"
FAMILIES = (RECONSTRUCTION, MEMORY, ONE_CLASS, DISTILLATION, SELF_SUPERVISION, DENSITY, NAIVE)


@dataclass(frozen=True)
class Entry:
    """How a method is built for a data set's preset. The function travels to another process, so it has a name.

    Attributes:
        family: one of ``FAMILIES``, or "other"; of a method that has parts of several, what its paper puts first.
    """

    build: Callable[[Preset], Method]
    family: str = OTHER


@dataclass(frozen=True)
class Plain:
    """``build`` of a class that is the same for every data set."""

    method: Callable[[], Method]

    def __call__(self, preset: Preset) -> Method:
        """Made without arguments."""
        return self.method()


@dataclass(frozen=True)
class Configured:
    """``build`` of a class whose networks or grid are those of the preset's ``SquidConfig``."""

    method: Callable[..., Method]
    part: str = ""  #: of the configuration; empty: all of it

    def __call__(self, preset: Preset) -> Method:
        """Made of the configuration, or of that part of it."""
        return self.method(getattr(preset.config, self.part) if self.part else preset.config)


#: In the order in which they are run: quick ones first, so that a mistake shows early.
METHODS: dict[str, Entry] = {
    "sharpness": Entry(Plain(baselines.Sharpness), NAIVE),
    "mean-image": Entry(Plain(baselines.MeanImage), NAIVE),
    "pixel-kNN": Entry(Configured(baselines.PatchNeighbours, "grid"), NAIVE),
    "HOG-kNN": Entry(Configured(baselines.GradientNeighbours, "grid"), NAIVE),
    SQUID: Entry(SquidMethod, MEMORY),
    ON_PHOTOGRAPHS: Entry(SquidOnFeatures, MEMORY),
    "auto-encoder": Entry(Plain(baselines.AutoEncoder), RECONSTRUCTION),
    "VAE": Entry(Plain(baselines.VAE), RECONSTRUCTION),
    "Ganomaly": Entry(Plain(baselines.Ganomaly), RECONSTRUCTION),
    "f-AnoGAN": Entry(Plain(baselines.FAnoGAN), RECONSTRUCTION),
    "MemAE": Entry(Configured(baselines.MemAE), MEMORY),
    "MNAD": Entry(Plain(baselines.MNAD), MEMORY),
    "SALAD-style": Entry(Plain(baselines.SALAD), RECONSTRUCTION),
    "CutPaste": Entry(Plain(baselines.CutPaste), SELF_SUPERVISION),
    "PANDA": Entry(Plain(baselines.Panda), ONE_CLASS),
    "M-KD": Entry(Plain(baselines.MultiresolutionDistillation), DISTILLATION),
    "IF-2D": Entry(Plain(baselines.ImplicitField), RECONSTRUCTION),
    "PaDiM": Entry(Plain(baselines.PaDiM), DENSITY),
    "IGD": Entry(Plain(baselines.IGD), ONE_CLASS),
    "feature-kNN": Entry(Plain(baselines.FeatureNeighbours), DENSITY),
}


def chosen(names: Sequence[str], methods: Mapping[str, Entry] = METHODS) -> dict[str, Entry]:
    """The methods of these names, in the table's order; case does not matter. No name: all of them.

    Raises:
        UserError: where a name is unknown.
    """
    known = {name.lower(): name for name in methods}
    wanted = set()
    for name in names:
        key = name.strip().lower()
        if key not in known:
            near = difflib.get_close_matches(key, known, 1)
            meant = f"; did you mean {known[near[0]]}?" if near else "."
            raise UserError(f"--methods: no method {name.strip()!r}{meant} They are {', '.join(methods)}")
        wanted.add(known[key])
    return {name: entry for name, entry in methods.items() if not wanted or name in wanted}
