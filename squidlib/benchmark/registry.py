"""Methods: everything that can be put into the table, by the name that the command line takes.

One more method is one more function here that builds it, and a line with its family.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from squidlib.baselines.base import Method
from squidlib.training.presets import Preset
from squidlib.utils.errors import UserError

SQUID = "SQUID"

#: What a method measures, in one word; "trivial" ones learn (next to) nothing, and the others have to beat them.
RECONSTRUCTION, MEMORY, ONE_CLASS = "reconstruction", "memory", "one-class"
DISTILLATION, SELF_SUPERVISION, DENSITY = "distillation", "self-supervision", "density"
TRIVIAL, OTHER = "trivial", "other"
FAMILIES = (RECONSTRUCTION, MEMORY, ONE_CLASS, DISTILLATION, SELF_SUPERVISION, DENSITY, TRIVIAL)


@dataclass(frozen=True)
class Entry:
    """How a method is built for a data set's preset. The function travels to another process, so it has a name.

    Attributes:
        family: one of ``FAMILIES``, or "other"; of a method that has parts of several, what its paper puts first.
    """

    build: Callable[[Preset], Method]
    family: str = OTHER


def _squid(preset: Preset) -> Method:
    from squidlib.benchmark.squid_method import SquidMethod

    return SquidMethod(preset)


def _auto_encoder(preset: Preset) -> Method:
    from squidlib.baselines.auto_encoder import AutoEncoder

    return AutoEncoder()


def _vae(preset: Preset) -> Method:
    from squidlib.baselines.vae import VAE

    return VAE()


def _ganomaly(preset: Preset) -> Method:
    from squidlib.baselines.ganomaly import Ganomaly

    return Ganomaly()


def _f_anogan(preset: Preset) -> Method:
    from squidlib.baselines.f_anogan import FAnoGAN

    return FAnoGAN()


def _memae(preset: Preset) -> Method:
    from squidlib.baselines.memae import MemAE

    return MemAE(preset.config)


def _mnad(preset: Preset) -> Method:
    from squidlib.baselines.mnad import MNAD

    return MNAD()


def _salad(preset: Preset) -> Method:
    from squidlib.baselines.salad import SALAD

    return SALAD()


def _cutpaste(preset: Preset) -> Method:
    from squidlib.baselines.cutpaste import CutPaste

    return CutPaste()


def _panda(preset: Preset) -> Method:
    from squidlib.baselines.panda import Panda

    return Panda()


def _m_kd(preset: Preset) -> Method:
    from squidlib.baselines.m_kd import MultiresolutionDistillation

    return MultiresolutionDistillation()


def _implicit_field(preset: Preset) -> Method:
    from squidlib.baselines.implicit_field import ImplicitField

    return ImplicitField()


def _padim(preset: Preset) -> Method:
    from squidlib.baselines.padim import PaDiM

    return PaDiM()


def _igd(preset: Preset) -> Method:
    from squidlib.baselines.igd import IGD

    return IGD()


def _feature_neighbours(preset: Preset) -> Method:
    from squidlib.baselines.feature_neighbours import FeatureNeighbours

    return FeatureNeighbours()


def _patch_neighbours(preset: Preset) -> Method:
    from squidlib.baselines.trivial import PatchNeighbours

    return PatchNeighbours(preset.config.grid)


def _mean_image(preset: Preset) -> Method:
    from squidlib.baselines.trivial import MeanImage

    return MeanImage()


def _sharpness(preset: Preset) -> Method:
    from squidlib.baselines.trivial import Sharpness

    return Sharpness()


#: In the order in which they are run: quick ones first, so that a mistake shows early.
METHODS: dict[str, Entry] = {
    "sharpness": Entry(_sharpness, TRIVIAL),
    "mean-image": Entry(_mean_image, TRIVIAL),
    "pixel-kNN": Entry(_patch_neighbours, TRIVIAL),
    SQUID: Entry(_squid, MEMORY),
    "auto-encoder": Entry(_auto_encoder, RECONSTRUCTION),
    "VAE": Entry(_vae, RECONSTRUCTION),
    "Ganomaly": Entry(_ganomaly, RECONSTRUCTION),
    "f-AnoGAN": Entry(_f_anogan, RECONSTRUCTION),
    "MemAE": Entry(_memae, MEMORY),
    "MNAD": Entry(_mnad, MEMORY),
    "SALAD-style": Entry(_salad, RECONSTRUCTION),
    "CutPaste": Entry(_cutpaste, SELF_SUPERVISION),
    "PANDA": Entry(_panda, ONE_CLASS),
    "M-KD": Entry(_m_kd, DISTILLATION),
    "IF-2D": Entry(_implicit_field, RECONSTRUCTION),
    "PaDiM": Entry(_padim, DENSITY),
    "IGD": Entry(_igd, ONE_CLASS),
    "feature-kNN": Entry(_feature_neighbours, DENSITY),
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
