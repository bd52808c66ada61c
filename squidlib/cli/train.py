"""``squid train``: train a run, or continue one, in a folder of its own.

The options' docstrings are their help. Each stands on one line: a line break in it would be one on the screen.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TextIO

from tyro.conf import Positional

from squidlib.cli.choices import DatasetName
from squidlib.cli.device import check_device
from squidlib.cli.prepare import begin, resume
from squidlib.utils.command import command
from squidlib.utils.errors import UserError

if TYPE_CHECKING:
    from squidlib.data.base import Dataset
    from squidlib.training.devices import Layout
    from squidlib.training.run_dir import Run
    from squidlib.training.settings import RunSettings


@dataclass(frozen=True)
class Train:
    """Train SQUID on normal images and save the run: settings, losses, pictures, the finished detector."""

    dataset: Positional[DatasetName]
    """What to train on: DigitAnatomy, which comes with the kit, chest X-rays, or a folder of images of your own."""
    out: Path
    """The run's folder. One that already holds a run is overwritten with --overwrite alone."""
    data: Path | None = None
    """The folder of the files: X-rays as published; normal images, and perhaps test/normal and test/TYPE besides."""
    size: int | tuple[int, int] | None = None
    """Of a folder: pixels a side, or height and width, multiples of 32; by default the longer side becomes 128."""
    grid: int | tuple[int, int] | None = None
    """Tiles a side, or rows and columns; by default as many of the preset's size as the images have room for."""
    channels: int | None = None
    """Of a folder: 1 reads images as grey, 3 in colour; by default as they are."""
    test_each: int | None = None
    """Of chexpert: test images of each class that are drawn from train.csv, instead of the paper's 250; 0: none."""
    preset: Literal["laptop", "backbone", "paper", "gpu"] = "laptop"
    """laptop: ours, minutes on two cores. backbone: on ImageNet features. gpu: large batches. paper: as published."""
    seed: int = 0
    """Another seed gives other weights and other training images; the same seed gives the same run on a CPU."""
    seeds: int = 1
    """Train this many runs, from --seed on, into seed_N below --out, and print what they find as one table."""
    epochs: float | None = None
    """Train for this many epochs instead of the preset's: of digits 1600 images, else all training images once."""
    minutes: float | None = None
    """Train for about this long instead; the number of steps is fixed by a short trial before the start."""
    slots: int | None = None
    """Memory slots at each position; by default the preset's in training, then one for each training image."""
    topk: int | None = None
    """Slots that survive shrinkage instead of the preset's."""
    precision: Literal["32-true", "bf16-mixed", "16-mixed"] | None = None
    """Number format of the computation instead of the preset's."""
    device: str = "auto"
    """auto (a CUDA GPU where there is one), cpu, cuda or mps."""
    devices: int | Literal["auto"] | None = None
    """Processes that share every batch, one for each GPU or on the CPU; auto takes every GPU. By default one."""
    patience: int = 0
    """Hold a tenth of the normals back, and stop after so many epochs in which they are not reconstructed better."""
    glyphs: str = "mnist5000"
    """mnist5000 or sklearn_digits (offline); mnist, emnist or kmnist; or a folder with sub-folders 0 to 9."""
    hand: float = 0.0
    """Of digits: how far all digits of an image have one writer, 0 (each its own) to 1; see digitanatomy.hand."""
    context: bool = False
    """Also learn which patches belong together, after training (a minute); always with a --hand. Adds two scores."""
    download: bool = False
    """Allow the download of mnist, emnist or kmnist to ./data, or of PneumoniaMNIST to --data."""
    cache: Path | None = None
    """Where decoded images are kept; by default a folder in --data."""
    contamination: float = 0.0
    """Of X-rays: this share of those to learn from is abnormal, unlabelled (lesson 11); 0 to 0.5, in whole per cent."""
    series: str | None = None
    """Of zhanglab: IM or NORMAL2, the one series of normals to learn from; the other one's are then test images."""
    acquisition: Literal["preset", "varied", "plain"] = "preset"
    """Whether X-rays to learn from are varied as other machines would give them, or plain; the preset knows."""
    skip_bad: bool = False
    """Leave images out that are damaged, duplicated or misplaced, and list them, instead of refusing them."""
    resume: bool = False
    """Continue the run in --out; its own settings hold."""
    overwrite: bool = False
    """Replace the run in --out."""

    def run(self) -> int:
        """Train to the end, or to Ctrl-C."""
        if self.seeds < 1:
            raise UserError(f"--seeds is the number of runs, at least 1; got {self.seeds}")
        if self.resume and self.overwrite:
            raise UserError("--resume goes on with a run and --overwrite replaces it; give one of them")
        return self._one() if self.seeds == 1 else self._several()

    def _several(self) -> int:
        """One run after the other, then all of them in one table; with --resume, finished ones are not repeated."""
        from squidlib.cli.evaluate import evaluate_runs, print_evaluations, write_json
        from squidlib.training.run_dir import Run
        from squidlib.utils.distributed import rank

        if self.overwrite:
            (self.out / "evaluation.json").unlink(missing_ok=True)
        folders = []
        for seed in range(self.seed, self.seed + self.seeds):
            folders.append(self.out / f"seed_{seed}")
            begun = self.resume and Run(folders[-1]).settings_path.is_file()
            code = replace(self, seed=seed, seeds=1, out=folders[-1], resume=begun)._one()
            if code:
                self._say(f"squid: all seeds: give the same command with --resume and --out {self.out}", sys.stderr)
                return code
        if rank():
            return 0
        names = [str(folder) for folder in folders]
        evaluations = evaluate_runs(names, 0.05, self.device)
        print_evaluations(evaluations, names)
        write_json(self.out / "evaluation.json", dict(zip(names, evaluations, strict=True)))
        print(f"all figures: {self.out / 'evaluation.json'}")
        return 0

    def _one(self) -> int:
        from squidlib.training.devices import layout_of
        from squidlib.training.launch import init_process_group
        from squidlib.training.run_dir import Run
        from squidlib.training.trainer import UnfinishedError
        from squidlib.utils.memory import out_of_memory
        from squidlib.utils.signals import Interrupted

        check_device(self.device)
        layout = layout_of(self.device, self.devices)
        if layout.processes > 1 and self.minutes is not None:
            raise UserError("--minutes is measured with one process; with several, say --epochs")
        init_process_group(layout)
        run, again = Run(self.out), f"Go on with: {self._again(layout)}"
        try:
            trained = self._by_one(run, layout) if layout.processes == 1 else self._by_many(run, layout)
        except (Interrupted, KeyboardInterrupt) as stopped:
            self._say(f"squid: {str(stopped) or 'interrupted; what was saved last is kept'}. {again}", sys.stderr)
            return 130
        except UnfinishedError as error:
            raise UserError(f"{error}. {again}") from error
        except (MemoryError, RuntimeError) as error:
            line = out_of_memory(error)
            if line is None or not run.state_path.is_file():
                raise
            raise UserError(f"{line}. What was saved last is kept. {again}") from error
        done = f"finished: {run.model_path}" if trained else f"{self.out} is already finished"
        self._say(
            f"{done}. On its test images: {command('evaluate', self.out, *self._tested_by(run))}\n"
            f"On images of your own: {command('score', self.out, 'IMAGES', '--csv', 'scores.csv')}"
        )
        return 0

    @staticmethod
    def _tested_by(run: Run) -> tuple[str, ...]:
        """What ``squid evaluate`` is told of a run: one that has seen one series is tested with the others' normals."""
        return ("--protocol", "series") if run.read_settings().metadata.get("series") else ()

    def _by_one(self, run: Run, layout: Layout) -> bool:
        """Whether there was anything left to train."""
        from squidlib.training.trainer import train_run

        made = self._made(run, layout)
        if made is not None:
            self._announce(layout)
            train_run(run, *made, self.device)
        return made is not None

    def _by_many(self, run: Run, layout: Layout) -> bool:
        """As ``_by_one``; the first process makes the run, all open its data."""
        from squidlib.training.launch import train_by_many
        from squidlib.training.settings import RunSettings
        from squidlib.utils.distributed import on_rank_zero

        plain = on_rank_zero(partial(self._plain, run, layout))
        if plain is not None:
            self._announce(layout)
            settings = RunSettings.from_plain(plain["run"])
            train_by_many(run, settings, partial(_opened, plain["data"], settings.training.seed), layout)
        return plain is not None

    def _made(self, run: Run, layout: Layout) -> tuple[RunSettings, Dataset] | None:
        """Settings and data of the run, made or found in --out; None where it is finished."""
        return resume(self, run, layout) if self.resume else begin(self, run, layout)

    def _plain(self, run: Run, layout: Layout) -> dict[str, Any] | None:
        made = self._made(run, layout)
        return None if made is None else {"run": made[0].as_plain(), "data": made[1].settings}

    def _announce(self, layout: Layout) -> None:
        doing = "going on with" if self.resume else "training into"
        where = "" if layout.nodes == 1 else f" on {layout.nodes} machines"
        by = "" if layout.processes == 1 else f" by {layout.processes} processes{where}, each a share of every batch"
        self._say(f"{doing} {self.out}{by}; Ctrl-C saves, --resume goes on")

    def _again(self, layout: Layout) -> str:
        """What to type to go on with the run."""
        if layout.joined:
            return "the same command and --resume"
        device = ("--device", layout.accelerator, "--devices", layout.devices) if layout.processes > 1 else ()
        return command("train", self.dataset, "--out", self.out, "--resume", *device)

    @staticmethod
    def _say(text: str, file: TextIO | None = None) -> None:
        """Once, however many processes there are."""
        from squidlib.utils.distributed import rank

        if rank() == 0:
            print(text, file=file, flush=True)


def _opened(data_settings: dict[str, Any], seed: int) -> Dataset:
    """In a process that was started: the data that its parent has already found to be in order."""
    from squidlib.data.registry import open_dataset

    return open_dataset(data_settings, seed)
