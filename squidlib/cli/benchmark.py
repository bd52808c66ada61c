"""``squid benchmark``: SQUID and other methods side by side, the same images and the same time for each."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tyro.conf import Positional

from squidlib.cli.choices import DatasetName
from squidlib.cli.device import check_device, device_of_workers
from squidlib.utils.command import command
from squidlib.utils.errors import UserError

if TYPE_CHECKING:
    from squidlib.benchmark.store import Store
    from squidlib.data.base import TestSet
    from squidlib.training.presets import Preset
    from squidlib.utils.cluster import Cluster


@dataclass(frozen=True)
class Benchmark:
    """Train and judge many methods on the same images, each for the same time; write tables, a chart and a picture.

    Every method and seed runs in a process of its own: one that fails is reported, and the rest goes on. The same
    command goes on where it was stopped; more --methods or --seeds may be asked for later.
    """

    dataset: Positional[DatasetName]
    """What to train and judge on. Chest X-rays do not come with the kit: --data says where they are."""
    out: Path
    """Folder for results.md, results.csv, results.json, auc.png, methods.png, and a file for each method and seed."""
    data: Path | None = None
    """The folder of the data set's files; chest X-rays in their public layout or the paper's authors'."""
    methods: str = ""
    """Names separated by commas, such as SQUID,PaDiM; by default all that suit the data. A wrong name lists them."""
    seeds: int = 3
    """Trainings of every method, with seeds from 0 on."""
    minutes_each: float = 2.5
    """Time to fit for every method and seed. A short trial measures how many steps fill it."""
    series: str | None = None
    """Of zhanglab: IM or NORMAL2, the one series of normals to learn from; the other one's are then test images."""
    hand: float = 0.0
    """Of digits: how far all of an image have one writer, 0 to 1; adds the anomalies that only neighbours show."""
    cache: Path | None = None
    """Where decoded X-rays are kept; by default a folder in --data."""
    device: str = "auto"
    """auto (a CUDA GPU where there is one), cpu, cuda or mps."""
    scheduler: str | None = None
    """Do the jobs on other machines: a Dask scheduler's address, tcp://host:8786 (extra [cluster], docs/gpus.md)."""
    download: bool = False
    """Allow the download of PneumoniaMNIST to --data."""
    skip_bad: bool = False
    """Leave X-rays out that are damaged, duplicated or misplaced, instead of refusing them."""
    overwrite: bool = False
    """Begin again in --out: remove the results that are there."""

    def run(self) -> int:
        """Run what is missing, then write tables and pictures; also after Ctrl-C."""
        from squidlib.utils.cluster import connected

        self._check()
        with connected(self.scheduler, _say) as cluster:
            return self._run(cluster)

    def _run(self, cluster: Cluster | None) -> int:
        from squidlib.benchmark.harness import run_jobs, settings_of
        from squidlib.benchmark.registry import ON_PHOTOGRAPHS, chosen
        from squidlib.benchmark.source import NamedSource
        from squidlib.benchmark.store import Store
        from squidlib.data.registry import entry

        names = [name for name in self.methods.split(",") if name.strip()]
        methods, asked = chosen(names), self._settings()
        source, device, store = NamedSource(asked), device_of_workers(self.device, cluster), Store(self.out)
        test_set = source.test_set()
        settings = settings_of(self.dataset, test_set, self.minutes_each, device) | self._named()
        store.open(settings, self.overwrite, private=entry(self.dataset).private)
        if not names and self.dataset == "digitanatomy" and ON_PHOTOGRAPHS in methods:
            del methods[ON_PHOTOGRAPHS]
            _say(f"{ON_PHOTOGRAPHS} is left out: on digits ImageNet's features say nothing; --methods can name it")
        try:
            preset = self._preset(asked)
            run_jobs(store, source, preset, methods, self.seeds, self.minutes_each, device, _say, cluster)
        except KeyboardInterrupt:
            write_report(store, test_set, settings)
            again = command(*(word for word in sys.argv[1:] if word != "--overwrite"))
            print(f"squid: stopped; finished jobs are kept in {self.out}. Go on with: {again}", file=sys.stderr)
            return 130
        failed = write_report(store, test_set, settings)
        return 1 if failed else 0

    def _check(self) -> None:
        from squidlib.utils.safetensors_io import check_writable

        if self.seeds < 1:
            raise UserError(f"--seeds is the number of trainings of each method, at least 1; got {self.seeds}")
        if not 0 < self.minutes_each < 1e6:
            raise UserError(f"--minutes-each must be more than 0 and less than a million, got {self.minutes_each}")
        check_device(self.device, elsewhere=self.scheduler is not None)
        check_writable(self.out)

    def _named(self) -> dict[str, Any]:
        """What tells this benchmark from others of the same data set; only what was asked for."""
        asked = {"series": self.series, "hand": self.hand or None}
        return {name: value for name, value in asked.items() if value is not None}

    def _preset(self, settings: dict[str, Any]) -> Preset:
        """The laptop preset, for the size of the images where the data set has no one size.

        Of digits by one hand, what belongs together is learned, too, as ``squid train --hand`` does.
        """
        from squidlib.patches import rows_and_columns
        from squidlib.training.presets import fit_to, preset_for

        preset, size = preset_for("laptop", self.dataset), settings.get("image_size")
        if self.hand:
            preset = preset._replace(config=replace(preset.config, context=True))
        if size is None:
            return preset
        height, width = rows_and_columns(size if isinstance(size, int) else tuple(size))
        return fit_to(preset, (int(settings.get("channels", 1)), height, width))

    def _settings(self) -> dict[str, Any]:
        """What ``open_dataset`` wants to know; a download happens here and nowhere else."""
        from squidlib.config import as_plain
        from squidlib.data.options import DataOptions
        from squidlib.data.registry import open_dataset, settings_of
        from squidlib.training.presets import preset_for

        preset = preset_for("laptop", self.dataset)
        options = DataOptions(
            folder=self.data,
            preset_size=preset.config.image_size,
            jitter=None if self.hand else as_plain(preset.jitter),  # neither pen nor hand is varied
            cache=self.cache,
            skip_bad=self.skip_bad,
            series=self.series,
            hand=self.hand,
            acquisition=preset.acquisition,
        )
        settings = settings_of(self.dataset, options)
        if self.download:
            open_dataset(settings, 0, download=True)
        return settings


