"""The jobs of ``squid contamination``: one for each method, share and seed, here or on a worker of a cluster.

A job that travels takes no image with it: it says how the data set is opened, and the worker reads its own copy.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from squidlib.data.chest import ChestData
from squidlib.data.content import Part, changes, content_of
from squidlib.data.registry import open_dataset
from squidlib.teaching.studies.chest_contamination import SQUID, baseline_run, baselines, squid_run
from squidlib.training.presets import Preset
from squidlib.utils.errors import UserError


@dataclass(frozen=True)
class Study:
    """What all jobs share.

    Attributes:
        preset: of SQUID's trainings.
        images: training images at every share.
        baseline_steps: of the baselines that are trained.
        device: a torch device's name.
    """

    preset: Preset
    images: int
    baseline_steps: int
    device: str

    def keys(self, shares: Sequence[int], seeds: Sequence[int]) -> list[tuple[str, int, int]]:
        """Method, share and seed of every job: seed by seed, so that a curve over all shares is there early."""
        names = [SQUID, *baselines(self.preset, self.baseline_steps)]
        return [(name, share, seed) for seed in seeds for share in shares for name in names]

    def figures(self, data: ChestData, name: str, share: int, seed: int, folder: Path) -> dict[str, Any]:
        """Of one job.

        Args:
            data: clean.
            folder: of SQUID's training while it is under way.
        """
        contaminated = ChestData(data.arrays, seed, data.augmentation).contaminated(share, seed, self.images)
        if name == SQUID:
            return squid_run(contaminated, self.preset, seed, folder, self.device)
        return baseline_run(baselines(self.preset, self.baseline_steps)[name], contaminated, seed, self.device)


@dataclass(frozen=True)
class RemoteRun:
    """One job on a worker; its data set by the settings of ``open_dataset``, ``wanted`` what the client found in it."""

    study: Study
    settings: dict[str, Any]
    wanted: dict[str, dict[str, Any]]
    key: tuple[str, int, int]

    def __call__(self) -> dict[str, Any]:
        """Its figures. A worker that dies takes the steps of a training with it: the next one begins again."""
        data = worker_data(self.settings, self.wanted)
        folder = Path(mkdtemp(prefix="squid-run-"))
        try:
            return self.study.figures(data, *self.key, folder / "run")
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def worker_data(settings: dict[str, Any], wanted: dict[str, dict[str, Any]]) -> ChestData:
    """The data set as this machine reads it, once a process.

    Raises:
        UserError: where it cannot be read, or holds other images than the client's.
    """
    data, found = _opened(tuple(sorted(settings.items())))
    if found != wanted:
        raise UserError(f"other images on this worker than on the machine that asks: {changes(wanted, found)}")
    return data


def study_content(data: ChestData) -> dict[str, dict[str, Any]]:
    """``content_of`` the data set, and of its abnormal training images."""
    abnormals = data.arrays.abnormals()
    return content_of(data) | content_of(_Abnormal(Part(abnormals.images)))


class _Abnormal:
    def __init__(self, part: Part) -> None:
        self.part = part

    def contents(self) -> dict[str, Part]:
        return {"abnormal": self.part}


def check_worker_data(settings: dict[str, Any], wanted: dict[str, dict[str, Any]]) -> None:
    """``worker_data`` as a question to every worker."""
    worker_data(settings, wanted)


@lru_cache(maxsize=1)
def _opened(settings: tuple[tuple[str, Any], ...]) -> tuple[ChestData, dict[str, dict[str, Any]]]:
    data = open_dataset(dict(settings), 0)
    if not isinstance(data, ChestData):
        raise UserError(f"{dict(settings)['data']} has no abnormal training images to mix in")
    return data, study_content(data)
