"""``squid train``: train a run, go on with one, in a folder of its own."""

from __future__ import annotations

import shlex
import sys
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, TextIO

from squidlib.cli.device import check_device
from squidlib.cli.prepare import prepare
from squidlib.cli.train_options import TrainOptions
from squidlib.utils.errors import UserError

if TYPE_CHECKING:
    from squidlib.data.base import Dataset
    from squidlib.training.devices import Layout
    from squidlib.training.run_dir import Run


@dataclass(frozen=True)
class Train(TrainOptions):
    """Train SQUID on normal images and save the run: settings, losses, pictures, the finished detector."""

    def run(self) -> int:
        """Train to the end, or to Ctrl-C."""
        if self.seeds < 1:
            raise UserError(f"--seeds is the number of runs, at least 1; got {self.seeds}")
        return self._one() if self.seeds == 1 else self._several()

    def _several(self) -> int:
        """One run after the other, then all of them in one table; with --resume, finished ones are not repeated."""
        from squidlib.cli.evaluate import evaluate_runs, print_evaluations, write_json
        from squidlib.training.run_dir import Run
        from squidlib.utils.distributed import rank

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
        from squidlib.training.launch import init_process_group, train_by_many
        from squidlib.training.run_dir import Run
        from squidlib.training.trainer import train_run
        from squidlib.utils.distributed import on_rank_zero
        from squidlib.utils.signals import Interrupted

        check_device(self.device)
        layout = layout_of(self.device, self.devices)
        if layout.processes > 1 and self.minutes is not None:
            raise UserError("--minutes is measured with one process; with several, say --epochs")
        init_process_group(layout)
        run, prepared = Run(self.out), list[Any]()
        metadata = on_rank_zero(lambda: self._begin(run, layout, prepared))
        if metadata is None:
            self._say(f"{self.out} is already finished; look at it with: squid evaluate {self.out}")
            return 0
        doing = "going on with" if self.resume else "training into"
        self._say(f"{doing} {self.out}{_by(layout)}; Ctrl-C saves, --resume goes on")
        try:
            if layout.processes == 1:
                train_run(run, prepared[0], self.device)
            else:
                train_by_many(run, partial(_data, metadata), layout)
        except (Interrupted, KeyboardInterrupt) as stopped:
            said = str(stopped) or "interrupted; what was saved last is kept"
            self._say(f"squid: {said}. Go on with: {self._again(layout)}", sys.stderr)
            return 130
        self._say(f"finished: {run.model_path}. Look at it with: squid evaluate {self.out}")
        return 0

    def _again(self, layout: Layout) -> str:
        """What to type to go on with the run."""
        if layout.joined:
            return "the same command and --resume"
        command = f"squid train {self.dataset} --out {shlex.quote(str(self.out))} --resume"
        return command + (f" --device {layout.accelerator} --devices {layout.devices}" if layout.processes > 1 else "")

    @staticmethod
    def _say(text: str, file: TextIO | None = None) -> None:
        """Once, however many processes there are."""
        from squidlib.utils.distributed import rank

        if rank() == 0:
            print(text, file=file, flush=True)

    def _begin(self, run: Run, layout: Layout, prepared: list[Dataset]) -> dict[str, Any] | None:
        """Make the run's folder ready, in the first process only: facts of its data, which goes into ``prepared``.

        None where there is nothing left to train.
        """
        from squidlib.data.registry import open_dataset
        from squidlib.training.devices import check_batch

        if not self.resume:
            prepared.append(prepare(self, run, layout))
            return run.read_settings()[3]
        if self.overwrite:
            raise UserError("--resume goes on with a run and --overwrite replaces it; give one of them")
        if run.finished:
            run.state_path.unlink(missing_ok=True)  # left where the run was killed at its very end
            return None
        _, training, _, metadata = run.read_settings()
        check_batch(training.batch_size, layout)
        if self.data is not None:  # the folder was moved
            metadata = metadata | {"folder": str(self.data.resolve())}
        prepared.append(open_dataset(metadata, training.seed, self.download))
        return metadata


def _data(metadata: dict[str, Any]) -> Dataset:
    """In a process that was started: the data that its parent has already found to be in order."""
    from squidlib.data.registry import open_dataset

    return open_dataset(metadata, int(metadata["seed"]))


def _by(layout: Layout) -> str:
    if layout.processes == 1:
        return ""
    where = "" if layout.nodes == 1 else f" on {layout.nodes} machines"
    return f" by {layout.processes} processes{where}, each a share of every batch"