def write_report(store: Store, test_set: TestSet, settings: dict[str, Any]) -> bool:
    """Write tables and pictures of what is done; say where, and whether anything has failed."""
    from squidlib.benchmark.pictures import auc_chart, reconstructions_picture
    from squidlib.benchmark.registry import METHODS
    from squidlib.benchmark.report import as_csv, as_json, as_markdown, auc_cells, told_apart
    from squidlib.benchmark.summary import summarise
    from squidlib.benchmark.tables import rich_table, wide_console
    from squidlib.utils.plotting import png
    from squidlib.utils.safetensors_io import write_atomically

    rows = summarise(store, test_set, METHODS)
    if not rows:
        return False
    written = {"results.md": as_markdown(rows, settings), "results.csv": as_csv(rows)}
    written["results.json"] = as_json(rows, settings)
    for name, text in written.items():
        write_atomically(store.folder / name, text.encode())
    if any(row.runs for row in rows):
        write_atomically(
            store.folder / "auc.png", png(auc_chart(rows, settings["data"], told_apart(settings)), dpi=150)
        )
        picture = reconstructions_picture(rows, store, test_set)
        if picture is not None:
            write_atomically(store.folder / "methods.png", png(picture))
    wide_console().print(rich_table(auc_cells(rows, settings["data"]), settings["data"]))
    print(f"tables and pictures: {store.folder}")
    failures = [f"{row.name}, seed {seed}: {text}" for row in rows for seed, text in row.failures.items()]
    for line in failures:
        print(f"squid: failed: {line} (all of it: {store.jobs})", file=sys.stderr)
    return bool(failures)


def _say(line: str) -> None:
    print(line, flush=True)
