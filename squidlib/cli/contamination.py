"""``squid contamination``: AUC against the share of X-rays in training that are normal (paper: section 5.3)."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tyro.conf import Positional

from squidlib.cli.choices import DatasetName
from squidlib.cli.device import check_device, device_of_workers
from squidlib.utils.command import command
from squidlib.utils.errors import UserError
from squidlib.utils.text import printable

if TYPE_CHECKING:
    from squidlib.data.chest import ChestData
    from squidlib.teaching.studies.chest_contamination_jobs import Study
    from squidlib.teaching.studies.results import Progress, Stored
    from squidlib.training.presets import Preset
    from squidlib.utils.cluster import Cluster

RESULTS = "results.json"
DIGITS = "python -m squidlib.teaching.studies.contamination"


@dataclass(frozen=True)
class Contamination:
    """Train SQUID and simpler methods on X-rays of which a share is abnormal and unlabelled; draw AUC by that share.

    Everything is written into --out after every training. The same command goes on where it was stopped.
    """

    dataset: Positional[DatasetName]
    """What to train on. For digits there is a study of its own."""
    out: Path
    """Folder for results.json, table.md, table.csv, figure.svg and figure.png."""
    data: Path | None = None
    """The folder of the chest data set, in its public layout or the paper's authors'."""
    shares: str = "100,90,80,70,60,50"
    """Per cent of the training images that are normal."""
    seeds: int = 3
    """Trainings at each share, each with other images, weights and order."""
    steps: int | None = None
    """Steps of each training of SQUID instead of the laptop preset's."""
    minutes: float | None = None
    """Train each SQUID for about this long instead; the number of steps is fixed by a short trial before the start."""
    baseline_steps: int | None = None
    """Steps of MemAE and the auto-encoder; by default as many as SQUID's."""
    images: int | None = None
    """Training images, the same number at every share; by default as many as the lowest share allows."""
    device: str = "auto"
    """auto (a CUDA GPU where there is one), cpu, cuda or mps."""
    cache: Path | None = None
    """Where decoded X-rays are kept; by default a folder in --data."""
    scheduler: str | None = None
    """Train on other machines: a Dask scheduler's address, tcp://host:8786 (extra [cluster], docs/gpus.md)."""
    download: bool = False
    """Allow the download of PneumoniaMNIST to --data."""
    skip_bad: bool = False
    """Leave X-rays out that are damaged, duplicated or misplaced, instead of refusing them."""

    def run(self) -> int:
        """Train what is missing, then write tables and figures; also after Ctrl-C."""
        from squidlib.utils.cluster import connected

        shares, seeds = self._checked()
        with connected(self.scheduler, lambda line: print(line, flush=True)) as cluster:
            return self._run(shares, seeds, cluster)

    def _run(self, shares: list[int], seeds: range, cluster: Cluster | None) -> int:
        from squidlib.teaching.studies.chest_contamination_jobs import Study
        from squidlib.teaching.studies.results import Stored, run_all, write_runs
        from squidlib.training.trainer import Interrupted

        data = self._data()
        preset = self._preset(data)
        images = self._size(data, shares, seeds)
        steps = {
            "SQUID": preset.training.steps,
            "baselines": self.baseline_steps or preset.training.steps,
        }
        test = {"normal": int((data.arrays.labels == 0).sum()), "abnormal": int((data.arrays.labels == 1).sum())}
        metadata: dict[str, Any] = {"data": self.dataset, "images": images, "test": test, "steps": steps}
        study = Study(preset, images, steps["baselines"], device_of_workers(self.device, cluster))
        jobs = self._jobs(study, data, shares, seeds, cluster)
        self.out.mkdir(parents=True, exist_ok=True)
        if not (self.out / RESULTS).is_file():
            write_runs(self.out / RESULTS, Stored(metadata, {}))  # what was asked for holds from here on
        print(f"{len(jobs)} trainings into {self.out}; Ctrl-C stops, the same command goes on", flush=True)
        try:
            run_all("contamination", metadata, jobs, self.out / RESULTS, self._tell, cluster)
        except (Interrupted, KeyboardInterrupt):
            self._write(shares)
            again = command(*sys.argv[1:])
            print(f"squid: stopped; nothing is lost. Go on with the same command: {again}", file=sys.stderr)
            return 130
        self._write(shares)
        print(f"tables and figures: {self.out}")
        return 0

    def _checked(self) -> tuple[list[int], range]:
        """Shares, highest first, and seeds; everything is looked at before anything is read."""
        from squidlib.data.options import DataOptions
        from squidlib.data.registry import settings_of
        from squidlib.utils.safetensors_io import check_writable

        try:
            settings_of(self.dataset, DataOptions(folder=self.data, contamination=0.1))
        except UserError as error:
            raise UserError(
                f"{error}. Of digits, this study's results come with the kit; to run it again: {DIGITS}"
            ) from error
        try:
            shares = sorted({int(share) for share in self.shares.split(",")}, reverse=True)
        except ValueError as error:
            raise UserError(f"--shares are whole numbers such as 100,80,60; got {self.shares!r}") from error
        if not 1 <= shares[-1] <= shares[0] <= 100:
            raise UserError(f"--shares lie in 1..100 per cent, got {self.shares}")
        if self.steps is not None and self.minutes is not None:
            raise UserError("--steps and --minutes both say how long to train; give one of them")
        for name in ("seeds", "steps", "minutes", "baseline_steps", "images"):
            value = getattr(self, name)
            if value is not None and not 0 < value < 1e9:
                raise UserError(f"--{name.replace('_', '-')} must be more than 0, got {value}")
        if self.scheduler is not None and self.minutes is not None:
            raise UserError("--minutes is measured on this machine, not on the workers; with --scheduler give --steps")
        check_device(self.device, elsewhere=self.scheduler is not None)
        check_writable(self.out)
        return shares, range(self.seeds)

    def _data(self) -> ChestData:
        from squidlib.data.chest import ChestData
        from squidlib.data.options import DataOptions
        from squidlib.data.registry import open_dataset, settings_of
        from squidlib.training.presets import preset_for

        size = preset_for("laptop", self.dataset).config.image_size
        options = DataOptions(folder=self.data, preset_size=size, cache=self.cache, skip_bad=self.skip_bad)
        data = open_dataset(settings_of(self.dataset, options), 0, self.download)
        if not isinstance(data, ChestData):
            raise UserError(f"{self.dataset} has no abnormal training images to mix in")
        for line in data.notes:
            print(f"note: {printable(line)}")
        return data

    def _preset(self, data: ChestData) -> Preset:
        """The laptop preset, as long as was asked for; what a trial found holds until the study is finished."""
        from squidlib.training.presets import preset_for
        from squidlib.training.trainer import steps_in

        preset = preset_for("laptop", self.dataset)
        steps = preset.training.steps if self.steps is None else self.steps
        if self.minutes is not None:
            if (self.out / RESULTS).is_file():
                steps = int(self._stored().metadata["steps"]["SQUID"])
            else:
                steps = steps_in(self.minutes, preset, data, self.device)
                print(f"{self.minutes:g} minutes are about {steps} steps on this machine")
        return preset._replace(training=replace(preset.training, steps=steps, schedule_steps=steps))

    def _stored(self) -> Stored:
        from squidlib.teaching.studies.results import read_runs

        return read_runs(self.out / RESULTS, "remove it or choose another --out")

    def _size(self, data: ChestData, shares: list[int], seeds: range) -> int:
        from squidlib.teaching.studies.chest_contamination import check_size, common_size

        if self.images is None:
            images = common_size(data, shares, seeds)
        elif self.images > len(data):
            raise UserError(f"--images: at most the {len(data)} normal training images there are, got {self.images}")
        else:
            images = self.images
            check_size(data, shares, seeds, images)
        print(f"{images} training images at every share; {len(data)} normal ones are there to draw from")
        return images

    def _jobs(
        self, study: Study, data: ChestData, shares: list[int], seeds: range, cluster: Cluster | None
    ) -> dict[str, Callable[[], dict[str, Any]]]:
        from squidlib.teaching.studies.chest_contamination_jobs import RemoteRun, check_worker_data, study_content

        keys = {f"{name} {share}/{seed}": (name, share, seed) for name, share, seed in study.keys(shares, seeds)}
        if cluster is None:
            return {text: partial(study.figures, data, *key, self._folder(text)) for text, key in keys.items()}
        settings, wanted = {"data": self.dataset, **data.settings}, study_content(data)
        cluster.ask(partial(check_worker_data, settings, wanted))
        print(f"{cluster}; the images there are the same as here", flush=True)
        return {text: RemoteRun(study, settings, wanted, key) for text, key in keys.items()}

    def _folder(self, key: str) -> Path:
        """Of a training of SQUID while it is under way."""
        return self.out / "running" / key.replace(" ", "_").replace("/", "_seed_")

    def _tell(self, progress: Progress) -> None:
        shutil.rmtree(self._folder(progress.key), ignore_errors=True)  # its figures are written by now
        left = f", about {progress.seconds_left / 60:.0f} min left" if progress.done < progress.total else ""
        print(f"{progress.done}/{progress.total} {progress.key}: AUC {progress.figures['auc']:.3f}{left}", flush=True)

    def _write(self, shares: list[int]) -> None:
        """Tables and figure of all that is stored for these shares."""
        from squidlib.teaching.studies.chest_contamination_report import write_report

        write_report(self.out, self._stored(), shares, self.dataset)
