"""``squid train``: train a run, go on with one, in a folder of its own."""

from __future__ import annotations

import shlex
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tyro.conf import Positional

from squidlib.cli.device import check_device
from squidlib.errors import UserError

if TYPE_CHECKING:
    from squidlib.chest import ChestData
    from squidlib.digits import Digits
    from squidlib.presets import Preset
    from squidlib.runs import Run


@dataclass(frozen=True)
class Train:
    """Train SQUID on normal images and save the run: settings, losses, pictures, the finished detector."""

    dataset: Positional[Literal["digitanatomy", "zhanglab", "chexpert", "pneumoniamnist"]]
    """What to train on. Chest X-rays do not come with the kit: --data says where they are."""
    out: Path
    """The run's folder. One that already holds a run is never overwritten without being told to."""
    data: Path | None = None
    """The folder of a chest data set, in its public layout or the paper's authors'."""
    preset: Literal["laptop", "paper"] = "laptop"
    """laptop: ours, minutes on two CPU cores. paper: the published setting, for a GPU."""
    seed: int = 0
    """Another seed gives other weights and other training images; the same seed gives the same run on a CPU."""
    seeds: int = 1
    """Train this many runs, from --seed on, into seed_N below --out, and print mean ± deviation of what they find."""
    epochs: float | None = None
    """Train for this many epochs instead of the preset's: 1,600 images of digits, all training images of a chest."""
    minutes: float | None = None
    """Train for about this long instead; the number of steps is fixed by a short trial before the start."""
    slots: int | None = None
    """Memory slots at each position instead of the preset's."""
    topk: int | None = None
    """Slots that survive shrinkage instead of the preset's."""
    precision: Literal["32-true", "bf16-mixed", "16-mixed"] = "32-true"
    """Number format of the computation."""
    device: str = "auto"
    """auto (a CUDA GPU where there is one), cpu, cuda or mps."""
    glyphs: str = "mnist5000"
    """mnist5000 or sklearn_digits (offline); mnist, emnist or kmnist; or a folder with sub-folders 0..9."""
    download: bool = False
    """Allow the download of mnist, emnist or kmnist to ./data, or of PneumoniaMNIST to --data."""
    cache: Path | None = None
    """Where decoded X-rays are kept; by default a folder in --data."""
    contamination: float = 0.0
    """True UAD: this share of the X-rays to learn from are abnormal, unlabelled; 0 to 0.5, in whole per cent."""
    skip_bad: bool = False
    """Leave X-rays out that are damaged, doubled or misplaced, and list them, instead of refusing them."""
    resume: bool = False
    """Go on with the run in --out; its own settings hold."""
    overwrite: bool = False
    """Replace the run in --out."""

    def run(self) -> int:
        """Train to the end, or to Ctrl-C."""
        if self.seeds < 1:
            raise UserError(f"--seeds is the number of runs, at least 1; got {self.seeds}")
        return self._one() if self.seeds == 1 else self._several()

    def _several(self) -> int:
        """One run after the other, then all of them in one table; with --resume, finished ones are not repeated."""
        from squidlib.cli.evaluate import evaluate_run, print_evaluations, write_json
        from squidlib.runs import Run

        folders = []
        for seed in range(self.seed, self.seed + self.seeds):
            folders.append(self.out / f"seed_{seed}")
            begun = self.resume and Run(folders[-1]).settings_path.is_file()
            code = replace(self, seed=seed, seeds=1, out=folders[-1], resume=begun)._one()
            if code:
                print(f"squid: all seeds: give the same command with --resume and --out {self.out}", file=sys.stderr)
                return code
        evaluations = [evaluate_run(str(folder), 0.05, self.device) for folder in folders]
        print_evaluations(evaluations)
        names = [str(folder) for folder in folders]
        write_json(self.out / "evaluation.json", dict(zip(names, evaluations, strict=True)))
        print(f"all figures: {self.out / 'evaluation.json'}")
        return 0

    def _one(self) -> int:
        from squidlib.pipeline import Interrupted, train_run
        from squidlib.runs import Run

        run = Run(self.out)
        if self.resume:
            if self.overwrite:
                raise UserError("--resume goes on with a run and --overwrite replaces it; give one of them")
            if run.finished:
                run.state_path.unlink(missing_ok=True)  # left where the run was killed at its very end
                print(f"{self.out} is already finished; look at it with: squid evaluate {self.out}")
                return 0
            data = self._saved_data(run)
        else:
            data = self._prepare(run)
        doing = "going on with" if self.resume else "training into"
        print(f"{doing} {self.out}; Ctrl-C saves, --resume goes on", flush=True)
        try:
            train_run(run, data, self.device)
        except (Interrupted, KeyboardInterrupt) as stopped:
            said = str(stopped) or "interrupted; what was saved last is kept"
            print(
                f"squid: {said}. Go on with: squid train {self.dataset} --out {shlex.quote(str(self.out))} --resume",
                file=sys.stderr,
            )
            return 130
        print(f"finished: {run.model_path}. Look at it with: squid evaluate {self.out}")
        return 0

    def _prepare(self, run: Run) -> Digits | ChestData:
        """Everything that can be wrong is found before the folder is touched."""
        from squidlib.data_choice import data_of
        from squidlib.digits import EPOCH_IMAGES, Digits
        from squidlib.pipeline import steps_in

        if self.epochs is not None and self.minutes is not None:
            raise UserError("--epochs and --minutes both say how long to train; give one of them")
        for name, value in (("--epochs", self.epochs), ("--minutes", self.minutes)):
            if value is not None and not 0 < value < 1e6:
                raise UserError(f"{name} must be more than 0, got {value}")
        preset = self._preset()
        facts = self._facts(preset)
        data = data_of(facts, self.seed, self.download)
        for line in () if isinstance(data, Digits) else (*data.arrays.skipped, *data.arrays.notes):
            print(f"note: {line}")
        check_device(self.device)
        run.claim(self.overwrite)
        training = preset.training
        steps = training.steps
        epoch = EPOCH_IMAGES if isinstance(data, Digits) else len(data)
        epochs = preset.epochs if self.epochs is None else self.epochs
        if epochs is not None:
            steps = preset.steps_of(epochs, epoch)
        if self.minutes is not None:
            steps = steps_in(self.minutes, preset.config, training, preset.weights, data, self.device)
            print(f"{self.minutes:g} minutes are about {steps} steps on this machine")
        horizon = max(1, round(training.schedule_steps * steps / training.steps))
        training = replace(training, steps=steps, schedule_steps=horizon)
        run.write_settings(preset.config, training, preset.weights, facts)
        return data

    def _preset(self) -> Preset:
        from squidlib import presets

        digits = self.dataset == "digitanatomy"
        if self.preset == "laptop":
            preset = presets.laptop_digitanatomy() if digits else presets.laptop_chest()
        elif digits:
            preset = presets.paper_digitanatomy()
        else:
            preset = presets.paper_chexpert() if self.dataset == "chexpert" else presets.paper_zhanglab()
        changes = {name: value for name in ("slots", "topk") if (value := getattr(self, name)) is not None}
        training = replace(preset.training, seed=self.seed, precision=self.precision)
        return preset._replace(config=replace(preset.config, **changes), training=training)

    def _facts(self, preset: Preset) -> dict[str, object]:
        import torch

        import squidlib
        from squidlib.config import as_plain
        from squidlib.data_choice import where_to_get

        made = {"preset": self.preset, "seed": self.seed, "squidlib": squidlib.__version__, "torch": torch.__version__}
        if self.dataset == "digitanatomy":
            if self.data is not None:
                raise UserError("--data is the folder of chest X-rays; for digits of your own give --glyphs")
            if self.contamination:
                raise UserError("--contamination is for chest X-rays; of digits, lesson 09 and its study tell")
            return {"data": self.dataset, "glyphs": self.glyphs, "jitter": as_plain(preset.jitter), **made}
        if self.data is None:
            raise UserError(f"--data: the folder of {self.dataset} is needed; to get it: {where_to_get(self.dataset)}")
        if not 0 <= self.contamination <= 0.5:
            raise UserError(f"--contamination lies in 0..0.5, got {self.contamination}")
        return {
            "data": self.dataset,
            "contamination": self.contamination,
            "folder": str(self.data.resolve()),
            "image_size": preset.config.image_size,
            "cache": None if self.cache is None else str(self.cache.resolve()),
            "skip_bad": self.skip_bad,
            **made,
        }

    def _saved_data(self, run: Run) -> Digits | ChestData:
        from squidlib.data_choice import data_of

        _, training, _, facts = run.read_settings()
        check_device(self.device)
        if self.data is not None:  # the folder was moved
            facts = facts | {"folder": str(self.data.resolve())}
        return data_of(facts, training.seed, self.download)
